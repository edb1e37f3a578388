// Work that nobody awaits: fills, request-body pumps, background revalidation.
#pragma once

#include "freshet/async/task.hpp"

namespace freshet {

/// Starts `task` on the executor of the coroutine that awaits this; returns at once. The task owns all it needs.
/// An exception that leaves it is a BUG, logged and swallowed.
Task<void> spawn(Task<void> task);

}  // namespace freshet
