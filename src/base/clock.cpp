#include "freshet/base/clock.hpp"

namespace freshet {

Time SystemClock::now() const noexcept {
  return {std::chrono::steady_clock::now(),
          std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now())};
}

}  // namespace freshet
