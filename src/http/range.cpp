#include "freshet/http/range.hpp"

#include <algorithm>

#include "freshet/base/ascii.hpp"

namespace freshet {
namespace {

// 1*DIGIT; a number that does not fit is larger than any representation, so the largest one stands for it.
std::optional<std::uint64_t> parse_position(std::string_view s) noexcept {
  if (s.empty() || !std::all_of(s.begin(), s.end(), ascii::is_digit)) return {};
  return ascii::parse_decimal(s).value_or(UINT64_MAX);
}

enum class PartKind : std::uint8_t { Malformed, Unsatisfiable, WholeOfNothing, Satisfiable };

// One member of the set: "first-last", "first-" or "-suffix" (RFC 9110 14.1.2).
PartKind resolve(std::string_view spec, std::uint64_t size, ByteRange& part) noexcept {
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return PartKind::Malformed;
  const std::string_view first_text = spec.substr(0, dash), last_text = spec.substr(dash + 1);
  if (first_text.empty()) {
    const auto suffix = parse_position(last_text);
    if (!suffix) return PartKind::Malformed;
    if (*suffix == 0) return PartKind::Unsatisfiable;
    if (size == 0) return PartKind::WholeOfNothing;
    part.size = std::min(*suffix, size);
    part.first = size - part.size;
    return PartKind::Satisfiable;
  }
  const auto first = parse_position(first_text);
  const auto last = last_text.empty() ? std::optional(UINT64_MAX) : parse_position(last_text);
  if (!first || !last || *first > *last) return PartKind::Malformed;
  if (*first >= size) return PartKind::Unsatisfiable;
  part.first = *first;
  part.size = std::min(*last, size - 1) - *first + 1;
  return PartKind::Satisfiable;
}

constexpr std::string_view kUnit = "bytes=";

}  // namespace

RangeVerdict decide_range(std::string_view range_field, std::uint64_t size, std::size_t max_parts) {
  RangeVerdict verdict;
  if (!ascii::iequals(range_field.substr(0, kUnit.size()), kUnit)) return verdict;
  std::string_view rest = range_field.substr(kUnit.size());
  std::size_t members = 0;
  std::uint64_t total = 0;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view spec = ascii::trim(rest.substr(0, comma));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    if (spec.empty()) continue;
    ByteRange part;
    const PartKind kind = resolve(spec, size, part);
    if (kind == PartKind::Malformed || kind == PartKind::WholeOfNothing || ++members > max_parts) return {};
    if (kind == PartKind::Unsatisfiable) continue;
    if (part.size > size - total) return {};
    total += part.size;
    verdict.parts.push_back(part);
  }
  if (members == 0) return verdict;
  verdict.kind = verdict.parts.empty() ? RangeKind::Unsatisfiable : RangeKind::Satisfiable;
  return verdict;
}

std::optional<ContentRange> parse_content_range(std::string_view text) noexcept {
  constexpr std::string_view kBytes = "bytes ";
  if (!ascii::iequals(text.substr(0, kBytes.size()), kBytes)) return {};
  text.remove_prefix(kBytes.size());
  const std::size_t dash = text.find('-'), slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) return {};
  const auto first = ascii::parse_decimal(text.substr(0, dash));
  const auto last = ascii::parse_decimal(text.substr(dash + 1, slash - dash - 1));
  // last + 1 has to be a number too: it is the size of what it describes.
  if (!first || !last || *first > *last || *last == UINT64_MAX) return {};
  ContentRange range{*first, *last, {}};
  const std::string_view complete = text.substr(slash + 1);
  if (complete == "*") return range;
  range.complete = ascii::parse_decimal(complete);
  if (!range.complete || *range.complete <= *last) return {};
  return range;
}

}  // namespace freshet
