// Range requests for bytes (RFC 9110 section 14).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace freshet {

/// One part of a representation: [first, first + size).
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t size = 0;
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

enum class RangeKind : std::uint8_t {
  Ignore,  ///< malformed, other unit, too many parts, or more bytes than the whole: answer 200
  Satisfiable,
  Unsatisfiable,  ///< answer 416
};

struct RangeVerdict {
  RangeKind kind = RangeKind::Ignore;
  std::vector<ByteRange> parts;  ///< in the order asked for; one element costs no more than one allocation
};

/// Resolves a Range field against a representation of `size` bytes. More than `max_parts` parts, or parts that together
/// hold more bytes than the whole, are ignored (RFC 9110 14.2), and so is a suffix of an empty representation: it is
/// satisfiable (14.1.2), but no Content-Range can say so. One malformed member makes the whole field malformed. Parts
/// are clipped to `size`, unsatisfiable ones left out.
RangeVerdict decide_range(std::string_view range_field, std::uint64_t size, std::size_t max_parts);

/// "bytes first-last/complete".
struct ContentRange {
  std::uint64_t first = 0, last = 0;
  std::optional<std::uint64_t> complete;  ///< empty for "*"
};
/// Empty when malformed or unsatisfied ("bytes */n").
std::optional<ContentRange> parse_content_range(std::string_view) noexcept;

}  // namespace freshet
