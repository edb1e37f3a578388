#include "freshet/cache/mapping_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
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
  for (const Mapping& mapping : mappings_)
    if (mapping.at != nullptr) munmap(mapping.at, mapping.size);
}

MappingPool::Mapping MappingPool::closest(std::size_t size) noexcept {
  const std::lock_guard lock(mutex_);
  Mapping* best = nullptr;
  for (Mapping& mapping : mappings_) {
    if (mapping.at == nullptr) continue;
    if (best == nullptr || distance(mapping.size, size) < distance(best->size, size)) best = &mapping;
  }
  if (best == nullptr) return {};
  kept_ -= best->size;
  return std::exchange(*best, Mapping{});
}

void* MappingPool::take(std::size_t size) noexcept {
  if (const Mapping mapping = closest(size); mapping.at != nullptr) {
    if (mapping.size == size) return mapping.at;
    // Cutting gives pages back, growing moves the pages that are there without copying.
    void* const at = kResizes ? mremap(mapping.at, mapping.size, size, MREMAP_MAYMOVE) : MAP_FAILED;
    if (at != MAP_FAILED) return at;
    munmap(mapping.at, mapping.size);
  }
  void* const at = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
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
  }
  munmap(at, size);
}

std::size_t MappingPool::kept() const noexcept {
  const std::lock_guard lock(mutex_);
  return kept_;
}

MappingPool& mapping_pool() noexcept {
  static auto* const pool = new MappingPool;  // bodies may go after everything static
  return *pool;
}

}  // namespace freshet
