// Requests that the store does not answer: CONNECT, Upgrade, unsafe methods, requests with a body. What the cache learns from them is
// what they invalidate (RFC 9111 4.4), and the answer to a POST that says it is also the answer to a GET (RFC 9110 9.3.3).
#include "freshet/async/spawn.hpp"
#include "invalidation.hpp"
#include "pipeline.hpp"

namespace freshet {
namespace {

/// Whether the answer may be worth storing; decide_store() has the last word.
bool may_answer_get(const Request& request, Reason why) noexcept {
  return request.head.method == Method::Post && why == Reason::MethodNotCacheable && request.upgrade.empty();
}

/// A 304 to GET or HEAD without a condition says nothing (RFC 9110 15.4.5); what other methods make of it is theirs.
bool may_be_unmodified(const Request& request) noexcept {
  if (!is_cacheable_method(request.head.method)) return true;
  return has_any(request, {FieldId::IfNoneMatch, FieldId::IfModifiedSince});
}

}  // namespace

Task<Reply> CachingProxy::pass(Request& request, Reason why) {
  Errand errand(request, LookUp(), FetchTicket());
  errand.look.decision.why = why;
  if (may_answer_get(request, why)) {
    errand.look.key = make_cache_key(partition(request), request.head, request.arena);
    errand.ticket = store_.join(errand.look.key, true).ticket;
  }
  const auto sent = make_origin_request(request, request.interim, rules(request), options_.loop_token, Preconditions::Keep, nullptr);
  errand.times.requested = clock_.now();
  Reply reply = co_await origin_.serve(*sent);
  errand.times.received = clock_.now();
  if (reply.outcome.origin_status == 304 && !may_be_unmodified(request)) reply = unexpected_not_modified(request, reply);
  const bool answered = reply.outcome.origin_status != 0 || reply.tunnel;
  // With the client gone nobody waited for the answer: the origin may have done what it was asked.
  const bool unknown = !answered && reply.outcome.origin_asked && reply.outcome.reason == Reason::ClientClosed;
  if (invalidates(request.head.method, unknown ? 200 : reply.head.status) && (answered || unknown))
    for (const std::string_view each : partitions(request)) invalidate_after(store_, each, request, reply.head, errand.ticket);
  if (errand.ticket && answered) {
    std::unique_ptr<FillJob> fill;
    const bool stored = is_stored_for_get(errand, reply, fill);
    if (fill) {
      Task<void> filling = run_fill(std::move(fill));
      co_await spawn(std::move(filling));
    }
    if (stored) co_return reply;
  }
  co_return sign_passed(request, std::move(reply), why);
}

/// The client reads along while its answer fills the store. Only what is fresh on arrival is worth it: the next GET brings its own.
bool CachingProxy::is_stored_for_get(Errand& errand, Reply& reply, std::unique_ptr<FillJob>& fill) {
  if (reply.head.status != 200) return false;
  const StoreDecision decision = decide_store(errand.client.head, reply.head, reply.length, options_.policy, errand.times);
  const bool fresh = !decision.meta.no_cache && decision.meta.lifetime > decision.meta.initial_age;
  if (!decision.store || !fresh || keep(errand, reply, decision, fill) != Reason::None) return false;
  reply.outcome.cache = CacheResult::Bypass;
  return true;
}

Reply CachingProxy::sign_passed(const Request& request, Reply reply, Reason why) {
  const bool answered = reply.outcome.origin_status != 0 || reply.tunnel;
  CacheStatus said;
  if (answered || reply.outcome.origin_asked) said.forward = forward_word(why);
  said.forward_status = reply.outcome.origin_status;
  if (said.forward == "bypass") said.detail = why;
  if (!answered) said.detail = reply.outcome.reason;
  sign(reply, request, said);
  if (!answered && reply.outcome.reason == Reason::AuthenticationRequired) add_challenges(reply, request, false);
  reply.outcome.cache = answered ? CacheResult::Bypass : CacheResult::Error;
  if (request.head.method == Method::Connect || (!answered && !reply.outcome.origin_asked)) reply.outcome.cache = CacheResult::None;
  if (answered && reply.outcome.reason == Reason::None) reply.outcome.reason = why;
  return reply;
}

}  // namespace freshet
