// Broken invariants and doubts. Untrusted input never reaches these: it yields a verdict or a Failure.
#pragma once

namespace freshet {

/// Prints `what` with its place to stderr and aborts. Any thread.
[[noreturn]] void check_failed(const char* expression, const char* file, int line) noexcept;

/// Reports a doubt: logged and counted in release builds, fatal in debug builds. Any thread.
void bug_found(const char* what, const char* file, int line) noexcept;

/// How many doubts bug_found() has seen in this process.
unsigned long bugs_found() noexcept;

}  // namespace freshet

/// An invariant of ours, checked in every build: going on would be worse than stopping. (Not CHECK: Catch2 has one.)
#define ENSURE(condition) ((condition) ? static_cast<void>(0) : ::freshet::check_failed(#condition, __FILE__, __LINE__))
/// Something that should not happen but can be survived.
#define BUG(what) ::freshet::bug_found(what, __FILE__, __LINE__)
