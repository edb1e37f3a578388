// One question to the origin on behalf of the cache: what is asked, and what becomes of the answer.
#include "freshet/async/spawn.hpp"
#include "freshet/async/wakeup.hpp"
#include "freshet/cache/vary.hpp"
#include "freshet/exchange/error_reply.hpp"
#include "freshet/http/cache_groups.hpp"
#include "freshet/http/conditional.hpp"
#include "hit.hpp"
#include "pipeline.hpp"
#include "variants.hpp"

namespace freshet {
namespace {

/// Answers to the client's own condition say nothing about the whole; a part that nobody asked for is of no use.
Reason why_not_stored(const Request& client, int status, Preconditions asked, const StoreDecision& decision) noexcept {
  if (!decision.store) return decision.why;
  if (client.head.method != Method::Get && client.head.method != Method::Query) return Reason::MethodNotCacheable;
  const bool range_sent = asked == Preconditions::Keep || asked == Preconditions::StoredPart;
  if (status == 206) return range_sent ? Reason::None : Reason::PartialResponse;
  const bool own_question = range_sent && has_any(client, {FieldId::Range, FieldId::IfNoneMatch, FieldId::IfModifiedSince});
  if (own_question && (status == 304 || status == 412 || status == 416)) return Reason::PartialResponse;
  return Reason::None;
}

/// Whether the next response for the same URL will not be shareable either, whoever asks (or asks with a cookie): what the response said,
/// not what this one request did. Otherwise a client could keep others from waiting for one another.
bool is_about_the_url(Reason why) noexcept {
  switch (why) {
    case Reason::NoStore:
    case Reason::PrivateResponse:
    case Reason::NoFreshness:
    case Reason::StatusNotCacheable:
    case Reason::VaryStar:
    case Reason::TooManyGroups:
    case Reason::SetCookie:
    case Reason::CookieRequest:
    case Reason::AlreadyStale: return true;
    default: return false;
  }
}

/// Whether the same range will get such an answer again, whoever asks, while others of the same URL may not.
bool is_about_the_part(Reason why, int status) noexcept { return why == Reason::PartialResponse || status == 416; }

/// Not what was asked for to close a gap: the parts that are stored are of another version, or of no use.
bool contradicts_parts(int status) noexcept { return status == 206 || status == 304 || status == 412 || status == 416; }

/// A 304 that names another representation than the stored one: it may neither update it nor vouch for it (RFC 9111 4.3.4).
bool is_about_another(FieldsView not_modified, const StoredResponse& stored) noexcept {
  const auto etag = not_modified.first(FieldId::ETag);
  return etag && stored.meta().has_strong_etag && strong_match(*etag, *etag) && *etag != stored.etag();
}

/// A head of one's own: the stored fields and some more, for one client.
class OwnHead final : public Pinned {
 public:
  Fields fields;
  Ref<StoredResponse> stored;
};

/// Cookies that a 304 sets, and that were not stored for everybody, are for the client that asked.
void give_cookies(Reply& reply, FieldsView not_modified, const Ref<StoredResponse>& used) {
  if (!not_modified.contains(FieldId::SetCookie) || used->head().fields.contains(FieldId::SetCookie)) return;
  auto head = make_ref<OwnHead>();
  for (const Field field : reply.head.fields) head->fields.add(field.name, field.value);
  for (const Field field : not_modified)
    if (field.id == FieldId::SetCookie) head->fields.add(field.name, field.value);
  head->stored = used;
  reply.head.fields = head->fields.view();
  reply.pin = Pin(head);
}

/// The origin was asked something that a 304 answers (RFC 9110 15.4.5).
bool was_conditional(const Request& client, Preconditions asked) noexcept {
  if (asked == Preconditions::Keep) return has_any(client, {FieldId::IfNoneMatch, FieldId::IfModifiedSince});
  return asked != Preconditions::Drop;
}

/// Where the request may not go: that is no trouble of the origin's, for which something stale could stand in.
bool is_denial(Reason why) noexcept {
  return why == Reason::PrivateAddress || why == Reason::AddressDenied || why == Reason::AuthenticationRequired || why == Reason::Loop;
}

/// Whoever waits for the same fetch is a client of it too.
class LeaderInterim final : public Interim {
 public:
  LeaderInterim(Interim& client, const FetchTicket& ticket) : client_(client), ticket_(ticket) {}
  Task<void> send(ResponseHead head) override { return client_.send(head); }
  bool is_client_gone() noexcept override { return client_.is_client_gone() && !is_followed(); }
  bool seems_client_gone() noexcept override { return client_.seems_client_gone() && !is_followed(); }

