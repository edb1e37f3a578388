// Waiting for time to pass, for code that knows no clock of its own.
#pragma once

#include "freshet/async/task.hpp"
#include "freshet/base/clock.hpp"

namespace freshet {

/// One for each worker, for coroutines of that worker. It outlives them.
class Pause {
 public:
  /// Returns when about `time` has passed. No thread is held meanwhile.
  virtual Task<void> wait(Milliseconds time) = 0;

 protected:
  ~Pause() = default;
};

}  // namespace freshet
