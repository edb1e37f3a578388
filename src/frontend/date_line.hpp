// The value of Date for answers that come without one (RFC 9110 6.6.1).
#pragma once

#include <string_view>

#include "freshet/base/clock.hpp"

namespace freshet {

/// `now` as an IMF-fixdate, formatted once a second. Valid until the next call on the same thread.
std::string_view date_value(WallTime now) noexcept;

}  // namespace freshet
