// Gives other coroutines of the same loop their turn, for those that could go on for long without waiting.
#pragma once

#include "freshet/async/task.hpp"

namespace freshet {

/// Returns on a later turn of the awaiting coroutine's loop, when all that was ready has been served.
Task<void> yield();

}  // namespace freshet
