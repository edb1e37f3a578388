#include "freshet/async/frame_memory.hpp"

#include <array>
#include <cstdlib>
#include <new>

namespace freshet {
namespace {

#if defined(__has_feature)
#define FRESHET_HAS_FEATURE(what) __has_feature(what)
#else
#define FRESHET_HAS_FEATURE(what) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || FRESHET_HAS_FEATURE(address_sanitizer) || \
    FRESHET_HAS_FEATURE(thread_sanitizer)
constexpr bool kKeeps = false;
#else
constexpr bool kKeeps = true;
#endif

constexpr std::size_t kSizes = FrameMemory::kLargest / FrameMemory::kStep;

constexpr std::size_t steps(std::size_t size) noexcept { return (size + FrameMemory::kStep - 1) / FrameMemory::kStep; }

struct Free {
  Free* next;
};

struct Shelf {
  Free* first = nullptr;
  std::size_t bytes = 0;
};

// Trivial, so that every thread has it from beginning to end.
thread_local constinit std::array<Shelf, kSizes + 1> shelves{};
thread_local constinit bool closed = false;

/// Empties the shelves when its thread ends. What other objects of the thread give back later is not kept.
struct Closing {
  bool armed = false;
  ~Closing() {
    closed = true;
    for (Shelf& shelf : shelves) {
      while (Free* const block = shelf.first) {
        shelf.first = block->next;
        std::free(block);
      }
      shelf.bytes = 0;
    }
  }
};
thread_local Closing closing;

// Tests that count what is taken from the heap see aligned_alloc(), and are not to see what only sanitizers take.
void* allocate(std::size_t size) {
  void* const memory = kKeeps ? std::aligned_alloc(alignof(std::max_align_t), size) : std::malloc(size);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace

bool FrameMemory::keeps() noexcept { return kKeeps; }

void* FrameMemory::take(std::size_t size) {
  const std::size_t rounded = steps(size);
  if (kKeeps && rounded <= kSizes) {
    Shelf& shelf = shelves[rounded];
    if (Free* const block = shelf.first) {
      shelf.first = block->next;
      shelf.bytes -= rounded * kStep;
      return block;
    }
  }
  return allocate(rounded * kStep);
}

void FrameMemory::give_back(void* memory, std::size_t size) noexcept {
  const std::size_t rounded = steps(size);
  if (!kKeeps || rounded > kSizes || closed || shelves[rounded].bytes >= kKept) return std::free(memory);
  Shelf& shelf = shelves[rounded];
  if (!shelf.first) closing.armed = true;
  auto* const block = new (memory) Free{shelf.first};
  shelf.first = block;
  shelf.bytes += rounded * kStep;
}

}  // namespace freshet
