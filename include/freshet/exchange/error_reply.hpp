// The one place where a failure becomes an answer that a person can understand.
#pragma once

#include <string_view>

#include "freshet/async/result.hpp"
#include "freshet/exchange/service.hpp"

namespace freshet {

/// A short page (HTML when the request accepts it, plain text otherwise) with `failure.status` and the reason in words, and
/// Proxy-Status (RFC 9209) when the origin was at fault. Cache-Control: no-store. `pseudonym`: how we name ourselves.
/// `retry_after`: seconds for Retry-After (RFC 9110 10.2.3); 0: 1 with a 503, none with others.
Reply make_error_reply(const Request&, const Failure&, std::string_view pseudonym, std::uint32_t retry_after = 0);
/// For a request whose head could not be understood: plain text.
Reply make_error_reply(const Failure&, std::string_view pseudonym);

/// The RFC 9209 2.3 error type for an origin failure, e.g. "dns_error"; empty when there is none.
std::string_view proxy_status_error(Reason) noexcept;

}  // namespace freshet
