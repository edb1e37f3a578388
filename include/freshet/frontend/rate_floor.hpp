// How slow a client may be.
#pragma once

#include <cstdint>

#include "freshet/base/clock.hpp"

namespace freshet {

/// The least average rate, in bytes a second, over a stretch of time that was spent waiting for the client. 0: any rate
/// will do.
struct RateFloor {
  std::uint64_t bytes_per_second = 0;  ///< up to 1 GiB
  Milliseconds window{60000};          ///< up to a day
};

}  // namespace freshet
