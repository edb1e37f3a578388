// Cache-Control (RFC 9111 5.2), its extensions (RFC 5861, RFC 8246, RFC 9213) and Pragma, parsed once into numbers and
// flags.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "freshet/base/clock.hpp"
#include "freshet/http/fields.hpp"

namespace freshet {

/// Lifetimes saturate at 2^31 seconds (RFC 9111 1.2.2).
inline constexpr Seconds kForever{std::int64_t{1} << 31};

/// The directives of a request. A malformed number counts as the strictest value (max-age: 0, min-fresh: forever;
/// max-stale: absent).
struct RequestDirectives {
  bool no_cache = false, no_store = false, only_if_cached = false, no_transform = false;
  std::optional<Seconds> max_age, min_fresh;
  std::optional<Seconds> max_stale;  ///< kForever for max-stale without a value
  std::optional<Seconds> stale_if_error;
};

/// The directives of a response. Directive names in any case; the first of a repeated directive counts; a quoted number
/// is read; a malformed max-age or s-maxage means 0 (already stale). A list of fields that cannot be read, or a second
/// one, counts as unqualified. Prohibitions count whatever their argument; public, must-understand and immutable only
/// without one.
struct ResponseDirectives {
  bool no_cache = false;  ///< unqualified
  bool no_store = false;
  bool is_private = false;  ///< unqualified
  bool is_public = false, must_revalidate = false, proxy_revalidate = false, must_understand = false, immutable = false;
  bool no_transform = false;
  std::string_view no_cache_fields;  ///< the list in no-cache="...", without quotes; points into the parsed fields
  std::string_view private_fields;
  std::optional<Seconds> max_age, s_maxage, stale_while_revalidate, stale_if_error;
  bool targeted = false;  ///< they come from a targeted field: Cache-Control, Expires and Pragma do not count
};

/// From Cache-Control, and from Pragma: no-cache when there is no Cache-Control (RFC 9111 5.4).
RequestDirectives parse_request_directives(FieldsView) noexcept;
/// From the first of the fields named in `targets` (in any case) that is there, not empty, and a valid structured
/// dictionary whose known members have the right type (RFC 9213 2.1 and 2.2); else from Cache-Control. The response's
/// Pragma means nothing here.
ResponseDirectives parse_response_directives(FieldsView, std::span<const std::string> targets) noexcept;

}  // namespace freshet
