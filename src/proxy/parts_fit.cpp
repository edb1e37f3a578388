#include "parts_fit.hpp"

#include <algorithm>

#include "freshet/http/conditional.hpp"

namespace freshet {
namespace {

/// What a Range wants from a list of parts.
RangeVerdict resolve(std::string_view range, const PartList& parts) {
  // Without a size, "first-last" is the only kind that says what it wants; the others end up beyond all parts.
  RangeVerdict verdict = decide_range(range, parts.complete().value_or(UINT64_MAX), parts.complete() ? kMostRanges : 1);
  if (verdict.kind == RangeKind::Unsatisfiable && !parts.complete()) verdict.kind = RangeKind::Ignore;
  return verdict;
}

/// A part that came shorter than its Content-Range said is the origin's answer all the same: to the same question, and to one for
/// bytes inside the claim, as far as they came (RFC 9110 15.3.7: a 206 may hold less than was asked for).
std::optional<ByteRange> from_short_part(ByteRange wanted, const PartList& parts, const StoredBody* own) noexcept {
  const auto held = parts.only(own), claimed = parts.only_claimed();
  if (parts.can_combine() || !held || wanted.first < held->first || wanted.first >= held->first + held->size) return {};
  if (wanted.first + wanted.size > claimed->first + claimed->size) return {};
  return ByteRange{wanted.first, std::min(wanted.size, held->first + held->size - wanted.first)};
}

PartsFit covered(const std::vector<ByteRange>& wanted, const PartList& parts) {
  PartsFit fit;
  for (const ByteRange& range : wanted) {
    fit.several.push_back({range, parts.cover(range)});
    const auto& slices = fit.several.back().slices;
    const auto is_complete = [](const PartSlice& slice) { return slice.body->state() == StoredBody::State::Complete; };
    if (slices.empty() || !std::all_of(slices.begin(), slices.end(), is_complete)) return {};
  }
  fit.kind = PartsFit::Kind::Covered;
  return fit;
}

PartsFit covered(ByteRange wanted, const PartList& parts, const StoredBody* own) {
  PartsFit fit;
  fit.wanted = wanted;
  fit.slices = parts.cover(wanted, own);
  if (!fit.slices.empty()) fit.kind = PartsFit::Kind::Covered;
  return fit;
}

/// All of it; Useless as long as one byte is missing, or the origin has not said how many there are (RFC 9111 3.3).
PartsFit covered_whole(const PartList& parts, const StoredBody* own) {
  if (!parts.complete()) return {};
  PartsFit fit = covered(ByteRange{0, *parts.complete()}, parts, own);
  fit.whole = true;
  return fit;
}

/// What is missing, when the parts that are there can be combined with it.
PartsFit or_gap(PartsFit fit, const StoredResponse& stored) {
  const PartList& parts = *stored.parts();
  if (fit.kind == PartsFit::Kind::Covered) return fit;
  if (!stored.meta().has_strong_etag || !parts.can_combine() || !parts.complete()) return {};
  fit.kind = PartsFit::Kind::Gap;
  fit.missing = parts.missing(fit.wanted);
  return fit;
}

}  // namespace

PartsFit fit_parts(const Request& request, const StoredResponse& stored, const StoredBody* held) {
  const PartList& parts = *stored.parts();
  const FieldsView fields = request.head.fields;
  const bool is_get = request.head.method == Method::Get;
  if (!is_get && request.head.method != Method::Head) return {};
  const auto range = is_get ? fields.first(FieldId::Range) : std::nullopt;
  const std::int64_t now = unix_seconds(request.received.wall);
  const bool applies = range && fields.count(FieldId::Range) == 1 && range_applies(fields, stored.validators(now), now);
  if (!applies) return range || !is_get ? covered_whole(parts, held) : or_gap(covered_whole(parts, held), stored);
  if (const auto only = parts.only(held); only && *range == parts.asked()) return covered(*only, parts, held);

  const RangeVerdict verdict = resolve(*range, parts);
  if (verdict.kind != RangeKind::Satisfiable) {
    PartsFit fit = covered_whole(parts, held);
    fit.unsatisfiable = verdict.kind == RangeKind::Unsatisfiable;
    return fit;
  }
  if (verdict.parts.size() > 1) return covered(verdict.parts, parts);
  const ByteRange wanted = verdict.parts.front();
  PartsFit fit = covered(wanted, parts, held);
  if (fit.kind == PartsFit::Kind::Covered) return fit;
  if (const auto shorter = from_short_part(wanted, parts, held)) return covered(*shorter, parts, held);
  return or_gap(std::move(fit), stored);
}

bool closes_gap(const ResponseHead& head, std::optional<std::uint64_t> length, ByteRange missing, const StoredResponse& stored) noexcept {
  if (head.status != 206 || head.fields.count(FieldId::ContentRange) != 1) return false;
  const auto etag = head.fields.first(FieldId::ETag);
  if (!etag || !strong_match(*etag, stored.etag())) return false;
  const auto range = parse_content_range(*head.fields.first(FieldId::ContentRange));
  if (!range || range->first != missing.first || range->last != missing.first + missing.size - 1) return false;
  if (range->complete && range->complete != stored.parts()->complete()) return false;
  return !length || *length == missing.size;
}

}  // namespace freshet
