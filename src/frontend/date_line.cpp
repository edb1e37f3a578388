#include "date_line.hpp"

#include <array>
#include <cstdint>
#include <limits>

#include "freshet/http/date.hpp"

namespace freshet {

std::string_view date_value(WallTime now) noexcept {
  struct Formatted {
    std::int64_t second = std::numeric_limits<std::int64_t>::min();
    std::array<char, kHttpDateSize> text{};
  };
  thread_local Formatted last;  // a worker is a thread
  const std::int64_t second = unix_seconds(now);
  if (second != last.second) {
    format_http_date(second, last.text);
    last.second = second;
  }
  return {last.text.data(), last.text.size()};
}

}  // namespace freshet
