// Normalised field values for vary keys. Each function is idempotent: a normalised value stays as it is.
#pragma once

#include <string>
#include <string_view>

namespace freshet {

/// Drops white space around commas outside of quoted strings, and at both ends.
void append_list(std::string_view value, std::pmr::string& out);

/// See make_vary_key().
void append_accept_encoding(std::string_view value, std::pmr::string& out);
/// True when every coding in `content_encoding` is one that the normalised value keeps, or `accept_encoding` lost
/// nothing.
bool explains_coding(std::string_view accept_encoding, std::string_view content_encoding) noexcept;

/// See make_vary_key(). A value with a malformed member is left to append_list().
void append_accept_language(std::string_view value, std::pmr::string& out);

}  // namespace freshet
