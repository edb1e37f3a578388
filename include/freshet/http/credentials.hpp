// Credentials and challenges (RFC 9110 section 11): "scheme", "scheme token68" or "scheme name=value, ...". Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "freshet/base/arena.hpp"

namespace freshet {

/// The value of Authorization or Proxy-Authorization. Views point into it.
struct Credentials {
  std::string_view scheme;      ///< a token; its case does not matter
  std::string_view token68;     ///< empty when there are parameters, or nothing at all
  std::string_view parameters;  ///< a well-formed list of parameters, for AuthParameterReader
};
/// Empty when it is not `auth-scheme [ 1*SP ( token68 / #auth-param ) ]` (RFC 9110 11.4).
std::optional<Credentials> parse_credentials(std::string_view value) noexcept;

/// Walks a list of `token BWS "=" BWS ( token / quoted-string )` (RFC 9110 11.2). Empty members are skipped.
class AuthParameterReader {
 public:
  enum class Step : std::uint8_t { Parameter, End, Malformed };
  explicit AuthParameterReader(std::string_view parameters) noexcept : rest_(parameters) {}
  /// `value`: as it came, with its quotes. After Malformed nothing more can be read.
  Step next(std::string_view& name, std::string_view& value) noexcept;

 private:
  std::string_view rest_;
};

/// The content of a token or quoted-string that AuthParameterReader gave; in the arena when backslashes had to go.
std::string_view unquoted(std::string_view value, Arena& arena);

/// Appends `text` as a quoted-string. REQUIRES: is_field_value(text).
void append_quoted(std::string& out, std::string_view text);

/// The text of an ext-value in UTF-8, "UTF-8''J%C3%A4s" (RFC 8187 3.2), in the arena; empty optional when it is not
/// one.
std::optional<std::string_view> decode_extended_value(std::string_view value, Arena& arena);

}  // namespace freshet
