#include "hit.hpp"

#include <algorithm>
#include <utility>

#include "content_range.hpp"
#include "fill_reader.hpp"
#include "freshet/base/check.hpp"
#include "freshet/base/prefetch.hpp"
#include "freshet/http/conditional.hpp"
#include "multipart.hpp"
#include "select_fields.hpp"
#include "sequence.hpp"

namespace freshet {
namespace {

/// The fields that a 304 carries (RFC 9110 15.4.5): those that guide caches; the client has the rest.
bool belongs_in_304(FieldId id) noexcept {
  switch (id) {
    case FieldId::CacheControl:
    case FieldId::CacheGroups:
    case FieldId::CdnCacheControl:
    case FieldId::ContentLocation:
    case FieldId::Date:
    case FieldId::ETag:
    case FieldId::Expires:
    case FieldId::LastModified:
    case FieldId::Vary:
    case FieldId::Via: return true;
    default: return false;
  }
}

void add_lines(Reply& reply, const Request& request, const HitLines& lines) {
  reply.added.add(FieldId::Age, decimal(static_cast<std::uint64_t>(lines.age.count()), request.arena));
  reply.added.add(FieldId::CacheStatus, lines.cache_status);
}

std::optional<std::uint64_t> known_size(const StoredBody& body) noexcept {
  if (body.state() == StoredBody::State::Complete) return body.size();
  return body.expected();
}

bool are_in_order(const std::vector<ByteRange>& ranges) noexcept {
  for (std::size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i].first < ranges[i - 1].first + ranges[i - 1].size) return false;
  return true;
}

/// The ranges to answer with, when this request asks for some that can be served from the stored response.
std::optional<RangeVerdict> wanted_ranges(const Request& request, const StoredResponse& stored, std::optional<std::uint64_t> size) {
  if (request.head.method != Method::Get || stored.meta().status != 200) return {};
  const auto field = request.head.fields.first(FieldId::Range);
  if (!field) return {};
  const std::int64_t now = unix_seconds(request.received.wall);
  const bool has_condition = request.head.fields.contains(FieldId::IfRange);
  if (has_condition && !range_applies(request.head.fields, stored.validators(now), now)) return {};
  if (request.head.fields.count(FieldId::Range) != 1) return {};
  // Several ranges of a body that may have to pass some time: only in order, so that nothing behind the reader is needed again.
  RangeVerdict verdict = decide_range(*field, size.value_or(UINT64_MAX), size ? kMostRanges : 1);
  if (stored.body()->state() != StoredBody::State::Complete && !are_in_order(verdict.parts)) return {};
  if (verdict.kind == RangeKind::Ignore) return {};
  if (!size) {  // only "first-last" can lie within what is there
    if (verdict.kind == RangeKind::Unsatisfiable) return {};
    const ByteRange part = verdict.parts.front();
    if (part.size > stored.body()->size() || part.first > stored.body()->size() - part.size) return {};
  }
  return verdict;
}

Reply not_modified(const Request& request, Reply reply, const HitLines& lines) {
  reply.head.status = 304;
  reply.head.fields = select_fields(reply.head.fields, request.arena, belongs_in_304);
  add_lines(reply, request, lines);
  return reply;
}

Reply unsatisfiable(const Request& request, Reply reply, std::uint64_t size) {
  reply.head.status = 416;
  reply.head.fields = select_fields(reply.head.fields, request.arena, belongs_in_304);
  reply.added.add(FieldId::ContentRange, content_range(nullptr, size, request.arena));
  reply.length = 0;
  return reply;
}

Body make_body(const std::vector<PartSlice>& slices) {
  if (slices.size() == 1) return make_stored_body(slices.front().body, slices.front().from, slices.front().size);
  auto sequence = std::make_unique<SequenceSource>();
  for (const PartSlice& slice : slices) sequence->add(slice);
  return Body(std::move(sequence));
}

}  // namespace

Body make_stored_body(const Ref<StoredBody>& body, std::uint64_t from, std::optional<std::uint64_t> size) {
  if (const auto bytes = body->contiguous()) {
    const auto part = bytes->subspan(from, size ? *size : bytes->size() - from);
    return Body(Piece(part, Pin(body), true));
  }
  return Body(std::make_unique<FillReader>(body, from, size));
}

