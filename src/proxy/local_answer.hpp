// Answers that the proxy gives itself: TRACE and OPTIONS whose Max-Forwards has run out (RFC 9110 7.6.2).
#pragma once

#include <optional>
#include <string_view>

#include "freshet/exchange/service.hpp"

namespace freshet {

/// Counts Max-Forwards down; a reply when this proxy is the last stop, or when the field is malformed.
std::optional<Reply> answer_max_forwards(Request&, std::string_view pseudonym);

/// OPTIONS * without a host to ask: what can the proxy itself do? (RFC 9110 9.3.7)
bool is_about_the_proxy(const Request&) noexcept;
Reply answer_options();

}  // namespace freshet
