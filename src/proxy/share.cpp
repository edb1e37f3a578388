// Responses that are too large to be stored, and still answer all who wait for them.
#include <algorithm>

#include "freshet/async/wakeup.hpp"
#include "freshet/base/check.hpp"
#include "freshet/cache/vary.hpp"
#include "freshet/http/range.hpp"
#include "pipeline.hpp"
#include "resume.hpp"

namespace freshet {
namespace {

/// Which bytes of a representation of `whole` bytes the reply holds; empty for several ranges.
std::optional<ByteRange> bytes_in(const Reply& reply, std::uint64_t whole) {
  if (reply.head.status == 200) return ByteRange{0, whole};
  auto field = reply.head.fields.first(FieldId::ContentRange);
  for (const AddedField& added : reply.added)
    if (added.id == FieldId::ContentRange) field = added.value;
  const auto range = field ? parse_content_range(*field) : std::nullopt;
  if (reply.head.status != 206 || !range || range->complete != whole) return {};
  const std::uint64_t claimed = range->last - range->first + 1;
  return ByteRange{range->first, std::min(claimed, reply.length.value_or(claimed))};
}

}  // namespace

/// Turns `origin` into the client's answer, read along with those who wait for the same fetch: one origin request, and
/// a window of the body in memory. False when nobody waits, or they must not share it: they have been sent off then,
/// and the origin's body is untouched. REQUIRES: `decision` allows sharing.
bool CachingProxy::is_shared(Errand& errand, Reply& origin, const StoreDecision& decision,
                             std::unique_ptr<FillJob>& fill) {
  ENSURE(decision.shareable);  // nothing else is called too large
  if (!errand.ticket) return false;
  const bool fresh = !decision.meta.no_cache && decision.meta.lifetime > decision.meta.initial_age;
  const bool for_others = !errand.look.rule || still_belongs(errand, origin.head.fields);  // who wait by that rule
  if (!fresh || !for_others) {
    errand.ticket.decline(Reason::ResponseNoCache, true);  // nobody could use another one's
    return false;
  }
  // What turned out too large without a declared length may do better in a while.
  const bool whole = !origin.body.source;
  const bool remember = whole || origin.length.has_value();
  const auto shared = errand.ticket.has_followers() ? make_unstored(errand, origin, decision) : Ref<StoredResponse>();
  if (!shared) {
    errand.ticket.decline(Reason::TooLarge, remember);
    return false;
  }
  Quota::Share permit;
  if (!whole && !(permit = permit_fill())) {
    errand.ticket.decline(Reason::TooManyFills, false);
    return false;
  }
  std::unique_ptr<FillJob> job;
  if (!whole) {
    job = std::make_unique<FillJob>(store_, counters_, shared, std::move(origin.body.source), std::move(permit));
    job->shared = true;
  }
  if (!errand.ticket.share(shared, remember)) {
    if (job) origin.body.source = std::move(job->source);
    return false;
  }
  if (job) job->found = true;
  CacheStatus said;
  said.forward = forward_word(errand.look.decision.why);
  said.forward_status = origin.head.status;
  said.detail = Reason::TooLarge;
  origin = first_answer(errand, std::move(origin), shared, said);
  origin.outcome.cache = CacheResult::Uncacheable;
  origin.outcome.reason = Reason::TooLarge;
  fill = std::move(job);
  return true;
}

/// For a body that may have to pass some time: a client that the others will not wait for goes on by itself. Only a GET
/// can be asked again from here on. REQUIRES: a body source of the reply is about to read `stored`.
void CachingProxy::make_resumable(Reply& reply, Request& request, const Ref<StoredResponse>& stored) {
  if (request.head.method != Method::Get || !reply.body.source || !is_resumable(*stored)) return;
  const auto whole = stored->parts() ? stored->parts()->complete() : stored->body()->expected();
  const auto sent = whole ? bytes_in(reply, *whole) : std::nullopt;
  if (!sent) return;
  const ResumeFrom from{origin_, request, rules(request), options_.loop_token};
  reply.body.source = std::make_unique<ResumingBody>(std::move(reply.body.source), stored, *sent, *whole, from);
}

/// The body alone, or as the first part that is known of its representation.
StoredContent CachingProxy::part_alone(const Request& request, const StoreDecision& decision, const Ref<StoredBody>& body) {
  if (!decision.part) return body;
  const StoredPart& part = *decision.part;
  const std::string_view asked = request.head.fields.first(FieldId::Range).value_or(std::string_view());
  return {body, Ref<const PartList>(new PartList({part.first, part.size, body}, part.complete, part.claimed, std::string(asked)))};
}

/// A response that is never in the store: complete, or with a body that passes from its first byte on. Null when there
/// is no room.
Ref<StoredResponse> CachingProxy::make_unstored(const Errand& errand, const Reply& origin,
                                                const StoreDecision& decision) {
  const auto vary_key = make_vary_key(origin.head.fields, errand.client.head.fields);
  if (!vary_key) return {};
  const Piece& all = origin.body.whole;
  const bool whole = !origin.body.source;
  if (decision.part && whole && decision.part->size != all.bytes.size()) return {};
  const auto length = decision.part ? std::optional<std::uint64_t>(decision.part->size) : origin.length;
  const auto body = whole ? StoredBody::make(store_, all.bytes.size(), all.bytes.size())
                          : StoredBody::make(store_, length, 0);
  if (whole) {
    Wakeup nobody;
    if (body->append(all.bytes, nobody) != StoredBody::Appended::Taken || body->passing()) return {};
    body->finish();
  }
  return make_stored_response(errand.look.key.text, *vary_key, origin.head, decision, part_alone(errand.client, decision, body),
                              errand.client.arena.join({"1.1 ", options_.pseudonym}), errand.times.received.wall,
                              store_);
}

}  // namespace freshet
