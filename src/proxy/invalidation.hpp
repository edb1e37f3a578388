// What a successful unsafe request makes doubtful (RFC 9111 4.4).
#pragma once

#include <string_view>

#include "freshet/cache/store.hpp"
#include "freshet/exchange/service.hpp"

namespace freshet {

/// Invalidates the target, the URIs in Location and Content-Location when their origin is the target's, and the groups of that origin
/// that Cache-Group-Invalidation names (RFC 9875 3). `own`: the ticket of the request itself, if it has one; its answer can be stored
/// afterwards, unless it is in one of these groups.
/// REQUIRES: invalidates(method, status).
void invalidate_after(Store&, std::string_view partition, const Request&, const ResponseHead&, FetchTicket& own);

}  // namespace freshet
