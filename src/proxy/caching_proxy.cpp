// A request's way through the pipeline:
//
//   try_now:  admit -> look up -> fresh: hit
//   serve:    admit -> refuse | tunnel or uncacheable method: pass | look up -> hit | stale hit and background revalidation
//             | join -> follow another client's fetch, then look up again | fetch -> 304: freshen, hit | store and fill | pass on
#include "freshet/proxy/caching_proxy.hpp"

#include <utility>

#include "cache_status.hpp"
#include "fill.hpp"
#include "freshet/async/spawn.hpp"
#include "freshet/async/wakeup.hpp"
#include "freshet/cache/vary.hpp"
#include "freshet/exchange/error_reply.hpp"
#include "freshet/http/forwarding.hpp"
#include "freshet/http/target.hpp"
#include "hit.hpp"
#include "invalidation.hpp"
#include "local_answer.hpp"
#include "origin_request.hpp"

namespace freshet {
namespace {

/// What the store and the policy say about one request.
struct LookUp {
  CacheKey key;
  RequestDirectives directives;
  Store::Found found;
  ReuseDecision decision;
};

/// What one fetch needs to remember from beginning to end.
struct Errand {
  Request& client;
  LookUp look;
  FetchTicket ticket;
  ExchangeTimes times;
  Errand(Request& c, LookUp l, FetchTicket t) : client(c), look(std::move(l)), ticket(std::move(t)) {}
  const StoredResponse* revalidated() const noexcept {
    return look.decision.reuse == Reuse::Revalidate || look.decision.reuse == Reuse::UseAndRevalidate ? look.found.response.get()
                                                                                                      : nullptr;
  }
};

bool has_any(const Request& request, std::initializer_list<FieldId> ids) noexcept {
  for (const FieldId id : ids)
    if (request.head.fields.contains(id)) return true;
  return false;
}

/// Requests that neither take a stored response nor leave one (RFC 9111 section 2 and 4; RFC 9110 7.8).
Reason why_bypassed(const Request& request) noexcept {
  if (!is_cacheable_method(request.head.method)) return Reason::MethodNotCacheable;
  if (!request.upgrade.empty()) return Reason::MethodNotCacheable;
  if (request.body) return Reason::RequestBody;
  if (has_any(request, {FieldId::IfMatch, FieldId::IfUnmodifiedSince})) return Reason::PreconditionPresent;
  return Reason::None;
}

/// Answers to the client's own condition or range say nothing about the whole.
Reason why_not_stored(const Request& client, int status, Preconditions asked, const StoreDecision& decision) noexcept {
  if (!decision.store) return decision.why;
  if (client.head.method != Method::Get) return Reason::MethodNotCacheable;
  const bool own_question =
      asked == Preconditions::Keep && has_any(client, {FieldId::Range, FieldId::IfNoneMatch, FieldId::IfModifiedSince});
  if (own_question && (status == 304 || status == 206 || status == 412 || status == 416)) return Reason::PartialResponse;
  return Reason::None;
}

/// Whether the next response for the same URL will not be shareable either, whoever asks: what the response said, not what this one
/// request did. Otherwise a client could keep others from waiting for one another.
bool is_about_the_url(Reason why) noexcept {
  switch (why) {
    case Reason::NoStore:
    case Reason::PrivateResponse:
    case Reason::NoFreshness:
    case Reason::StatusNotCacheable:
    case Reason::VaryStar:
    case Reason::SetCookie:
    case Reason::TooLarge:
    case Reason::AlreadyStale: return true;
    default: return false;
  }
}

bool is_trouble(int status) noexcept { return status == 500 || status == 502 || status == 503 || status == 504; }

std::string_view dialled_authority(const Request& request) {
  const Peer& peer = request.peer;
  std::string text = peer.local_address.find(':') == std::string::npos ? peer.local_address : '[' + peer.local_address + ']';
  if (peer.local_port != default_port(request.head.scheme)) text += ':' + std::to_string(peer.local_port);
  return request.arena.copy(text);
}

/// Waits for another client's fetch, and leaves its list in time whatever happens.
class Following {
 public:
  explicit Following(Ref<Fetch> fetch) : fetch_(std::move(fetch)) {}
  ~Following() { fetch_->leave(wakeup_); }
  Fetch::Look look() { return fetch_->look(wakeup_); }
  Wakeup& wakeup() noexcept { return wakeup_; }

