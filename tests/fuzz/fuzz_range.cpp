// Range and Content-Range with arbitrary text and sizes: every part lies inside the representation, all together too.
#include <cstdint>
#include <cstring>
#include <string_view>

#include "freshet/base/check.hpp"
#include "freshet/http/range.hpp"

using namespace freshet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::uint64_t whole = 0;
  if (size < sizeof whole + 1) return 0;
  std::memcpy(&whole, data, sizeof whole);
  whole >>= data[sizeof whole] % 64;
  const std::string_view text(reinterpret_cast<const char*>(data) + sizeof whole + 1, size - sizeof whole - 1);
  constexpr std::size_t kMost = 8;
  const RangeVerdict verdict = decide_range(text, whole, kMost);
  ENSURE((verdict.kind == RangeKind::Satisfiable) == !verdict.parts.empty());
  ENSURE(verdict.parts.size() <= kMost);
  std::uint64_t total = 0;
  for (const ByteRange& part : verdict.parts) {
    ENSURE(part.size > 0 && part.first < whole && part.size <= whole - part.first);
    ENSURE(part.size <= whole - total);
    total += part.size;
  }
  if (const auto range = parse_content_range(text)) {
    ENSURE(range->first <= range->last && range->last < UINT64_MAX);
    ENSURE(!range->complete || range->last < *range->complete);
  }
  return 0;
}