 private:
  bool is_followed() const noexcept { return ticket_ && ticket_.has_followers(); }
  Interim& client_;
  const FetchTicket& ticket_;
};

bool is_trouble(int status) noexcept { return status == 500 || status == 502 || status == 503 || status == 504; }

}  // namespace

Preconditions CachingProxy::preconditions(const Errand& errand) const noexcept {
  const bool range = errand.client.head.fields.contains(FieldId::Range);
  if (errand.look.has_gap()) return Preconditions::Gap;
  if (!errand.variants.empty()) return Preconditions::Variants;
  if (const StoredResponse* old = errand.revalidated(); old && old->meta().has_validator())
    return old->parts() && range ? Preconditions::StoredPart : Preconditions::Stored;
  if (errand.client.head.method == Method::Head) return Preconditions::Keep;
  // A part is asked for and nothing whole is stored: fetching the whole could cost far more than the client wants.
  if (range && (!options_.fetch_whole_for_range || errand.keeps_range)) return Preconditions::Keep;
  // What is known not to be storable is not worth a full answer where the client may already have it.
  return errand.ticket.remembered() || errand.look.directives.no_store ? Preconditions::Keep : Preconditions::Drop;
}

/// Asks until there is an answer: each time that one turns out to be of no use, less is asked for, so that three times are the most.
Task<Reply> CachingProxy::fetch(Errand& errand) {
  LeaderInterim leader(errand.client.interim, errand.ticket);
  for (;;) {
    Preconditions asked = Preconditions::Keep;
    const SentRequest sent = make_question(errand, leader, asked);
    errand.times.requested = clock_.now();
    Reply origin = co_await origin_.serve(*sent);
    errand.times.received = clock_.now();

    std::unique_ptr<FillJob> fill;
    std::optional<Reply> reply = judge_answer(errand, asked, std::move(origin), fill);
    if (fill) {
      Task<void> filling = run_fill(std::move(fill));
      co_await spawn(std::move(filling));
    }
    if (reply) co_return std::move(*reply);
  }
}

/// What the origin is asked this time.
SentRequest CachingProxy::make_question(Errand& errand, Interim& leader, Preconditions& asked) {
  Request& client = errand.client;
  choose_variants(errand);
  asked = preconditions(errand);
  const StoredResponse* old = asked == Preconditions::Gap ? errand.look.found.response.get() : errand.revalidated();
  if (errand.look.content) errand.look.content->give_to(client);
  auto sent =
      make_origin_request(client, leader, rules(client), options_.loop_token, asked, old, errand.look.fit.missing);
  if (asked == Preconditions::Variants) sent->head.fields.add(FieldId::IfNoneMatch, etags_of(errand.variants, client.arena));
  return sent;
}

/// What becomes of the origin's answer; leaves in `fill` the work of filling what has been stored. Empty: ask again.
std::optional<Reply> CachingProxy::judge_answer(Errand& errand, Preconditions asked, Reply origin, std::unique_ptr<FillJob>& fill) {
  const int status = origin.head.status;
  if (origin.outcome.origin_status == 0) return failed(errand, std::move(origin));
  if (status == 304 && !was_conditional(errand.client, asked)) return failed(errand, unexpected_not_modified(errand.client, origin));
  const StoredResponse* held = errand.fallback();
  if (held && is_trouble(status) &&
      may_serve_stale_on_error(errand.look.directives, held->meta(), OriginTrouble::ServerError, options_.policy, errand.times.received.steady)) {
    CacheStatus said;
    said.forward_status = status;
    errand.ticket.decline(Reason::StaleIfError, false);
    return stale_hit(errand, said);
  }
  if ((asked == Preconditions::Stored || asked == Preconditions::StoredPart) && status == 304) {
    if (held && !is_about_another(origin.head.fields, *held)) return freshened(errand, origin);
    errand.forget_stored();  // its body has failed meanwhile, or the 304 is about another one (RFC 9111 4.3.4)
    return {};
  }
  if (asked == Preconditions::Variants && status == 304) {
    errand.offers_variants = false;
    return selected_variant(errand, origin);
  }
  if (auto reply = learn_from_head(errand, origin)) return reply;
  if (asked == Preconditions::Gap && contradicts_parts(status)) {
    if (auto reply = completed(errand, origin, fill)) return reply;
    if (!errand.parts_stay) store_.remove(errand.look.found.response);
    errand.forget_stored();
    return {};
  }
  return store_or_pass_on(errand, asked, std::move(origin), fill);
}

/// An answer with a representation of its own. Empty: ask again.
std::optional<Reply> CachingProxy::store_or_pass_on(Errand& errand, Preconditions asked, Reply origin, std::unique_ptr<FillJob>& fill) {
  const Request& client = errand.client;
  const StoreDecision decision = decide_store(client.head, origin.head, origin.length, options_.policy, errand.times);
  Reason against = why_not_stored(client, origin.head.status, asked, decision);
  const bool outgrew = errand.ticket.remembered_as_large() && !origin.length && origin.body.source;
  if (against == Reason::None && outgrew) against = Reason::TooLarge;
  if (against == Reason::None && decision.part) against = why_part_not_stored(errand, origin.head);

  const bool ranged = client.head.fields.contains(FieldId::Range);
  if (against != Reason::None && ranged && asked == Preconditions::Drop) {
    errand.keeps_range = true;
    return {};
  }
  if (against != Reason::None && ranged && asked == Preconditions::Gap && origin.head.status == 200) {
    store_.remove(errand.look.found.response);  // it is outdated: the client's range alone, this time
    errand.forget_stored();
    errand.keeps_range = true;
    return {};
  }
  // The answer to If-Range leaves out what the client knows already (RFC 9110 15.3.7): it is no head for others.
  if (decision.part && client.head.fields.contains(FieldId::IfRange) && against == Reason::TooLarge) {
    if (errand.ticket) errand.ticket.decline(Reason::TooLarge, true);
    return pass_on(errand, std::move(origin), Reason::PartialResponse);
  }
  if (against == Reason::TooLarge && is_shared(errand, origin, decision, fill)) return origin;
  if (against != Reason::None) return pass_on(errand, std::move(origin), against);
  const Reason not_kept = keep(errand, origin, decision, fill);
  if (not_kept != Reason::None) return pass_on(errand, std::move(origin), not_kept);
  return origin;
}

/// The client has nothing that could be "not modified", and neither have we.
Reply CachingProxy::unexpected_not_modified(const Request& request, const Reply& origin) const {
  Reply reply = make_error_reply(request, {Reason::UnexpectedNotModified, Side::Origin, 502}, options_.pseudonym);
  reply.outcome.origin_asked = true;
  reply.outcome.upstream = origin.outcome.upstream;
  reply.outcome.origin_address = origin.outcome.origin_address;
  reply.outcome.origin_head_time = origin.outcome.origin_head_time;
  return reply;
}

/// No answer came that is of use: a stored response may stand in, otherwise the client learns why.
Reply CachingProxy::failed(Errand& errand, Reply reply) {
  const Reason why = reply.outcome.reason;
  // That this client has gone, or has its share of the look-ups, is nothing to others: they ask.
  if (errand.ticket && (why == Reason::ClientClosed || why == Reason::DnsBusy)) errand.ticket.decline(why, false);
  if (errand.ticket) errand.ticket.fail(why, reply.head.status, reply.outcome.origin_asked);
  CacheStatus said;
  if (reply.outcome.origin_asked) said.forward = forward_word(errand.look.decision.why);
  said.detail = why;
  const StoredResponse* stored = errand.fallback();
  if (stored && !is_denial(why) &&
      may_serve_stale_on_error(errand.look.directives, stored->meta(), OriginTrouble::Disconnected, options_.policy, clock_.now().steady))
    return stale_hit(errand, said);
  sign(reply, errand.client, said);
  if (why == Reason::AuthenticationRequired) add_challenges(reply, errand.client, false);  // an access rule, by the address
  reply.outcome.cache = reply.outcome.origin_asked ? CacheResult::Error : CacheResult::None;  // None: policy refused it
  return reply;
}

/// RFC 9111 4.3.3, 4.3.4 and 4.3.5.
Reply CachingProxy::freshened(Errand& errand, Reply& origin) {
  const Ref<StoredResponse>& old = errand.look.found.response;
  Ref<StoredResponse> fresh =
      freshen(*old, errand.client.head, origin.head, options_.policy, errand.times, store_);
  Kept result(Reason::None);
  const Ref<StoredResponse> used = fresh ? fresh : old;
  const bool kept = !fresh || still_belongs(errand, fresh->head().fields);
  if (!kept) {
    // It answers this request; from now on, other URLs than before.
    store_.remove(old);
    errand.ticket.decline(Reason::None, false);
  } else if (errand.variants.empty()) {
    result = errand.ticket.publish(old, fresh);
  } else {
    // A variant that this request did not select stays beside what it has become for this one.
    result = errand.ticket.publish(fresh, true);
  }
  if (result.why_not() == Reason::TooManyGroups) store_.remove(old);  // a purge could miss it from now on
  const bool published = kept && result;
  const StoredMeta& meta = used->meta();
  CacheStatus said;
  said.forward = forward_word(errand.look.decision.why);
  said.forward_status = origin.head.status;
  said.stored = published;
  said.detail = result.why_not();
  HitLines lines;
  lines.age = current_age(meta, errand.times.received.steady);
  said.ttl = meta.lifetime - lines.age;
  lines.cache_status = render_cache_status(said, options_.pseudonym, errand.client.arena);
  Reply reply;
  answer_from(errand.client, errand.look, used, lines, reply);
  give_cookies(reply, origin.head.fields, used);
  reply.outcome = origin.outcome;
  reply.outcome.cache = CacheResult::Revalidated;
  reply.outcome.reason = Reason::Revalidated;
  reply.outcome.stored = published;
  reply.outcome.cache_status = lines.cache_status;
  return reply;
}

Quota::Share CachingProxy::permit_fill() {
  Quota::Share permit = store_.fills().take();
  if (!permit) counters_.fills_refused.add();
  return permit;
}

/// Puts the response into the store, turns `origin` into the client's answer read from there, and leaves in `fill` the work of filling
/// it. Not None: why it is not there; the origin's body is then untouched.
Reason CachingProxy::keep(Errand& errand, Reply& origin, const StoreDecision& decision, std::unique_ptr<FillJob>& fill) {
  Request& client = errand.client;
  const auto vary_key = make_vary_key(origin.head.fields, client.head.fields);
  if (!vary_key) return Reason::VaryTooComplex;
  if (read_groups(origin.head.fields).too_many) return Reason::TooManyGroups;  // a purge could miss it
  const bool by_rule = errand.look.rule != nullptr;
  const Ref<StoredResponse> before = errand.look.found.response;
  const bool placed = is_placed(errand, origin.head);
  if (!placed) errand.look.found.response = nullptr;
  const bool whole = !origin.body.source;
  std::optional<std::uint64_t> expected = whole ? std::optional<std::uint64_t>(origin.body.whole.bytes.size()) : origin.length;
  if (decision.part && whole && *expected != decision.part->size) return Reason::CutShort;
  if (decision.part) expected = decision.part->size;
  Quota::Share permit;
  if (!whole && !(permit = permit_fill())) {
    return Reason::TooManyFills;
  }
  auto body = StoredBody::make(store_, expected, options_.policy.max_object_size);
  Ref<StoredResponse> combined;
  auto stored = decision.part ? make_part(errand, origin.head, decision, *vary_key, body, combined)
                              : make_stored_response(errand.look.key.text, *vary_key, origin.head, decision, body,
                                                     client.arena.join({"1.1 ", options_.pseudonym}), errand.times.received.wall, store_);
  if (!stored) return Reason::NoRoom;
  auto job = std::make_unique<FillJob>(store_, counters_, stored, std::move(origin.body.source), std::move(permit));
  job->worth = errand.background ? FillWorth::always() : options_.finish_fill;
  if (whole) {
    Wakeup nobody;
    if (!origin.body.whole.bytes.empty() && body->append(origin.body.whole.bytes, nobody) != StoredBody::Appended::Taken) return Reason::NoRoom;
    if (body->passing()) return body->why_passing();
    body->finish();
  }
  const bool fresh = !decision.meta.no_cache && decision.meta.lifetime > decision.meta.initial_age;
  const bool share = fresh && (placed || !by_rule);  // who waits by a rule that did not hold would find nothing
  const Kept result = combined ? errand.ticket.publish(combined, stored) : errand.ticket.publish(stored, share);
  if (!result) {
    origin.body.source = std::move(job->source);
    return result.why_not();
  }
  job->found = !whole;
  if (!placed && !by_rule && before) store_.remove(before);  // it would be found first
  CacheStatus said;
  said.forward = forward_word(errand.look.decision.why);
  said.forward_status = origin.head.status;
  said.stored = true;
  said.ttl = decision.meta.lifetime - decision.meta.initial_age;
  origin = first_answer(errand, std::move(origin), stored, said);
  origin.outcome.cache = before ? CacheResult::Expired : CacheResult::Miss;
  origin.outcome.reason = errand.look.decision.why;
  origin.outcome.stored = true;
  if (!whole) fill = std::move(job);
  return Reason::None;
}

/// For the client whose request brought the response: the origin's own head; or 304 when its conditions (which the origin did not see)
/// say that it has the response already; or the range that it asked for, of a response that came whole.
Reply CachingProxy::first_answer(Errand& errand, Reply origin, const Ref<StoredResponse>& stored, const CacheStatus& said) {
  const Request& client = errand.client;
  const bool answers_it = client.head.method != Method::Post;  // whose conditions and ranges are the origin's business
  const bool has_it = has_any(client, {FieldId::IfNoneMatch, FieldId::IfModifiedSince}) && has_this_already(client, *stored);
  const bool wants_part = client.head.fields.contains(FieldId::Range) && origin.head.status == 200;
  if (answers_it && (has_it || wants_part)) {
    HitLines lines;
    lines.age = stored->meta().initial_age;
    lines.cache_status = render_cache_status(said, options_.pseudonym, client.arena);
    Reply reply;
    make_hit(client, stored, lines, reply);
    make_resumable(reply, errand.client, stored);
    reply.outcome = origin.outcome;
    reply.outcome.cache_status = lines.cache_status;
    return reply;
  }
  // The client's reader comes before the fill starts, so that the fill never finds itself without one.
  origin.body = make_stored_body(stored->body(), 0, {});
  make_resumable(origin, errand.client, stored);
  sign(origin, client, said);
  return origin;
}

/// The origin's answer goes to this client alone.
Reply CachingProxy::pass_on(Errand& errand, Reply origin, Reason why) {
  const bool head_only = errand.client.head.method == Method::Head;
  if (errand.ticket && errand.ticket.is_for_part() && is_about_the_part(why, origin.head.status)) errand.ticket.decline_part(why);
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
Task<void> CachingProxy::revalidate(std::unique_ptr<DetachedRequest> request, LookUp look, FetchTicket ticket, Quota::Share permit) {
  const Quota::Share until_the_end = std::move(permit);
  Request& own = request->request();
  look.key.text = own.arena.copy(look.key.text);
  look.uri.text = own.arena.copy(look.uri.text);
  Errand errand(own, std::move(look), std::move(ticket));
  errand.background = true;
  const Reply reply = co_await fetch(errand);
}

}  // namespace freshet
