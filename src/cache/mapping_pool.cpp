#include "freshet/cache/mapping_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <new>
#include <utility>

namespace freshet {
namespace {

// The thread sanitizer does not see mremap(): it would take what was at the new address before, on another thread, for a race.
#if defined(__SANITIZE_THREAD__)
constexpr bool kResizes = false;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr bool kResizes = false;
#else
constexpr bool kResizes = true;
#endif
#else
constexpr bool kResizes = true;
#endif

std::size_t distance(std::size_t a, std::size_t b) noexcept { return a > b ? a - b : b - a; }

}  // namespace

MappingPool::~MappingPool() {
  trim(SIZE_MAX);
  for (const Mapping& mapping : mappings_)
    if (mapping.at != nullptr) munmap(mapping.at, mapping.size);
}

// REQUIRES: the mutex is held; something waits.
MappingPool::Mapping MappingPool::pop_waiting() noexcept {
  Waiting* const first = waiting_;
  const std::size_t size = first->size;
  waiting_ = first->next;
  waiting_bytes_ -= size;
  return {first, size};
}

// The front of the first one: the rest goes on waiting. REQUIRES: the mutex is held; something larger waits.
MappingPool::Mapping MappingPool::cut_waiting(std::size_t size) noexcept {
  Waiting* const first = waiting_;
  waiting_ = new (reinterpret_cast<std::byte*>(first) + size) Waiting{first->next, first->size - size};
  waiting_bytes_ -= size;
  return {first, size};
}

// REQUIRES: the mutex is held. Null when nothing is kept.
MappingPool::Mapping* MappingPool::closest(std::size_t size) noexcept {
  Mapping* best = nullptr;
  for (Mapping& mapping : mappings_) {
    if (mapping.at == nullptr) continue;
    if (best == nullptr || distance(mapping.size, size) < distance(best->size, size)) best = &mapping;
  }
  return best;
}

MappingPool::Mapping MappingPool::find(std::size_t size) noexcept {
  const std::lock_guard lock(mutex_);
  Mapping* const kept = closest(size);
  const bool fits = kept != nullptr && kept->size == size;
  if (!fits && waiting_ != nullptr) return waiting_->size > size ? cut_waiting(size) : pop_waiting();
  if (kept == nullptr) return {};
  kept_ -= kept->size;
  return std::exchange(*kept, Mapping{});
}

void* MappingPool::take(std::size_t size, bool* has_pages) noexcept {
  const Mapping mapping = find(size);
  if (has_pages != nullptr) *has_pages = mapping.size >= size;
  if (mapping.size == size) return mapping.at;
  if (mapping.at != nullptr) {
    // Cutting gives pages back, growing moves the pages that are there without copying.
    void* const at = kResizes ? mremap(mapping.at, mapping.size, size, MREMAP_MAYMOVE) : MAP_FAILED;
    if (at != MAP_FAILED) return at;
    munmap(mapping.at, mapping.size);
  }
  if (has_pages != nullptr) *has_pages = false;
  void* const at = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? nullptr : at;
}

void MappingPool::give(void* at, std::size_t size) noexcept {
  {
    const std::lock_guard lock(mutex_);
    const auto free =
        std::find_if(mappings_.begin(), mappings_.end(), [](const Mapping& mapping) { return mapping.at == nullptr; });
    if (free != mappings_.end() && kept_ + size <= kMostKept) {
      *free = {at, size};
      kept_ += size;
      return;
    }
    if (size >= kSmallestWaiting) {
      waiting_ = new (at) Waiting{waiting_, size};
      waiting_bytes_ += size;
      return;
    }
  }
  munmap(at, size);
}

// The pages first: whoever gets a page for a mapping of his own does not have to wait for that, as he has for munmap().
std::size_t MappingPool::trim(std::size_t most) noexcept {
  std::size_t bytes = 0;
  while (bytes < most) {
    Mapping mapping;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_ == nullptr) break;
      mapping = pop_waiting();
    }
    madvise(mapping.at, mapping.size, MADV_DONTNEED);
    munmap(mapping.at, mapping.size);
    bytes += mapping.size;
  }
  return bytes;
}

std::size_t MappingPool::kept() const noexcept {
  const std::lock_guard lock(mutex_);
  return kept_;
}

void ask_for_pages(void* at, std::size_t size) noexcept {
  constexpr std::uintptr_t kPage = 4096;
  const auto up = [](std::uintptr_t address) { return (address + kPage - 1) / kPage * kPage; };
  const auto from = reinterpret_cast<std::uintptr_t>(at);
  // The first page is there unless the part begins with it.
  const std::uintptr_t first = up(from), last = up(from + size);
  static std::atomic<bool> is_unknown{false};
  if (last - first <= kPage || is_unknown.load(std::memory_order_relaxed)) return;
  const bool asked = madvise(reinterpret_cast<void*>(first), last - first, MADV_POPULATE_WRITE) == 0;
  if (!asked && errno == EINVAL) is_unknown.store(true, std::memory_order_relaxed);
}

std::size_t MappingPool::waiting() const noexcept {
  const std::lock_guard lock(mutex_);
  return waiting_bytes_;
}

MappingPool& mapping_pool() noexcept {
  static auto* const pool = new MappingPool;  // bodies may go after everything static
  return *pool;
}

}  // namespace freshet
