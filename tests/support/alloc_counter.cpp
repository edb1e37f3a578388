#include "support/alloc_counter.hpp"

#if defined(__SANITIZE_THREAD__)
#define FRESHET_COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FRESHET_COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef FRESHET_COUNTS_ALLOCATIONS
#define FRESHET_COUNTS_ALLOCATIONS 1
#endif

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

namespace {

thread_local std::size_t calls = 0;
thread_local std::size_t bytes_asked = 0;
thread_local std::size_t good_calls_left = SIZE_MAX;  // of operator new; SIZE_MAX: all are good

#if FRESHET_COUNTS_ALLOCATIONS
void* count_and_allocate(std::size_t size) noexcept {
  ++calls;
  bytes_asked += size;
  return std::malloc(size == 0 ? 1 : size);
}

void* count_and_allocate(std::size_t size, std::align_val_t align) noexcept {
  ++calls;
  bytes_asked += size;
  const auto alignment = static_cast<std::size_t>(align);
  void* memory = nullptr;
  return ::posix_memalign(&memory, std::max(alignment, sizeof(void*)), size) == 0 ? memory : nullptr;
}

void* or_throw(void* memory) {
  if (memory && good_calls_left != SIZE_MAX && good_calls_left-- == 0) {
    std::free(memory);
    memory = nullptr;
    good_calls_left = SIZE_MAX;
  }
  if (!memory) throw std::bad_alloc();
  return memory;
}
#endif

}  // namespace

namespace freshet {

bool AllocCounter::counts() noexcept { return FRESHET_COUNTS_ALLOCATIONS != 0; }

AllocCounter::AllocCounter() noexcept : count_at_start_(calls), bytes_at_start_(bytes_asked) {}
std::size_t AllocCounter::count() const noexcept { return calls - count_at_start_; }
std::size_t AllocCounter::bytes() const noexcept { return bytes_asked - bytes_at_start_; }
void AllocCounter::restart() noexcept {
  count_at_start_ = calls;
  bytes_at_start_ = bytes_asked;
}

AllocFailure::AllocFailure(std::size_t n) noexcept { good_calls_left = n - 1; }
AllocFailure::~AllocFailure() { good_calls_left = SIZE_MAX; }
AllocSpared::AllocSpared() noexcept : good_calls_left_(std::exchange(good_calls_left, SIZE_MAX)) {}
AllocSpared::~AllocSpared() { good_calls_left = good_calls_left_; }
bool AllocFailure::happened() const noexcept { return good_calls_left == SIZE_MAX; }

}  // namespace freshet

#if FRESHET_COUNTS_ALLOCATIONS
void* operator new(std::size_t size) { return or_throw(count_and_allocate(size)); }
void* operator new[](std::size_t size) { return or_throw(count_and_allocate(size)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return count_and_allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return count_and_allocate(size); }
void* operator new(std::size_t size, std::align_val_t align) { return or_throw(count_and_allocate(size, align)); }
void* operator new[](std::size_t size, std::align_val_t align) { return or_throw(count_and_allocate(size, align)); }
void* operator new(std::size_t size, std::align_val_t align, const std::nothrow_t&) noexcept {
  return count_and_allocate(size, align);
}
void* operator new[](std::size_t size, std::align_val_t align, const std::nothrow_t&) noexcept {
  return count_and_allocate(size, align);
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t, const std::nothrow_t&) noexcept { std::free(memory); }

// Asio takes coroutine frames and completion handlers from aligned_alloc() when its recycling allocator has none to
// reuse.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return count_and_allocate(size, std::align_val_t{alignment});
}
#endif
