// RFC 9110 section 5.6: tokens, quoted strings, lists, parameters, quality values. Pure, no allocation unless said.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace freshet {

/// tchar of RFC 9110 5.6.2.
bool is_tchar(char) noexcept;
/// 1*tchar.
bool is_token(std::string_view) noexcept;
/// A field value: VCHAR, SP, HTAB and obs-text; no other control byte (RFC 9110 5.5).
bool is_field_value(std::string_view) noexcept;

/// Walks the members of a #list (RFC 9110 5.6.1): split at commas outside quoted strings, trimmed, empty ones skipped.
/// From a quote that is never closed on, quotes are bytes like any other, so that no member hides behind it. Linear in
/// the list.
class ListReader {
 public:
  explicit ListReader(std::string_view list) noexcept : rest_(list) {}
  /// The next member; false at the end.
  bool next(std::string_view& member) noexcept;

 private:
  std::string_view rest_;
  bool plain_ = false;
};

/// Walks "name[=value]" parts separated by `separator` (';' or ','), quoted strings respected as by ListReader.
class ParameterReader {
 public:
  ParameterReader(std::string_view text, char separator) noexcept : rest_(text), separator_(separator) {}
  /// Both are trimmed, around "=" too. `value` is as it came, with its quotes; `has_value` tells "a" from "a=". Empty
  /// parts are skipped. False at the end.
  bool next(std::string_view& name, std::string_view& value, bool& has_value) noexcept;

 private:
  std::string_view rest_;
  char separator_;
  bool plain_ = false;
};

/// The content of a quoted-string without its backslashes (RFC 9110 5.6.4); a token as it is; empty when neither.
std::optional<std::string> unquote(std::string_view);

/// A weight "0" .. "1" with up to three decimals, in thousandths (RFC 9110 12.4.2); empty when malformed.
std::optional<int> parse_qvalue(std::string_view) noexcept;

/// True when `member` (a token, any case) stands in the list-valued text.
bool list_contains(std::string_view list, std::string_view member) noexcept;

}  // namespace freshet
