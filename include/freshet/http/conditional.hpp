// Validators and preconditions (RFC 9110 sections 8.8 and 13).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "freshet/http/fields.hpp"

namespace freshet {

/// Entity tags are compared as bytes after the W/; malformed ones (no quotes) only match themselves.
bool weak_match(std::string_view a, std::string_view b) noexcept;
bool strong_match(std::string_view a, std::string_view b) noexcept;

/// What a stored response has to compare with.
struct Validators {
  std::string_view etag;                      ///< as stored, with W/ and quotes; empty: none
  std::optional<std::int64_t> last_modified;  ///< unix seconds
  std::optional<std::int64_t> date;           ///< unix seconds
};

/// REQUIRES for both below: the method is GET or HEAD. A date that is malformed or stands on several lines matches
/// nothing. Whether a conditional GET or HEAD is answered by 304 from a stored response (RFC 9111 4.3.2): If-None-Match
/// first (weak comparison, "*" matches); else If-Modified-Since against Last-Modified, or Date where there is none.
bool is_not_modified(FieldsView request, const Validators&, std::int64_t now) noexcept;

/// If-Range (RFC 9110 13.1.5): true when there is none or it matches strongly, so that Range may be applied. A date
/// matches strongly when it equals Last-Modified and that is older than Date (8.8.2.2).
bool range_applies(FieldsView request, const Validators&, std::int64_t now) noexcept;

}  // namespace freshet
