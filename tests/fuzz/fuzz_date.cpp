// Dates: what is read is written and read as the same second.
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "freshet/base/check.hpp"
#include "freshet/http/date.hpp"

using namespace freshet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::uint32_t now = 0;
  if (size < sizeof now) return 0;
  std::memcpy(&now, data, sizeof now);
  const std::string_view text(reinterpret_cast<const char*>(data) + sizeof now, size - sizeof now);
  const auto seconds = parse_http_date(text, now);
  // The very last second of the year 9999 may be a leap second, which has no other spelling.
  if (!seconds || *seconds > 253'402'300'799) return 0;
  std::array<char, kHttpDateSize> written{};
  format_http_date(*seconds, written);
  ENSURE(parse_http_date({written.data(), written.size()}, now) == seconds);
  return 0;
}
