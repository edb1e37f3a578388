// Untrusted text on its way into a log line.
#pragma once

#include <string>
#include <string_view>

namespace freshet {

/// Where a text stands in a line of the combined or squid format.
enum class LogPlace { Quoted, Bare };

/// Appends `text` with everything outside printable ASCII, quotes and backslashes as \xHH; in a Bare place spaces too, so that
/// columns stay columns. An empty text is "-".
void append_log_text(std::string& out, std::string_view text, LogPlace place);

/// Appends the inside of a JSON string (RFC 8259 7). Control characters (C0, DEL, C1, the line separators) are escaped; each byte
/// that is not part of valid UTF-8 becomes U+FFFD.
void append_json_text(std::string& out, std::string_view text);

/// A URL in the three parts around which its userinfo stood.
struct UrlParts {
  std::string_view before, after;  ///< "http://" and "host/path"; without userinfo all is in `after`
};
/// Finds the userinfo of an absolute or scheme-less URL, an authority, or whatever a client sent in its place. A text that begins
/// with one '/' is a path, and stays as it is.
UrlParts without_userinfo(std::string_view url) noexcept;

}  // namespace freshet
