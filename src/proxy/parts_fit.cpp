#include "parts_fit.hpp"

#include <algorithm>

#include "freshet/http/conditional.hpp"

namespace freshet {
namespace {

/// What a Range wants from a list of parts; empty when that cannot be said.
std::vector<ByteRange> resolve(std::string_view range, const PartList& parts) {
  // Without a size, "first-last" is the only kind that says what it wants; the others end up beyond all parts.
  RangeVerdict verdict = decide_range(range, parts.complete().value_or(UINT64_MAX), parts.complete() ? kMostRanges : 1);
  if (verdict.kind != RangeKind::Satisfiable) return {};
  return std::move(verdict.parts);
}

/// A part that came shorter than its Content-Range said is the origin's answer all the same: to the same question, and to one for
/// bytes inside the claim, as far as they came (RFC 9110 15.3.7: a 206 may hold less than was asked for).
std::optional<ByteRange> from_short_part(ByteRange wanted, const PartList& parts) noexcept {
  const auto held = parts.only(), claimed = parts.only_claimed();
  if (parts.can_combine() || !held || wanted.first < held->first || wanted.first >= held->first + held->size) return {};
  if (wanted.first + wanted.size > claimed->first + claimed->size) return {};
  return ByteRange{wanted.first, std::min(wanted.size, held->first + held->size - wanted.first)};
}

PartsFit covered(const std::vector<ByteRange>& wanted, const PartList& parts) {
  PartsFit fit;
  for (const ByteRange& range : wanted) {
    fit.several.push_back({range, parts.cover(range)});
    if (fit.several.back().slices.empty()) return {};
  }
  fit.kind = PartsFit::Kind::Covered;
  return fit;
}

PartsFit covered(ByteRange wanted, const PartList& parts) {
  PartsFit fit;
  fit.wanted = wanted;
  fit.slices = parts.cover(wanted);
  if (!fit.slices.empty()) fit.kind = PartsFit::Kind::Covered;
  return fit;
}

}  // namespace

PartsFit fit_parts(const Request& request, const StoredResponse& stored) {
  const PartList& parts = *stored.parts();
  const StoredMeta& meta = stored.meta();
  const FieldsView fields = request.head.fields;
  if (request.head.method != Method::Get) return {};
  const auto range = fields.first(FieldId::Range);
  const Validators validators{meta.etag, meta.last_modified, meta.date};
  const bool applies = range && range_applies(fields, validators, unix_seconds(request.received.wall));
  if (range && !applies) return {};  // If-Range: another version is wanted
  if (range && *range == parts.asked() && parts.only()) return covered(*parts.only(), parts);

  if (!range && !parts.complete()) return {};
  const auto all_wanted = range ? resolve(*range, parts) : std::vector<ByteRange>{{0, *parts.complete()}};
  if (all_wanted.empty()) return {};
  if (all_wanted.size() > 1) return covered(all_wanted, parts);
  const ByteRange wanted = all_wanted.front();
  PartsFit fit = covered(wanted, parts);
  fit.whole = !range;
  if (fit.kind == PartsFit::Kind::Covered) return fit;
  if (range)
    if (const auto shorter = from_short_part(wanted, parts)) return covered(*shorter, parts);
  if (!meta.has_strong_etag() || !parts.can_combine() || !parts.complete()) return {};
  fit.kind = PartsFit::Kind::Gap;
  fit.missing = parts.missing(wanted);
  return fit;
}

bool closes_gap(const ResponseHead& head, std::optional<std::uint64_t> length, ByteRange missing, const StoredResponse& stored) noexcept {
  if (head.status != 206 || head.fields.count(FieldId::ContentRange) != 1) return false;
  const auto etag = head.fields.first(FieldId::ETag);
  if (!etag || !strong_match(*etag, stored.meta().etag)) return false;
  const auto range = parse_content_range(*head.fields.first(FieldId::ContentRange));
  if (!range || range->first != missing.first || range->last != missing.first + missing.size - 1) return false;
  if (range->complete && range->complete != stored.parts()->complete()) return false;
  return !length || *length == missing.size;
}

}  // namespace freshet
