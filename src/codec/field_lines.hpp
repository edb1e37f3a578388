// What request heads, response heads and trailer sections have in common: lines of fields (RFC 9112 section 5).
#pragma once

#include <string_view>

#include "freshet/base/reason.hpp"
#include "freshet/codec/h1_reader.hpp"
#include "freshet/http/fields.hpp"

namespace freshet {

inline HeadProgress bad_head(Reason error, int status) noexcept { return {HeadProgress::State::Bad, 0, error, status}; }

/// The position of the next LF at or after `from`; npos when there is none.
std::size_t find_line_feed(std::string_view text, std::size_t from) noexcept;

/// Looks for the empty line that ends a head, and counts the field lines before it. `window`: what is buffered, cut to
/// limits.bytes. Every line is found to end with CRLF; what else stands in it is parse_field_lines()'s matter.
HeadProgress scan_field_lines(std::string_view window, const HeadLimits& limits, HeadScan& scan) noexcept;

enum class FieldRules : std::uint8_t {
  Strict,    ///< requests and trailers
  Response,  ///< obs-fold is replaced by a space, white space before the colon is dropped
};

/// Appends the fields in `lines` to `out`. REQUIRES: `lines` is empty or ends with CRLF. None, or BadField,
/// ObsoleteFold, BareLineEnd: `out` then holds the fields before the bad one.
Reason parse_field_lines(std::string_view lines, FieldRules rules, Fields& out);

}  // namespace freshet
