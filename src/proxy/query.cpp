// QUERY: a safe method whose content is part of the question (RFC 10008).
#include "freshet/cache/query_key.hpp"
#include "pipeline.hpp"
#include "query_content.hpp"

namespace freshet {
namespace {

Reason why_not_cached(const Request& request, std::uint64_t limit) noexcept {
  // Without it the content means nothing, and the origin has to refuse (RFC 10008 2.1).
  const bool typed = request.head.fields.count(FieldId::ContentType) == 1;
  if (!typed || !request.upgrade.empty() || limit == 0) return Reason::MethodNotCacheable;
  if (has_any(request, {FieldId::IfMatch, FieldId::IfUnmodifiedSince})) return Reason::PreconditionPresent;
  return Reason::None;
}

}  // namespace

Task<Reply> CachingProxy::serve_query(Request& request) {
  Reason why = why_not_cached(request, options_.query_body);
  if (why == Reason::None) {
    Result<Ref<const QueryContent>> content = co_await read_query_content(request, options_.query_body, store_, why);
    if (!content) {
      const Failure& failure = content.error();
      co_return refuse(request, failure.reason, failure.status != 0 ? failure.status : 400);
    }
    if (*content && !(*content)->digest().empty()) {
      Ref<const QueryContent> asked = std::move(*content);
      Reply reply = co_await look_or_fetch(request, std::move(asked));
      co_return reply;
    }
    if (*content) why = Reason::RequestBody;
  }
  Reply reply = co_await pass(request, why);
  co_return reply;
}

/// The URI's key for GET and HEAD; for QUERY the URI's and the content's.
CacheKey CachingProxy::key_of(const Request& request, const QueryContent* content) const {
  const CacheKey uri = key_guess_.make(partition(request), request.head, request.arena);
  return content ? make_query_key(uri, store_.uri_generation(uri), content->digest(), request.arena) : uri;
}

}  // namespace freshet
