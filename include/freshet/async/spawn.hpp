// Work that nobody awaits: requests, fills, request-body pumps, background revalidation.
#pragma once

#include "freshet/async/task.hpp"

namespace freshet {

/// Starts `task` on the executor of the coroutine that awaits this; returns at once. The task owns all it needs.
/// An exception that leaves it is a BUG, logged and swallowed.
Task<void> spawn(Task<void> task);

/// Runs `task` as far as it comes at once, and lets it go on on `loop`; it is not waited for, so that `loop` has to
/// have other work. For those who start one with every request: co_spawn() costs three frames and an executor's way
/// around. Memory that runs out as the task is about to wait comes out here as std::bad_alloc; what is left of its
/// frames is then destroyed on a later turn. REQUIRES: called on the loop's thread; no other exception leaves the task.
void start_now(const Executor& loop, Task<void> task);

}  // namespace freshet
