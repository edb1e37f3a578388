// A request's way through the pipeline:
//
//   try_now:  knows -> admit -> look up -> fresh: hit
//   serve:    authenticate -> admit -> refuse | a place for a tunnel: tunnel or uncacheable method: pass | (QUERY: read its content) look up -> hit | stale hit and background
//             revalidation | join -> follow another client's fetch, then look up again | fetch -> 304: freshen, hit | store and fill | pass on
#include "freshet/proxy/caching_proxy.hpp"

#include <new>

#include "freshet/exchange/error_reply.hpp"
#include "freshet/http/cache_groups.hpp"
#include "freshet/http/forwarding.hpp"
#include "freshet/http/target.hpp"
#include "local_answer.hpp"
#include "pipeline.hpp"
#include "select_fields.hpp"

namespace freshet {
namespace {

/// Requests that neither take a stored response nor leave one (RFC 9111 section 2 and 4; RFC 9110 7.8).
Reason why_bypassed(const Request& request, const ListenerRules& rules) noexcept {
  // What such a field brings would be handed to those who do not send it, and the other way round. Of QUERY and POST too.
  if (may_steer_origin(request.head, rules.forwarded, rules.forward)) return Reason::OverrideField;
  if (!is_cacheable_method(request.head.method)) return Reason::MethodNotCacheable;
  if (!request.upgrade.empty()) return Reason::MethodNotCacheable;
  if (request.body) return Reason::RequestBody;
  if (has_any(request, {FieldId::IfMatch, FieldId::IfUnmodifiedSince})) return Reason::PreconditionPresent;
  return Reason::None;
}

/// The client takes us for something else: who knows what it sends next.
bool is_mistaken(Reason why) noexcept {
  switch (why) {
    case Reason::ConnectRefused:
    case Reason::NotProxyRequest:
    case Reason::UnsupportedScheme:
    case Reason::TlsUnsupported:
    case Reason::BadTarget: return true;
    default: return false;
  }
}

Task<Reply> answer_at_once(Reply reply) { co_return std::move(reply); }

std::string_view dialled_authority(const Request& request) {
  const Peer& peer = *request.peer;
  std::string text = peer.local_address.find(':') == std::string::npos ? peer.local_address : '[' + peer.local_address + ']';
  if (peer.local_port != default_port(request.head.scheme)) text += ':' + std::to_string(peer.local_port);
  return request.arena.copy(text);
}

}  // namespace

std::string_view CachingProxy::partition(const Request& request) const {
  const Destination& to = request.destination;
  const ListenerRules& own = rules(request);
  if (to.upstream != Destination::kForward) return options_.upstreams[to.upstream];
  if (to.address_rules == 0) return own.partition;
  return AddressClasses::partition(own.address_partition, to.address_rules, to.otherwise, request.arena);
}

/// All partitions that a URL may be stored in for clients of the request's listener.
std::vector<std::string_view> CachingProxy::partitions(const Request& request) const {
  const ListenerRules& own = rules(request);
  if (request.destination.upstream != Destination::kForward || !own.address_classes) return {partition(request)};
  auto all = own.address_classes->partitions(own.address_partition, request.arena);
  all.push_back(own.partition);
  return all;
}

/// False when this request must have no part in the cache. Partitions have to be known to whoever removes what is in them.
bool CachingProxy::has_partition(const Request& request) const noexcept {
  const Destination& to = request.destination;
  const auto& classes = rules(request).address_classes;
  return to.address_rules == 0 || (classes && classes->remember(to.address_rules, to.otherwise));
}

/// Counts each request once, whoever asks first.
bool CachingProxy::is_too_fast(Request& request, const RateLimit& limit) const noexcept {
  Destination& destination = request.destination;
  if (!destination.rate_judged && options_.rates) {
    destination.rate_judged = true;
    destination.retry_after =
        retry_after_seconds(options_.rates->take(rate_key(request, limit), limit.rate, request.received.steady));
  }
  return destination.retry_after > 0;
}

bool CachingProxy::route(Request& request, RouteVerdict& verdict) const {
  // HTTP/1.0 has no Host: on a reverse listener the address that the client dialled says whom it means.
  if (request.head.authority.empty() && !rules(request).forward) request.head.authority = dialled_authority(request);
  verdict = decide_route(request, rules(request));
  request.destination.upstream = verdict.upstream;
  request.destination.address_rules = verdict.address_rules;
  request.destination.otherwise = verdict.otherwise;
  if (verdict.rate && is_too_fast(request, *verdict.rate)) {
    verdict.error = Reason::RateLimited;
    verdict.status = 429;
  }
  return verdict.error == Reason::None;
}

/// A reply for what goes no further: no route, a loop, the last stop of TRACE and OPTIONS.
std::optional<Reply> CachingProxy::admit(Request& request) {
  RouteVerdict verdict;
  if (!request.looked_up && !route(request, verdict)) {
    Reply reply = refuse(request, verdict.error, verdict.status);
    reply.close = reply.close || is_mistaken(verdict.error);
    return reply;
  }
  if (rules(request).forward && is_about_the_proxy(request)) {
    Reply reply = answer_options();
    sign(reply, request, CacheStatus());
    return reply;
  }
  if (request.head.authority.empty()) return refuse(request, Reason::BadHost, 400);
  if (count_in_via(request.head.fields, options_.loop_token) > 0) return refuse(request, Reason::Loop, 508);
  if (auto reply = answer_max_forwards(request, options_.pseudonym)) {
    CacheStatus said;
    sign(*reply, request, said);
    return reply;
  }
  return {};
}

Reply CachingProxy::refuse(const Request& request, Reason why, int status, CacheStatus said, bool stale) {
  Reply reply = make_error_reply(request, {why, Side::Client, status}, options_.pseudonym, request.destination.retry_after);
  if (status == 407) add_challenges(reply, request, stale);
  said.detail = why;
  reply.outcome.cache_status = render_cache_status(said, options_.pseudonym, request.arena);
  reply.added.add(FieldId::CacheStatus, reply.outcome.cache_status);
  return reply;
}

void CachingProxy::expect(std::string_view target) noexcept {
  if (const std::uint64_t hash = key_guess_.guess(target)) store_.expect(hash);
}

std::optional<Reply> CachingProxy::try_now(Request& request) noexcept {
  try {
    return look_now(request);
  } catch (const std::bad_alloc&) {
    return {};  // serve() tries again, and may fail
  }
}

std::optional<Reply> CachingProxy::look_now(Request& request) {
  if (!options_.cache_enabled || !is_cacheable_method(request.head.method) || request.body) return {};
  if (!knows(request)) return {};
  RouteVerdict verdict;
  if (!route(request, verdict) || request.head.authority.empty() || !has_partition(request)) return {};
  if (why_bypassed(request, rules(request)) != Reason::None) return {};
  LookUp look = look_up(request, request.received, {});
  if (!look.found.response) remember(request, look);
  if (look.decision.reuse != Reuse::Use) return {};
  return hit_once(request, look, look.decision.why == Reason::Fresh ? CacheResult::Hit : CacheResult::Stale);
}

// Not coroutines, but choices of one: a frame for each would cost more than the choice.
Task<Reply> CachingProxy::serve(Request& request) {
  return asks_who(request) ? serve_unknown(request) : serve_judged(request);
}

Task<Reply> CachingProxy::serve_judged(Request& request) {
  if (auto reply = admit(request)) return answer_at_once(std::move(*reply));
  if (!request.interim.take_tunnel_place()) return answer_at_once(refuse(request, Reason::TooManyTunnels, 503));
  if (request.looked_up) return look_or_fetch(request, {});
  const Reason bypass = options_.cache_enabled && has_partition(request) ? why_bypassed(request, rules(request)) : Reason::CacheOff;
  if (bypass == Reason::None) return look_or_fetch(request, {});
  if (request.head.method == Method::Query && bypass == Reason::MethodNotCacheable) return serve_query(request);
  return pass(request, bypass);
}

Task<Reply> CachingProxy::serve_unknown(Request& request) {
  std::optional<Reply> refused = co_await authenticate(request);
  if (refused) co_return std::move(*refused);
  co_return co_await serve_judged(request);
}

/// Via and Cache-Status for an answer whose head is the origin's or our own.
void CachingProxy::sign(Reply& reply, const Request& request, const CacheStatus& said) {
  const bool from_origin = reply.outcome.origin_status != 0;
  if (from_origin && has_private_group_fields(reply.head.fields))
    reply.head.fields = select_fields(reply.head.fields, request.arena, [](FieldId id) { return !is_private_group_field(id); });
  reply.outcome.cache_status = render_cache_status(said, options_.pseudonym, request.arena);
  if (from_origin) reply.added.add(FieldId::Via, request.arena.join({"1.1 ", options_.pseudonym}));
  if (!reply.tunnel) reply.added.add(FieldId::CacheStatus, reply.outcome.cache_status);
}

std::unique_ptr<Service> make_caching_proxy(const ProxyOptions& options, Service& origin, Store& store, const Clock& clock,
                                            WorkerCounters& counters, Pause* pause) {
  return std::make_unique<CachingProxy>(options, origin, store, clock, counters, pause);
}

}  // namespace freshet