bool has_this_already(const Request& request, const StoredResponse& stored) noexcept {
  if (!request.head.fields.view().may_hold({FieldId::IfNoneMatch, FieldId::IfModifiedSince})) return false;
  const FieldsView asked = request.head.fields;
  const bool by_tag = asked.contains(FieldId::IfNoneMatch);
  if (!by_tag && !asked.contains(FieldId::IfModifiedSince)) return false;
  if (stored.meta().status != 200 && !stored.parts()) return false;
  const std::int64_t now = unix_seconds(request.received.wall);
  return is_not_modified(asked, by_tag ? Validators{stored.etag(), {}, {}} : stored.validators(now), now);
}

namespace {

/// Of a body: what is worth to be fetched while its head is made.
constexpr std::size_t kSentSoon = 1024;

/// For a reply that pins `stored`, and with it the body: one pin less to be taken, on memory that other workers use too.
Body whole_body(const StoredResponse& stored) {
  if (const auto bytes = stored.body()->contiguous()) {
    // Else the store has asked for it already.
    if (!stored.body()->is_one_block()) prefetch(bytes->data(), std::min(bytes->size(), kSentSoon));
    return Body(Piece(*bytes, Pin(), true));
  }
  return make_stored_body(stored.body(), 0, {});
}

/// `ranges`: of a body of `size` bytes; where that is not known, one that lies within what is there.
Reply from_ranges(const Request& request, Reply reply, const StoredResponse& stored, const RangeVerdict& ranges,
                  std::optional<std::uint64_t> size) {
  if (ranges.kind == RangeKind::Unsatisfiable) return unsatisfiable(request, std::move(reply), *size);
  if (ranges.parts.size() > 1) {
    std::vector<RangeContent> contents;
    for (const ByteRange& range : ranges.parts) contents.push_back({range, {{stored.body(), range.first, range.size}}});
    return make_multipart(request, std::move(reply), contents, *size);
  }
  const ByteRange& part = ranges.parts.front();
  reply.head.status = 206;
  reply.added.add(FieldId::ContentRange, content_range(&part, size, request.arena));
  reply.length = part.size;
  reply.body = make_stored_body(stored.body(), part.first, part.size);
  return reply;
}

}  // namespace

void make_hit(const Request& request, Ref<StoredResponse> pinned, const HitLines& lines, Reply& reply) {
  const StoredResponse& stored = *pinned;
  reply.head = stored.head();
  reply.pin = std::move(pinned);
  if (has_this_already(request, stored)) {
    reply = not_modified(request, std::move(reply), lines);
    return;
  }
  const auto size = known_size(*stored.body());
  const auto ranges = wanted_ranges(request, stored, size);
  add_lines(reply, request, lines);
  if (ranges) {
    reply = from_ranges(request, std::move(reply), stored, *ranges, size);
    return;
  }
  reply.length = size;
  if (request.head.method != Method::Head) reply.body = whole_body(stored);
}

Reply make_parts_hit(const Request& request, const Ref<StoredResponse>& stored, const PartsFit& fit, const HitLines& lines) {
  ENSURE(fit.kind == PartsFit::Kind::Covered);
  Reply reply;
  reply.head = stored->head();
  reply.pin = Pin(stored);
  if (has_this_already(request, *stored)) return not_modified(request, std::move(reply), lines);
  add_lines(reply, request, lines);
  if (fit.unsatisfiable) return unsatisfiable(request, std::move(reply), *stored->parts()->complete());
  if (!fit.several.empty()) return make_multipart(request, std::move(reply), fit.several, *stored->parts()->complete());
  reply.head.status = fit.whole ? 200 : 206;
  if (!fit.whole) reply.added.add(FieldId::ContentRange, content_range(&fit.wanted, stored->parts()->complete(), request.arena));
  reply.length = fit.wanted.size;
  if (request.head.method != Method::Head) reply.body = make_body(fit.slices);
  return reply;
}

}  // namespace freshet
