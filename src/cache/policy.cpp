#include "freshet/cache/policy.hpp"

#include <algorithm>

namespace freshet {
namespace {

// How long it has been stale; not positive while it is fresh.
Seconds staleness(const StoredMeta& stored, SteadyTime now) noexcept {
  return current_age(stored, now) - stored.lifetime;
}

// RFC 9111 5.2.1.1: a client that says max-age=0 wants to hear from the origin, however young the stored response is.
bool too_old_for(const RequestDirectives& request, Seconds age) noexcept {
  if (!request.max_age) return false;
  return age > *request.max_age || *request.max_age == Seconds{0};
}

// A reload (max-age=0) of what cannot have changed (RFC 8246 2). One who wants to be sure says no-cache.
bool is_needless_reload(const RequestDirectives& request, const StoredMeta& stored, Seconds ttl) noexcept {
  return stored.immutable && ttl > Seconds{0} && request.max_age == Seconds{0};
}

// What keeps a stored response, of whatever age, from being used without asking the origin; None when nothing does.
Reason objection(const RequestDirectives& request, const StoredMeta& stored, Seconds age, Seconds ttl) noexcept {
  if (request.no_cache) return Reason::RequestNoCache;  // RFC 9111 5.2.1.4
  if (stored.no_cache) return Reason::ResponseNoCache;  // RFC 9111 5.2.2.4
  if (too_old_for(request, age) && !is_needless_reload(request, stored, ttl))
    return Reason::RequestMaxAge;                                                     // RFC 9111 5.2.1.1
  if (request.min_fresh && ttl < *request.min_fresh) return Reason::RequestMinFresh;  // RFC 9111 5.2.1.3
  return Reason::None;
}

// What to do with a response that could be used as far as `objection` goes.
ReuseDecision use_if_fresh(const RequestDirectives& request, const StoredMeta& stored,
                           ReuseDecision decision) noexcept {
  const auto use = [&decision](Reuse reuse, Reason why) {
    decision.reuse = reuse;
    decision.why = why;
    return decision;
  };
  if (decision.ttl > Seconds{0}) return use(Reuse::Use, Reason::Fresh);
  if (!stored.forbids_stale) {
    const Seconds stale_for = -decision.ttl;
    if (request.max_stale && stale_for <= *request.max_stale) return use(Reuse::Use, Reason::StaleAllowed);
    if (stale_for < stored.stale_while_revalidate) return use(Reuse::UseAndRevalidate, Reason::StaleWhileRevalidate);
  }
  return use(stored.has_validator() ? Reuse::Revalidate : Reuse::Fetch, Reason::Stale);
}

}  // namespace

Seconds current_age(const StoredMeta& stored, SteadyTime now) noexcept {
  const auto resident = std::chrono::floor<Seconds>(now - stored.response_time);
  return std::clamp(stored.initial_age + std::max(resident, Seconds{0}), Seconds{0}, kForever);
}

ReuseDecision decide_reuse(const RequestDirectives& request, const StoredMeta* stored, const CachePolicy&,
                           SteadyTime now) noexcept {
  ReuseDecision decision;
  if (stored != nullptr) {
    decision.age = current_age(*stored, now);
    decision.ttl = stored->lifetime - decision.age;
    const Reason objection_to_use = objection(request, *stored, decision.age, decision.ttl);
    if (request.no_store) {  // neither the request nor its answer may leave a trace here (RFC 9111 5.2.1.5)
      decision.reuse = Reuse::Fetch;
      decision.why = Reason::RequestNoStore;
    } else if (objection_to_use != Reason::None) {
      decision.reuse = stored->has_validator() ? Reuse::Revalidate : Reuse::Fetch;
      decision.why = objection_to_use;
    } else {
      decision = use_if_fresh(request, *stored, decision);
    }
  }
  const bool asks_origin = decision.reuse == Reuse::Fetch || decision.reuse == Reuse::Revalidate;
  if (request.only_if_cached && asks_origin) {  // RFC 9111 5.2.1.7
    decision.reuse = Reuse::Refuse;
    decision.why = Reason::OnlyIfCached;
  }
  return decision;
}

bool may_serve_stale_on_error(const RequestDirectives& request, const StoredMeta& stored, OriginTrouble trouble,
                              const CachePolicy& policy, SteadyTime now) noexcept {
  if (request.no_cache || request.no_store || stored.no_cache) return false;
  const Seconds stale_for = staleness(stored, now);
  if (stored.forbids_stale && stale_for >= Seconds{0}) return false;
  // A client that limits the age gets nothing beyond, unless it says itself what it takes in case of an error.
  if (!request.stale_if_error) {
    const Seconds age = current_age(stored, now);
    if (too_old_for(request, age) || (request.min_fresh && -stale_for < *request.min_fresh)) return false;
  }
  if (request.stale_if_error || stored.has_stale_if_error) {  // either side may allow it (RFC 5861 4)
    const Seconds by_response = stored.has_stale_if_error ? Seconds(stored.stale_if_error) : Seconds{0};
    const Seconds window = std::max(request.stale_if_error.value_or(Seconds{0}), by_response);
    return stale_for < window;
  }
  if (stale_for < policy.default_stale_if_error) return true;
  // Cut off from the origin (RFC 9111 4.2.4).
  return trouble == OriginTrouble::Disconnected && stored.lifetime > Seconds{0};
}

bool invalidates(Method method, int status) noexcept {
  if (is_safe(method) || method == Method::Connect) return false;
  return status >= 200 && status < 400;
}

}  // namespace freshet
