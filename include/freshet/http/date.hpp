// HTTP dates (RFC 9110 5.6.7).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace freshet {

/// Seconds since 1970-01-01T00:00:00Z, negative before. Reads IMF-fixdate, RFC 850 and asctime forms: any letter case,
/// but exact punctuation, two-digit hours, "GMT", no surplus. `now` (unix seconds) settles the century of RFC 850's
/// two-digit years: not more than 50 years ahead.
std::optional<std::int64_t> parse_http_date(std::string_view, std::int64_t now) noexcept;

/// Bytes of an IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT".
inline constexpr std::size_t kHttpDateSize = 29;
/// Writes an IMF-fixdate. REQUIRES: 0000 <= year <= 9999.
void format_http_date(std::int64_t unix_seconds, std::span<char, kHttpDateSize> out) noexcept;

}  // namespace freshet
