// Basic credentials (RFC 7617). Pure.
#pragma once

#include <optional>
#include <string_view>

#include "freshet/base/arena.hpp"

namespace freshet {

struct BasicCredentials {
  std::string_view user;      ///< never empty, no colon
  std::string_view password;  ///< may be empty and may hold colons
};

/// The longest password that crypt(3) takes.
inline constexpr std::size_t kLongestPassword = 512;

/// Decodes base64(user ":" password) into the arena. Empty when it is not base64 with its padding, not UTF-8 (which the
/// challenge asks for), holds a control character (RFC 7617 2), has no colon or no user, or a password that is too
/// long.
std::optional<BasicCredentials> decode_basic(std::string_view token68, Arena& arena);

/// RFC 3629: shortest forms, no surrogates.
bool is_utf8(std::string_view text) noexcept;

/// No control characters: RFC 7617 2, and what may stand in a log.
bool is_printable(std::string_view text) noexcept;

}  // namespace freshet
