// What the store has for a request, and what follows from it: a hit, a wait for another client's fetch, or a fetch.
#include <new>
#include <type_traits>
#include <utility>

#include "freshet/async/spawn.hpp"
#include "freshet/async/wakeup.hpp"
#include "freshet/cache/odd_request.hpp"
#include "freshet/cache/vary.hpp"
#include "freshet/exchange/error_reply.hpp"
#include "freshet/http/range.hpp"
#include "pipeline.hpp"

namespace freshet {
namespace {

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

/// A request's place among those who want the same. It waits for whoever fetches it; once more when that turned out to be
/// another variant, for its own; then it goes alone. So nobody waits more than twice, and one who leads waits for nobody.
struct Turn {
  bool followed = false;
  bool alone = false;
  std::string variant;                      ///< whose fetch it leads or follows
  Reason missed = Reason::NothingStored;  ///< why it has to wait at all

  /// After a fetch that was of no use.
  void take_next(const Request& request, const LookUp& look, const Fetch::Look& seen) {
    const bool again = followed;
    followed = true;
    // Where only the leader's share was used up (it never got as far as the origin), one of the others asks for all.
    alone = again || seen.reason != Reason::DnsBusy;
    if (again || !seen.response || seen.response->key() != look.key.text) return;
    if (vary_matches(seen.response->vary_key(), request.head.fields)) return;
    std::string own = make_vary_key_like(seen.response->vary_key(), request.head.fields);
    alone = own.empty() || own == variant;
    variant = std::move(own);
  }
};

/// A Range that others may send just so, and whose answer is theirs too: one range of bytes, whatever the client has already.
bool is_for_others(const RequestHead& head) {
  const FieldsView fields = head.fields;
  if (head.method != Method::Get) return false;
  for (const FieldId own : {FieldId::IfRange, FieldId::IfNoneMatch, FieldId::IfModifiedSince, FieldId::IfMatch, FieldId::IfUnmodifiedSince})
    if (fields.contains(own)) return false;
  return fields.count(FieldId::Range) == 1 && decide_range(*fields.first(FieldId::Range), UINT64_MAX, 1).kind == RangeKind::Satisfiable;
}

Task<Fetch::Look> follow(Ref<Fetch> fetch) {
  Following following(std::move(fetch));
  for (;;) {
    const Fetch::Look look = following.look();
    if (look.verdict != FetchVerdict::Waiting) co_return look;
    co_await following.wakeup().wait();
  }
}

}  // namespace

LookUp CachingProxy::look_up(const Request& request, Time now, const Ref<const QueryContent>& content) const {
  LookUp look;
  look.key = look.uri = key_of(request, content.get());
  look.content = content;
  look.directives = parse_request_directives(request.head.fields);
  look.found = store_.find(look.key, request.head.fields);
  judge(request, now, look);
  return look;
}

void CachingProxy::remember(Request& request, const LookUp& look) {
  static_assert(std::is_trivially_destructible_v<LookedUp>, "nobody destroys what lies in an arena");
  void* const room = request.arena.allocate(sizeof(LookedUp), alignof(LookedUp));
  request.looked_up = new (room) LookedUp{look.key, look.directives, look.decision, look.found.other_variants};
}

/// What try_now() has seen counts once: what has come since shows when this request's turn has come (look_or_fetch()).
LookUp CachingProxy::look_first(Request& request, Time now, const Ref<const QueryContent>& content) {
  const LookedUp* const seen = std::exchange(request.looked_up, nullptr);
  if (!seen) return look_up(request, now, content);
  LookUp look;
  look.key = look.uri = seen->key;
  look.directives = seen->directives;
  look.decision = seen->decision;
  look.found.other_variants = seen->other_variants;
  return look;
}

/// What follows from what was found. `held`: see fit_parts().
void CachingProxy::judge(const Request& request, Time now, LookUp& look, const StoredBody* held) const {
  Ref<StoredResponse>& stored = look.found.response;
  look.fit = PartsFit();
  if (stored && stored->parts()) {
    if (!look.directives.no_store) look.fit = fit_parts(request, *stored, held);
    // What could not be stored is not worth the parts that are.
    if (look.has_gap() && look.fit.missing.size > options_.policy.max_object_size) look.fit = PartsFit();
    if (look.fit.kind == PartsFit::Kind::Useless) stored = nullptr;
  }
  look.decision = decide_reuse(look.directives, look.found.response ? &look.found.response->meta() : nullptr, options_.policy, now.steady);
  if (!look.found.response && look.found.other_variants && look.decision.why == Reason::NothingStored)
    look.decision.why = Reason::VaryMiss;
  // Whatever the age of the parts: the 206 that closes the gap is also their validation.
  if (look.has_gap() && look.decision.reuse != Reuse::Refuse) {
    look.decision.reuse = look.directives.only_if_cached ? Reuse::Refuse : Reuse::Fetch;
    look.decision.why = look.directives.only_if_cached ? Reason::OnlyIfCached : Reason::PartMissing;
  }
}

/// `stored`: what was found, or what it has become since.
void CachingProxy::answer_from(const Request& request, const LookUp& look, Ref<StoredResponse> stored, const HitLines& lines, Reply& reply) {
  if (stored->parts())
    reply = make_parts_hit(request, stored, look.fit, lines);
  else
    make_hit(request, std::move(stored), lines, reply);
}

Holds LookUp::hold() const {
  Holds holds;
  if (!found.response) return holds;
  if (!found.response->parts()) holds.add(found.response->body());
  const bool is_passing_part = fit.slices.size() == 1 && fit.slices.front().from == 0 && fit.slices.front().body->passing();
  if (is_passing_part) {
    holds.add(fit.slices.front().body);
  } else {
    for (const PartSlice& slice : fit.slices) holds.add(slice);
  }
  for (const RangeContent& each : fit.several)
    for (const PartSlice& slice : each.slices) holds.add(slice);
  return holds;
}

/// Empty when the body has been lost since the look-up: look again.
std::optional<Reply> CachingProxy::hit(Request& request, const LookUp& look, CacheResult result) {
  const Holds holds = look.hold();
  if (holds.late()) return {};
  return make_hit_reply(request, look, look.found.response, result);
}

/// The same from a look-up that nobody needs any more: what it pins may go to the reply.
std::optional<Reply> CachingProxy::hit_once(Request& request, LookUp& look, CacheResult result) {
  const StoredResponse& found = *look.found.response;
  const bool stays = !found.parts() && !Holds::needs_hold(*found.body());
  if (!stays) return hit(request, look, result);
  return make_hit_reply(request, look, std::move(look.found.response), result);
}

/// Never empty: what others may leave empty is made where it stays.
std::optional<Reply> CachingProxy::make_hit_reply(Request& request, const LookUp& look, Ref<StoredResponse> stored, CacheResult result) {
  CacheStatus said;
  said.hit = result != CacheResult::Collapsed;
  said.ttl = look.decision.ttl;
  if (result == CacheResult::Collapsed) {
    said.forward = forward_word(look.missed);
    said.collapsed = true;
  } else if (look.decision.why != Reason::Fresh) {
    said.detail = look.decision.why;
  }
  HitLines lines;
  lines.age = look.decision.age;
  lines.cache_status = render_cache_status(said, options_.pseudonym, request.arena);
  StoredResponse* const response = stored.get();  // the reply pins it
  std::optional<Reply> made(std::in_place);
  Reply& reply = *made;
  answer_from(request, look, std::move(stored), lines, reply);
  if (reply.body.source) make_resumable(reply, request, Ref<StoredResponse>(response));
  reply.outcome.cache = result;
  reply.outcome.reason = look.decision.why;
  reply.outcome.cache_status = lines.cache_status;
  return made;
}

/// What another client's fetch brought, when it suits this request too.
std::optional<Reply> CachingProxy::take(Request& request, LookUp& look, const Fetch::Look& seen) {
  const Ref<StoredResponse>& brought = seen.response;
  if (!brought || brought->is_purged() || brought->outdated_since()) return {};
  if (brought->key() != look.key.text) return {};  // another key: it answers other URLs than was thought
  if (!vary_matches(brought->vary_key(), request.head.fields)) return {};
  look.found.response = brought;
  judge(request, clock_.now(), look, brought->body().get());
  if (look.decision.reuse != Reuse::Use) return {};
  return hit(request, look, CacheResult::Collapsed);
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
  Reply reply;
  answer_from(errand.client, look, look.found.response, lines, reply);
  reply.outcome.cache = CacheResult::Stale;
  reply.outcome.reason = Reason::StaleIfError;
  reply.outcome.cache_status = lines.cache_status;
  reply.outcome.origin_status = static_cast<std::uint16_t>(origin_said.forward_status);
  return reply;
}

/// Background revalidation, exactly once for each stored response (RFC 5861 3).
Task<void> CachingProxy::revalidate_soon(Request& request, const LookUp& look) {
  Quota::Share permit = store_.revalidations().take();
  if (!permit) co_return;
  const bool sends = sends_range(request, look) == RangeSent::Always;
  const std::string_view part = sends ? *request.head.fields.first(FieldId::Range) : std::string_view();
  auto ticket = store_.join_background(look.key, look.found.response->vary_key(), part);
  if (!ticket) co_return;
  auto detached = std::make_unique<DetachedRequest>(request);
  Task<void> errand = revalidate(std::move(detached), look, std::move(*ticket), std::move(permit));
  co_await spawn(std::move(errand));
}

/// What others may be fetching that this request could use too. A stored response or variant says what it depends on.
std::string CachingProxy::variant_of(const Request& request, const LookUp& look) const {
  if (look.found.response) return std::string(look.found.response->vary_key());
  return look.found.other_variants ? store_.variant_of(look.key, request.head.fields) : std::string();
}

/// Whether the origin will see a Range (preconditions()).
CachingProxy::RangeSent CachingProxy::sends_range(const Request& request, const LookUp& look) const noexcept {
  if (!request.head.fields.contains(FieldId::Range)) return RangeSent::Never;
  if (look.has_gap()) return RangeSent::Always;
  const StoredResponse* const stored = look.found.response.get();
  const bool validates = look.decision.reuse == Reuse::Revalidate || look.decision.reuse == Reuse::UseAndRevalidate;
  if (stored && validates && stored->meta().has_validator()) return stored->parts() ? RangeSent::Always : RangeSent::Never;
  return options_.fetch_whole_for_range ? RangeSent::WhenRemembered : RangeSent::Always;
}

Store::Joining CachingProxy::joining(const Request& request, const LookUp& look) const {
  Store::Joining joining;
  joining.conditional = has_any(request, {FieldId::IfNoneMatch, FieldId::IfModifiedSince});
  joining.has_cookie = request.head.fields.contains(FieldId::Cookie);
  const RangeSent sent = sends_range(request, look);
  if (sent == RangeSent::Never) return joining;
  joining.part = *request.head.fields.first(FieldId::Range);
  joining.own_part = !is_for_others(request.head);
  joining.tries_whole = sent == RangeSent::WhenRemembered;
  return joining;
}

bool CachingProxy::asks_alone(const Request& request, const LookUp& look) const noexcept {
  return request.head.method == Method::Head || look.directives.no_store || look.directives.no_cache ||
         request.head.fields.contains(FieldId::Authorization) || is_odd(request.head);
}

bool CachingProxy::has_come(const Request& request, Time now, const Ref<const QueryContent>& content) {
  LookUp again = look_up(request, now, content);
  look_for_equivalent(request, now, again);
  return again.decision.reuse == Reuse::Use;
}

/// The fetch that it has followed has failed.
Reply CachingProxy::fail_as(Request& request, LookUp look, const Fetch::Look& seen) {
  Errand errand(request, std::move(look), FetchTicket());
  Reply failure = make_error_reply(request, {seen.reason, Side::Origin, seen.status}, options_.pseudonym);
  failure.outcome.origin_asked = seen.origin_asked;
  return failed(errand, std::move(failure));
}

/// Looks again after every fetch that it waited for. What is large and seldom needed is not its own: each miss has this frame.
Task<Reply> CachingProxy::look_or_fetch(Request& request, Ref<const QueryContent> content) {
  Turn turn;
  for (;;) {
    const Time now = request.looked_up ? request.received : clock_.now();
    LookUp look = look_first(request, now, content);
    look_for_equivalent(request, now, look);
    look.missed = turn.missed;
    if (look.decision.reuse == Reuse::Use) {
      const bool fresh = look.decision.why == Reason::Fresh;
      if (auto reply = hit(request, look, turn.followed ? CacheResult::Collapsed : fresh ? CacheResult::Hit : CacheResult::Stale))
        co_return std::move(*reply);
      continue;
    }
    if (look.decision.reuse == Reuse::UseAndRevalidate) {
      std::optional<Reply> reply = hit(request, look, CacheResult::Stale);
      if (!reply) continue;
      Task<void> revalidation = revalidate_soon(request, look);
      co_await std::move(revalidation);
      co_return std::move(*reply);
    }
    if (look.decision.reuse == Reuse::Refuse) {
      CacheStatus said;
      co_return refuse(request, Reason::OnlyIfCached, 504, said);
    }
    const bool alone = turn.alone || asks_alone(request, look);
    if (!alone && !turn.followed) turn.variant = variant_of(request, look);
    if (!turn.followed) look.missed = turn.missed = look.decision.why;
    Store::Joining terms = joining(request, look);
    terms.alone = alone;
    terms.variant = turn.variant;
    Store::Joined joined = store_.join(look.key, terms);
    if (!joined.follow) {
      // Another worker's fetch may have ended between our look and our turn: look again before asking the origin.
      // Not so where answers are known not to be shared.
      const bool unshared = joined.ticket.remembered() && !joined.ticket.remembered_as_large();
      if (!alone && !unshared && has_come(request, now, content)) continue;
      Errand errand(request, std::move(look), std::move(joined.ticket));
      Reply reply = co_await fetch(errand);
      co_return reply;
    }
    const Ref<Fetch> leader = std::move(joined.follow);  // holds the body for us until take() has a reader
    Task<Fetch::Look> following = follow(leader);
    const Fetch::Look seen = co_await std::move(following);
    if (auto reply = take(request, look, seen)) co_return std::move(*reply);
    turn.take_next(request, look, seen);
    if (seen.verdict != FetchVerdict::Failed) continue;
    co_return fail_as(request, std::move(look), seen);
  }
}

}  // namespace freshet
