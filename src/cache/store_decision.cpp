// decide_store: RFC 9111 section 3, clause by clause.
#include <algorithm>

#include "freshet/base/ascii.hpp"
#include "freshet/cache/odd_request.hpp"
#include "freshet/cache/policy.hpp"
#include "freshet/cache/vary.hpp"
#include "freshet/http/grammar.hpp"
#include "freshet/http/range.hpp"
#include "freshness.hpp"

namespace freshet {
namespace {

// Statuses whose caching rules we know and follow; must-understand asks for that (RFC 9111 5.2.2.3).
bool is_understood(int status) noexcept { return status >= 200 && !reason_phrase(status).empty(); }

// Content-Location as the target itself: absolute, or the same path and query.
bool names_target(std::string_view location, const RequestHead& request) noexcept {
  if (location.starts_with('/')) return !location.starts_with("//") && location == request.target;
  for (const std::string_view part : {request.scheme, std::string_view("://"), request.authority}) {
    if (!ascii::iequals(location.substr(0, part.size()), part)) return false;
    location.remove_prefix(part.size());
  }
  return location == request.target;
}

// Methods whose responses answer a later GET; or, under a key of its own, a later QUERY (RFC 10008 2.7).
bool is_storable_method(const RequestHead& request, FieldsView response, const Freshness& freshness) noexcept {
  if (request.method == Method::Get || request.method == Method::Query) return true;
  if (request.method != Method::Post || !freshness.is_explicit) return false;  // RFC 9110 9.3.3
  const auto location = response.first(FieldId::ContentLocation);
  return location && response.count(FieldId::ContentLocation) == 1 && names_target(*location, request);
}

// An error about what only this request said would be served to everybody (cache poisoning by denial).
bool blames_request(const RequestHead& request, int status) noexcept {
  const FieldsView fields = request.fields;
  switch (status) {
    case 304:
    case 407:
    case 406:  // about what it accepts, its content, its upgrade
    case 408:
    case 411:
    case 413:
    case 415:
    case 417:
    case 421:
    case 425:
    case 426:
    case 428:  // RFC 6585 3, 4, 5 and 6: not to be stored
    case 429:
    case 431:
    case 511:
      return true;
    case 412:
      return fields.contains(FieldId::IfMatch) || fields.contains(FieldId::IfUnmodifiedSince) ||
             fields.contains(FieldId::IfNoneMatch) || fields.contains(FieldId::IfModifiedSince);
    case 416:
      return fields.contains(FieldId::Range);
    case 404:
    case 410:
      return false;
    default:
      return status >= 400 && (is_odd(request) || fields.contains(FieldId::Range));
  }
}

Reason objection_of_status(const RequestHead& request, int status, const ResponseDirectives& directives) noexcept {
  if (blames_request(request, status)) return Reason::RequestAtFault;
  const bool usable = status >= 200 && status <= 999;
  const bool understood = !directives.must_understand || is_understood(status);
  return usable && understood ? Reason::None : Reason::StatusNotCacheable;
}

bool sets_cookie_for_all(FieldsView fields, const ResponseDirectives& directives, const CachePolicy& policy) noexcept {
  if (!fields.contains(FieldId::SetCookie)) return true;
  if (may_store_cookie(directives, policy)) return true;
  return list_contains(directives.private_fields, "set-cookie") ||
         list_contains(directives.no_cache_fields, "set-cookie");
}

// Whether others may see the response at all.
Reason objection_to_sharing(const RequestHead& request, const ResponseHead& response, const Freshness& freshness,
                            const CachePolicy& policy) noexcept {
  const ResponseDirectives& directives = freshness.directives;
  if (!is_storable_method(request, response.fields, freshness)) return Reason::MethodNotCacheable;
  if (parse_request_directives(request.fields).no_store) return Reason::RequestNoStore;
  if (const Reason why = objection_of_status(request, response.status, directives); why != Reason::None) return why;
  if (directives.no_store && !directives.must_understand) return Reason::NoStore;
  if (directives.is_private) return Reason::PrivateResponse;
  if (says_vary_star(response.fields)) return Reason::VaryStar;
  if (request.fields.contains(FieldId::Authorization) && !may_share_authorized(directives))
    return Reason::AuthorizedRequest;
  // The RFC lets a cache guess a lifetime, but not who may see what a cookie has asked for.
  if (request.fields.contains(FieldId::Cookie) && !freshness.is_explicit && !directives.is_public) return Reason::CookieRequest;
  if (!sets_cookie_for_all(response.fields, directives, policy)) return Reason::SetCookie;
  return Reason::None;
}

// The shortest way to the most frequent objection: nothing else of the response needs to be looked at.
bool says_no_store(const RequestHead& request, int status, const ResponseDirectives& directives) noexcept {
  const bool storable = request.method == Method::Get || request.method == Method::Query;
  return storable && directives.no_store && !directives.must_understand &&
         objection_of_status(request, status, directives) == Reason::None &&
         !parse_request_directives(request.fields).no_store;
}

// Whether it could ever be used again (RFC 9111 section 3, last item, and common sense).
Reason objection_of_use(const Freshness& freshness, const CachePolicy& policy) noexcept {
  const StoredMeta& meta = freshness.meta;
  const bool has_lifetime = freshness.is_explicit || meta.heuristic;
  if (!has_lifetime && !is_heuristically_cacheable(meta.status) && !freshness.directives.is_public)
    return Reason::StatusNotCacheable;
  if (meta.has_validator()) return Reason::None;
  if (meta.no_cache) return Reason::ResponseNoCache;
  if (!has_lifetime) return Reason::NoFreshness;
  const Seconds stale_if_error = meta.has_stale_if_error ? Seconds(meta.stale_if_error) : policy.default_stale_if_error;
  const Seconds grace = meta.forbids_stale ? Seconds{0} : std::max<Seconds>(meta.stale_while_revalidate, stale_if_error);
  return meta.lifetime + grace > meta.initial_age ? Reason::None : Reason::AlreadyStale;
}

// The one part that a 206 to a GET with Range holds. Empty for several parts (multipart/byteranges has no Content-Range), for fields
// that contradict each other, for an unknown length, and for more bytes than Content-Range says. Fewer are what they are: the bytes from
// `first` on.
std::optional<StoredPart> read_part(const RequestHead& request, const ResponseHead& response, std::optional<std::uint64_t> length) {
  if (request.method != Method::Get || request.fields.count(FieldId::Range) != 1 || !length) return {};
  if (response.fields.count(FieldId::ContentRange) != 1) return {};
  const auto range = parse_content_range(*response.fields.first(FieldId::ContentRange));
  if (!range) return {};
  const std::uint64_t claimed = range->last - range->first + 1;
  if (*length == 0 || *length > claimed) return {};
  return StoredPart{range->first, *length, claimed, range->complete};
}

}  // namespace

StoreDecision decide_store(const RequestHead& request, const ResponseHead& response,
                           std::optional<std::uint64_t> length, const CachePolicy& policy,
                           const ExchangeTimes& times) noexcept {
  StoreDecision decision;
  const ResponseDirectives directives = parse_response_directives(response.fields, policy.targets);
  if (says_no_store(request, response.status, directives)) {
    decision.why = Reason::NoStore;
    return decision;
  }
  const Freshness freshness = read_freshness(response, directives, policy, times);
  decision.meta = freshness.meta;
  decision.dropped_fields = freshness.directives.private_fields;
  decision.no_cache_fields = freshness.directives.no_cache_fields;
  decision.why = objection_to_sharing(request, response, freshness, policy);
  if (decision.why == Reason::None) decision.why = objection_of_use(freshness, policy);
  if (decision.why != Reason::None) return decision;
  if (response.status == 206) {
    decision.part = read_part(request, response, length);
    if (!decision.part) {
      decision.why = Reason::PartialResponse;
      return decision;
    }
  }
  decision.shareable = true;
  if (decision.part) length = decision.part->size;
  if (length && *length > policy.max_object_size) {
    decision.why = Reason::TooLarge;
    return decision;
  }
  decision.store = true;
  decision.why = Reason::Stored;
  return decision;
}

}  // namespace freshet
