// Parts of a representation: a 206 is stored, combined with what is there, and what is missing is fetched (RFC 9111 3.3 and 3.4).
#include "freshet/async/wakeup.hpp"
#include "freshet/http/conditional.hpp"
#include "hit.hpp"
#include "pipeline.hpp"

namespace freshet {

/// What is stored now and may be combined with an answer that has this head: parts of the same representation, as far as a strong
/// validator can tell. Another client may have brought some since this errand began.
Ref<StoredResponse> CachingProxy::combinable(const Errand& errand, const ResponseHead& head) {
  const auto etag = head.fields.first(FieldId::ETag);
  if (!etag) return {};
  Ref<StoredResponse> now = store_.find(errand.look.key, errand.client.head.fields).response;
  if (!now || !now->parts()) now = errand.look.found.response;
  if (!now || !now->is_usable() || !now->parts() || !now->parts()->can_combine() || !strong_match(*etag, now->etag())) return {};
  return now;
}

/// None: a part may be stored, or combined with what is there.
Reason CachingProxy::why_part_not_stored(const Errand& errand, const ResponseHead& head) {
  // A request for a part (with no-cache, say) must not cost the others a whole that is still good.
  const StoredResponse* held = errand.fallback();
  const SteadyTime now = errand.times.received.steady;
  if (held && !held->parts() && !held->meta().no_cache && current_age(held->meta(), now) < held->meta().lifetime) return Reason::PartialResponse;
  // The answer to If-Range leaves out what the client knows already (RFC 9110 15.3.7): it is no head for everybody.
  if (errand.client.head.fields.contains(FieldId::IfRange) && !combinable(errand, head)) return Reason::PartialResponse;
  return Reason::None;
}

/// The response in parts that a first or a further 206 makes; `old` is set when it takes that one's place. Null: no room.
Ref<StoredResponse> CachingProxy::make_part(const Errand& errand, const ResponseHead& head, const StoreDecision& decision,
                                            const std::string& vary_key, const Ref<StoredBody>& body, Ref<StoredResponse>& old) {
  const RequestHead& request = errand.client.head;
  const StoredPart& part = *decision.part;
  if (part.size == part.claimed) old = combinable(errand, head);
  if (old && old->vary_key() == vary_key && (!part.complete || !old->parts()->complete() || part.complete == old->parts()->complete())) {
    auto parts = old->parts()->with({part.first, part.size, body}, part.complete, options_.policy.max_object_size);
    return freshen(*old, request, head, options_.policy, errand.times, store_, {body, std::move(parts)});
  }
  old = nullptr;
  return make_stored_response(errand.look.key.text, vary_key, head, decision, part_alone(errand.client, decision, body),
                              errand.client.arena.join({"1.1 ", options_.pseudonym}), errand.times.received.wall, store_);
}

/// The missing bytes have come: the client gets them together with the stored ones. Empty when they are not what was asked for, or
/// there is no room, or too many fills are under way; the origin's body is then of no use.
std::optional<Reply> CachingProxy::completed(Errand& errand, Reply& origin, std::unique_ptr<FillJob>& fill) {
  const ByteRange missing = errand.look.fit.missing;
  const Ref<StoredResponse> old = combinable(errand, origin.head);
  if (!old || !closes_gap(origin.head, origin.length, missing, *old)) return {};
  // What is wanted was worked out with what was found; parts that came since may be of another version.
  const StoredResponse& found = *errand.look.found.response;
  if (!strong_match(old->etag(), found.etag()) || old->parts()->complete() != found.parts()->complete()) return {};
  const bool whole = !origin.body.source;
  if (whole && origin.body.whole.bytes.size() != missing.size) return {};

  Quota::Share permit;
  if (!whole && !(permit = permit_fill())) {
    errand.parts_stay = true;
    return {};
  }

  auto body = StoredBody::make(store_, missing.size, options_.policy.max_object_size);
  auto parts = old->parts()->with({missing.first, missing.size, body}, {}, options_.policy.max_object_size);
  PartsFit fit;
  fit.kind = PartsFit::Kind::Covered;
  fit.whole = errand.look.fit.whole;
  fit.wanted = errand.look.fit.wanted;
  fit.slices = parts->cover(fit.wanted, body.get());
  auto combined = freshen(*old, errand.client.head, origin.head, options_.policy, errand.times, store_, {body, std::move(parts)});
  Holds holds;
  for (const PartSlice& slice : fit.slices)
    if (slice.body != body) holds.add(slice);
  if (fit.slices.empty() || holds.late() || !combined || !still_belongs(errand, combined->head().fields)) return {};

  auto job = std::make_unique<FillJob>(store_, counters_, combined, std::move(origin.body.source), std::move(permit));
  job->worth = options_.finish_fill;
  CacheStatus said;
  said.forward = forward_word(errand.look.decision.why);
  said.forward_status = origin.head.status;
  const Kept result = errand.ticket.publish(old, combined);
  job->found = true;
  said.stored = bool(result);
  said.detail = result.why_not();
  HitLines lines;
  lines.age = current_age(combined->meta(), errand.times.received.steady);
  said.ttl = combined->meta().lifetime - lines.age;
  lines.cache_status = render_cache_status(said, options_.pseudonym, errand.client.arena);
  Reply reply = make_parts_hit(errand.client, combined, fit, lines);
  reply.outcome = origin.outcome;
  reply.outcome.cache = CacheResult::Miss;
  reply.outcome.reason = errand.look.decision.why;
  reply.outcome.stored = said.stored;
  reply.outcome.cache_status = lines.cache_status;

  if (whole) {
    Wakeup nobody;
    if (body->append(origin.body.whole.bytes, nobody) == StoredBody::Appended::Taken) body->finish();
    else body->abort(Reason::NoRoom);
    job->found = false;
  } else {
    fill = std::move(job);
  }
  return reply;
}

}  // namespace freshet