 private:
  Ref<Fetch> fetch_;
  Wakeup wakeup_;
};

Task<Fetch::Look> follow(Ref<Fetch> fetch) {
  Following following(std::move(fetch));
  for (;;) {
    const Fetch::Look look = following.look();
    if (look.verdict != FetchVerdict::Waiting) co_return look;
    co_await following.wakeup().wait();
  }
}

class CachingProxy final : public Service {
 public:
  CachingProxy(const ProxyOptions& options, Service& origin, Store& store, const Clock& clock, WorkerCounters& counters)
      : options_(options), origin_(origin), store_(store), clock_(clock), counters_(counters) {}

  std::optional<Reply> try_now(Request& request) noexcept override;
  Task<Reply> serve(Request& request) override;

 private:
  const ListenerRules& rules(const Request& request) const noexcept { return options_.listeners[request.listener]; }
  std::string_view partition(const Request& request) const noexcept;
  bool route(Request& request, RouteVerdict& verdict) const noexcept;
  std::optional<Reply> admit(Request& request);
  LookUp look_up(const Request& request, Time now);
  Reply refuse(const Request& request, Reason why, int status, CacheStatus said = {});
  Reply hit(const Request& request, const LookUp& look, CacheResult result);
  Reply stale_hit(Errand& errand, const CacheStatus& origin_said);
  Task<Reply> pass(Request& request, Reason why);
  Task<Reply> look_or_fetch(Request& request);
  Task<Reply> fetch(Errand& errand);
  Reply failed(Errand& errand, Reply reply);
  Reply freshened(Errand& errand, Reply& origin, bool& done);
  bool is_stored(Errand& errand, Reply& origin, const StoreDecision& decision, std::unique_ptr<FillJob>& fill);
  Reply first_answer(Errand& errand, Reply origin, const Ref<StoredResponse>& stored, const CacheStatus& said);
  Reply pass_on(Errand& errand, Reply origin, Reason why);
  Task<void> revalidate(std::unique_ptr<DetachedRequest> request, LookUp look, FetchTicket ticket);
  void sign(Reply& reply, const Request& request, const CacheStatus& said);
  Preconditions preconditions(const Errand& errand) const noexcept;

