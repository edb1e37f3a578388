#include "freshet/base/check.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace freshet {
namespace {
std::atomic<unsigned long> bugs{0};
}

void check_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "freshet: broken invariant at %s:%d: %s\n", file, line, expression);
  std::abort();
}

void bug_found(const char* what, const char* file, int line) noexcept {
  bugs.fetch_add(1, std::memory_order_relaxed);
  std::fprintf(stderr, "freshet: unexpected at %s:%d: %s\n", file, line, what);
#ifndef NDEBUG
  std::abort();
#endif
}

unsigned long bugs_found() noexcept { return bugs.load(std::memory_order_relaxed); }

}  // namespace freshet
