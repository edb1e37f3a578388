// URI references in response fields (RFC 3986 section 5).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace freshet {

/// The origin-form target (path and query, no fragment) that `reference` leads to from scheme://authority + target,
/// when scheme and authority stay the same after normalisation; empty otherwise, and for anything malformed.
std::optional<std::string> resolve_same_origin(std::string_view scheme, std::string_view authority,
                                               std::string_view target, std::string_view reference);

}  // namespace freshet
