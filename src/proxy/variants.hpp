// Stored variants that a request does not select, offered to the origin: it may answer that one of them is what it would send.
#pragma once

#include <string_view>
#include <vector>

#include "freshet/base/arena.hpp"
#include "freshet/cache/stored_response.hpp"

namespace freshet {

/// The value of an If-None-Match that names them all. In `arena`.
std::string_view etags_of(const std::vector<Ref<StoredResponse>>& variants, Arena& arena);

}  // namespace freshet