  const ProxyOptions& options_;
  Service& origin_;
  Store& store_;
  const Clock& clock_;
  WorkerCounters& counters_;
};

// --- admission --------------------------------------------------------------------------------------------------------

std::string_view CachingProxy::partition(const Request& request) const noexcept {
  return request.destination.upstream == Destination::kForward ? std::string_view(rules(request).partition)
                                                                : std::string_view(options_.upstreams[request.destination.upstream]);
}

bool CachingProxy::route(Request& request, RouteVerdict& verdict) const noexcept {
  // HTTP/1.0 has no Host: on a reverse listener the address that the client dialled says whom it means.
  if (request.head.authority.empty() && !rules(request).forward) request.head.authority = dialled_authority(request);
  verdict = decide_route(request, rules(request));
  request.destination.upstream = verdict.upstream;
  return verdict.error == Reason::None;
}

/// A reply for what goes no further: no route, a loop, the last stop of TRACE and OPTIONS.
std::optional<Reply> CachingProxy::admit(Request& request) {
  RouteVerdict verdict;
  if (rules(request).forward && is_about_the_proxy(request)) {
    Reply reply = answer_options();
    sign(reply, request, CacheStatus());
    return reply;
  }
  if (!route(request, verdict)) return refuse(request, verdict.error, verdict.status);
  if (request.head.authority.empty()) return refuse(request, Reason::BadHost, 400);
  if (count_in_via(request.head.fields, options_.loop_token) > 0) return refuse(request, Reason::Loop, 508);
  if (auto reply = answer_max_forwards(request, options_.pseudonym)) {
    CacheStatus said;
    sign(*reply, request, said);
    return reply;
  }
  return {};
}

Reply CachingProxy::refuse(const Request& request, Reason why, int status, CacheStatus said) {
  Reply reply = make_error_reply(request, {why, Side::Client, status}, options_.pseudonym);
  said.detail = why;
  reply.outcome.cache_status = render_cache_status(said, options_.pseudonym, request.arena);
  reply.added.add(FieldId::CacheStatus, reply.outcome.cache_status);
  return reply;
}

// --- from the store ---------------------------------------------------------------------------------------------------

LookUp CachingProxy::look_up(const Request& request, Time now) {
  LookUp look;
  look.key = make_cache_key(partition(request), request.head, request.arena);
  look.directives = parse_request_directives(request.head.fields);
  look.found = store_.find(look.key, request.head.fields);
  look.decision = decide_reuse(look.directives, look.found.response ? &look.found.response->meta() : nullptr, options_.policy, now.steady);
  if (!look.found.response && look.found.other_variants && look.decision.why == Reason::NothingStored)
    look.decision.why = Reason::VaryMiss;
  return look;
}

Reply CachingProxy::hit(const Request& request, const LookUp& look, CacheResult result) {
  CacheStatus said;
  said.hit = result != CacheResult::Collapsed;
  said.ttl = look.decision.ttl;
  if (result == CacheResult::Collapsed) {
    said.forward = "uri-miss";
    said.collapsed = true;
  } else if (look.decision.why != Reason::Fresh) {
    said.detail = look.decision.why;
  }
  HitLines lines;
  lines.age = look.decision.age;
  lines.cache_status = render_cache_status(said, options_.pseudonym, request.arena);
  Reply reply = make_hit(request, look.found.response, lines);
  reply.outcome.cache = result;
  reply.outcome.reason = look.decision.why;
  reply.outcome.cache_status = lines.cache_status;
  return reply;
}

std::optional<Reply> CachingProxy::try_now(Request& request) noexcept {
  if (!options_.cache_enabled || why_bypassed(request) != Reason::None) return {};
  RouteVerdict verdict;
  if (!route(request, verdict) || request.head.authority.empty()) return {};
  const LookUp look = look_up(request, request.received);
  if (look.decision.reuse != Reuse::Use) return {};
  return hit(request, look, look.decision.why == Reason::Fresh ? CacheResult::Hit : CacheResult::Stale);
}

/// The origin is in trouble, and the stored response may stand in for it (RFC 9111 4.2.4).
Reply CachingProxy::stale_hit(Errand& errand, const CacheStatus& origin_said) {
  const LookUp& look = errand.look;
  const SteadyTime now = clock_.now().steady;
  const StoredMeta& meta = look.found.response->meta();
  CacheStatus said;
  said.hit = true;
  said.detail = Reason::StaleIfError;
  HitLines lines;
  lines.age = current_age(meta, now);
  said.ttl = meta.lifetime - lines.age;
  lines.cache_status = render_cache_status(said, options_.pseudonym, errand.client.arena);
  Reply reply = make_hit(errand.client, look.found.response, lines);
  reply.outcome.cache = CacheResult::Stale;
  reply.outcome.reason = Reason::StaleIfError;
  reply.outcome.cache_status = lines.cache_status;
  reply.outcome.origin_status = static_cast<std::uint16_t>(origin_said.forward_status);
  return reply;
}

// --- to the origin ----------------------------------------------------------------------------------------------------

/// Via and Cache-Status for an answer whose head is the origin's or our own.
void CachingProxy::sign(Reply& reply, const Request& request, const CacheStatus& said) {
  const bool from_origin = reply.outcome.origin_status != 0;
  reply.outcome.cache_status = render_cache_status(said, options_.pseudonym, request.arena);
  if (from_origin) reply.added.add(FieldId::Via, request.arena.join({"1.1 ", options_.pseudonym}));
  if (!reply.tunnel) reply.added.add(FieldId::CacheStatus, reply.outcome.cache_status);
}

/// CONNECT, Upgrade, unsafe methods, requests with a body: the cache learns at most what they invalidate (RFC 9111 4.4).
Task<Reply> CachingProxy::pass(Request& request, Reason why) {
  const auto sent = make_origin_request(request, rules(request), options_.loop_token, Preconditions::Keep, nullptr);
  Reply reply = co_await origin_.serve(*sent);
  const bool answered = reply.outcome.origin_status != 0 || reply.tunnel;
  if (answered && invalidates(request.head.method, reply.head.status))
    invalidate_after(store_, partition(request), request, reply.head);
  CacheStatus said;
  if (answered || reply.outcome.origin_asked) said.forward = forward_word(why);
  said.forward_status = reply.outcome.origin_status;
  if (said.forward == "bypass") said.detail = why;
  if (!answered) said.detail = reply.outcome.reason;
  sign(reply, request, said);
  reply.outcome.cache = answered ? CacheResult::Bypass : CacheResult::Error;
  if (request.head.method == Method::Connect || (!answered && !reply.outcome.origin_asked)) reply.outcome.cache = CacheResult::None;
  if (answered && reply.outcome.reason == Reason::None) reply.outcome.reason = why;
  co_return reply;
}

Task<Reply> CachingProxy::serve(Request& request) {
  if (auto reply = admit(request)) co_return std::move(*reply);
  const Reason bypass = options_.cache_enabled ? why_bypassed(request) : Reason::CacheOff;
  if (bypass == Reason::None) {
    Reply reply = co_await look_or_fetch(request);
    co_return reply;
  }
  Reply reply = co_await pass(request, bypass);
  co_return reply;
}

/// Looks again after every fetch that it waited for, and goes alone when that did not help: nobody queues twice.
Task<Reply> CachingProxy::look_or_fetch(Request& request) {
  bool followed = false;
  for (;;) {
    LookUp look = look_up(request, clock_.now());
    if (look.decision.reuse == Reuse::Use)
      co_return hit(request, look, followed ? CacheResult::Collapsed : look.decision.why == Reason::Fresh ? CacheResult::Hit : CacheResult::Stale);
    if (look.decision.reuse == Reuse::UseAndRevalidate) {
      if (auto ticket = store_.join_background(look.key)) {
        auto detached = std::make_unique<DetachedRequest>(request);
        Task<void> errand = revalidate(std::move(detached), look, std::move(*ticket));
        co_await spawn(std::move(errand));
      }
      co_return hit(request, look, CacheResult::Stale);
    }
    if (look.decision.reuse == Reuse::Refuse) {
      CacheStatus said;
      co_return refuse(request, Reason::OnlyIfCached, 504, said);
    }
    const bool alone = followed || request.head.method == Method::Head || look.directives.no_store || look.directives.no_cache ||
                       has_any(request, {FieldId::Authorization, FieldId::Range});
    Store::Joined joined = store_.join(look.key, alone);
    if (!joined.follow) {
      Errand errand(request, std::move(look), std::move(joined.ticket));
      Reply reply = co_await fetch(errand);
      co_return reply;
    }
    const Fetch::Look seen = co_await follow(std::move(joined.follow));
    followed = true;
    if (seen.verdict != FetchVerdict::Failed) continue;
    Errand errand(request, std::move(look), FetchTicket());
    Reply failure = make_error_reply(request, {seen.reason, Side::Origin, seen.status}, options_.pseudonym);
    failure.outcome.origin_asked = true;
    co_return failed(errand, std::move(failure));
  }
}

Preconditions CachingProxy::preconditions(const Errand& errand) const noexcept {
  if (errand.revalidated() && errand.revalidated()->meta().has_validator()) return Preconditions::Stored;
  if (errand.client.head.method == Method::Head) return Preconditions::Keep;
  // A part is asked for and nothing whole is stored: fetching the whole could cost far more than the client wants.
  if (errand.client.head.fields.contains(FieldId::Range)) return Preconditions::Keep;
  // What is known not to be storable is not worth a full answer where the client may already have it.
  return errand.ticket.remembered() || errand.look.directives.no_store ? Preconditions::Keep : Preconditions::Drop;
}

Task<Reply> CachingProxy::fetch(Errand& errand) {
  Request& client = errand.client;
  const StoredResponse* old = errand.revalidated();
  const Preconditions asked = preconditions(errand);
  const auto sent = make_origin_request(client, rules(client), options_.loop_token, asked, old ? &old->meta() : nullptr);
  errand.times.requested = clock_.now();
  Reply origin = co_await origin_.serve(*sent);
  errand.times.received = clock_.now();

  if (origin.outcome.origin_status == 0) co_return failed(errand, std::move(origin));
  const auto& held = errand.look.found.response;
  if (held && is_trouble(origin.head.status) &&
      may_serve_stale_on_error(errand.look.directives, held->meta(), OriginTrouble::ServerError, options_.policy, errand.times.received.steady)) {
    CacheStatus said;
    said.forward_status = origin.head.status;
    errand.ticket.decline(Reason::StaleIfError, false);
    co_return stale_hit(errand, said);
  }
  if (asked == Preconditions::Stored && origin.head.status == 304) {
    bool done = false;
    Reply reply = freshened(errand, origin, done);
    if (done) co_return reply;
  }
  const StoreDecision decision = decide_store(client.head, origin.head, origin.length, options_.policy, errand.times);
  const Reason against = why_not_stored(client, origin.head.status, asked, decision);
  if (against != Reason::None) co_return pass_on(errand, std::move(origin), against);

  std::unique_ptr<FillJob> fill;
  if (!is_stored(errand, origin, decision, fill)) co_return pass_on(errand, std::move(origin), Reason::NoRoom);
  if (fill) {
    Task<void> filling = run_fill(std::move(fill));
    co_await spawn(std::move(filling));
  }
  co_return origin;
}

/// No answer came: a stored response may stand in, otherwise the client learns why.
Reply CachingProxy::failed(Errand& errand, Reply reply) {
  const Reason why = reply.outcome.reason;
  if (errand.ticket) errand.ticket.fail(why, reply.head.status);
  CacheStatus said;
  if (reply.outcome.origin_asked) said.forward = forward_word(errand.look.decision.why);
  said.detail = why;
  const auto& stored = errand.look.found.response;
  if (stored && may_serve_stale_on_error(errand.look.directives, stored->meta(), OriginTrouble::Disconnected, options_.policy,
                                         clock_.now().steady))
    return stale_hit(errand, said);
  sign(reply, errand.client, said);
  reply.outcome.cache = reply.outcome.origin_asked ? CacheResult::Error : CacheResult::None;  // None: policy refused it
  return reply;
}

/// RFC 9111 4.3.3 and 4.3.4. `done` stays false when the memory for the new head could not be had.
Reply CachingProxy::freshened(Errand& errand, Reply& origin, bool& done) {
  const Ref<StoredResponse>& old = errand.look.found.response;
  Ref<StoredResponse> fresh =
      freshen(*old, errand.client.head, origin.head, options_.policy, errand.times, store_);
  done = true;
  const Ref<StoredResponse> used = fresh ? fresh : old;
  if (fresh) {
    errand.ticket.publish(old, fresh);
  } else {
    errand.ticket.decline(Reason::NoRoom, false);
  }
  const StoredMeta& meta = used->meta();
  CacheStatus said;
  said.forward = forward_word(errand.look.decision.why);
  said.forward_status = 304;
  said.stored = true;
  HitLines lines;
  lines.age = current_age(meta, errand.times.received.steady);
  said.ttl = meta.lifetime - lines.age;
  lines.cache_status = render_cache_status(said, options_.pseudonym, errand.client.arena);
  Reply reply = make_hit(errand.client, used, lines);
  reply.outcome = origin.outcome;
  reply.outcome.cache = CacheResult::Revalidated;
  reply.outcome.reason = Reason::Revalidated;
  reply.outcome.stored = true;
  reply.outcome.cache_status = lines.cache_status;
  return reply;
}

/// Puts the response into the store, turns `origin` into the client's answer read from there, and leaves in `fill` the work of filling
/// it. False when there is no room, or the key was invalidated meanwhile: the origin's body is then untouched.
bool CachingProxy::is_stored(Errand& errand, Reply& origin, const StoreDecision& decision, std::unique_ptr<FillJob>& fill) {
  Request& client = errand.client;
  const auto vary_key = make_vary_key(origin.head.fields, client.head.fields);
  if (!vary_key) return false;
  const bool whole = !origin.body.source;
  const std::optional<std::uint64_t> expected = whole ? std::optional<std::uint64_t>(origin.body.whole.bytes.size()) : origin.length;
  auto body = make_ref<StoredBody>(store_, expected, options_.policy.max_object_size);
  auto stored = make_stored_response(errand.look.key.text, *vary_key, origin.head, decision, body,
                                     client.arena.join({"1.1 ", options_.pseudonym}), errand.times.received.wall, store_);
  if (!stored) return false;
  auto job = std::make_unique<FillJob>(store_, counters_, stored, std::move(origin.body.source));
  if (whole) {
    Wakeup nobody;
    if (!origin.body.whole.bytes.empty() && body->append(origin.body.whole.bytes, nobody) != StoredBody::Appended::Taken) return false;
    if (body->passing()) return false;
    body->finish();
  }
  const bool fresh = !decision.meta.no_cache && decision.meta.lifetime > decision.meta.initial_age;
  if (!errand.ticket.publish(stored, fresh)) {
    origin.body.source = std::move(job->source);
    return false;
  }
  CacheStatus said;
  said.forward = forward_word(errand.look.decision.why);
  said.forward_status = origin.head.status;
  said.stored = true;
  said.ttl = decision.meta.lifetime - decision.meta.initial_age;
  origin = first_answer(errand, std::move(origin), stored, said);
  origin.outcome.cache = errand.look.found.response ? CacheResult::Expired : CacheResult::Miss;
  origin.outcome.reason = errand.look.decision.why;
  origin.outcome.stored = true;
  if (!whole) fill = std::move(job);
  return true;
}

/// For the client whose request brought the response: the origin's own head, or 304 when its conditions (which the origin did not see)
/// say that it has the response already.
Reply CachingProxy::first_answer(Errand& errand, Reply origin, const Ref<StoredResponse>& stored, const CacheStatus& said) {
  const Request& client = errand.client;
  if (has_any(client, {FieldId::IfNoneMatch, FieldId::IfModifiedSince}) && has_this_already(client, *stored)) {
    HitLines lines;
    lines.age = stored->meta().initial_age;
    lines.cache_status = render_cache_status(said, options_.pseudonym, client.arena);
    Reply reply = make_hit(client, stored, lines);
    reply.outcome = origin.outcome;
    reply.outcome.cache_status = lines.cache_status;
    return reply;
  }
  // The client's reader comes before the fill starts, so that the fill never finds itself without one.
  origin.body = make_stored_body(stored->body(), 0, {});
  sign(origin, client, said);
  return origin;
}

/// The origin's answer goes to this client alone.
Reply CachingProxy::pass_on(Errand& errand, Reply origin, Reason why) {
  const bool head_only = errand.client.head.method == Method::Head;
  if (errand.ticket) errand.ticket.decline(why, !head_only && is_about_the_url(why));
  CacheStatus said;
  said.forward = forward_word(errand.look.decision.why);
  said.forward_status = origin.head.status;
  if (!head_only) said.detail = why;
  sign(origin, errand.client, said);
  origin.outcome.cache = head_only ? CacheResult::Miss : CacheResult::Uncacheable;
  origin.outcome.reason = why;
  return origin;
}

/// RFC 5861 3: the client has its (stale) answer; this brings the next one's. Exactly one at a time: it holds the key's ticket.
Task<void> CachingProxy::revalidate(std::unique_ptr<DetachedRequest> request, LookUp look, FetchTicket ticket) {
  Request& own = request->request();
  look.key.text = own.arena.copy(look.key.text);
  Errand errand(own, std::move(look), std::move(ticket));
  const Reply reply = co_await fetch(errand);
}

}  // namespace

std::unique_ptr<Service> make_caching_proxy(const ProxyOptions& options, Service& origin, Store& store, const Clock& clock,
                                            WorkerCounters& counters) {
  return std::make_unique<CachingProxy>(options, origin, store, clock, counters);
}

}  // namespace freshet
