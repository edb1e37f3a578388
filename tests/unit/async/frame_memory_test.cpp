#include "freshet/async/frame_memory.hpp"

#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "support/alloc_counter.hpp"

namespace freshet::test {
namespace {

TEST_CASE("memory of a coroutine is used again by the next one of about its size", "[async][alloc]") {
  if (!FrameMemory::keeps()) return;
  void* const first = FrameMemory::take(1000);
  std::memset(first, 0xAA, 1000);
  FrameMemory::give_back(first, 1000);
  void* const other = FrameMemory::take(100);
  void* const same = FrameMemory::take(1024);
  CHECK(same == first);
  CHECK(other != first);
  CHECK(reinterpret_cast<std::uintptr_t>(same) % alignof(std::max_align_t) == 0);
  FrameMemory::give_back(other, 100);
  FrameMemory::give_back(same, 1024);
}

TEST_CASE("of one size no more is kept than the limit, and nothing of what is larger than the largest",
          "[async][alloc]") {
  if (!FrameMemory::keeps()) return;
  constexpr std::size_t kSize = 2048, kMany = 2 * FrameMemory::kKept / kSize;
  for (int round = 0; round < 2; ++round) {
    const AllocCounter allocations;
    std::vector<void*> taken;
    taken.reserve(kMany);
    const std::size_t own = allocations.count();
    for (std::size_t i = 0; i < kMany; ++i) taken.push_back(FrameMemory::take(kSize));
    if (round == 1) CHECK(allocations.count() - own == kMany - FrameMemory::kKept / kSize);
    for (void* const each : taken) FrameMemory::give_back(each, kSize);
  }
  const AllocCounter allocations;
  for (int i = 0; i < 3; ++i)
    FrameMemory::give_back(FrameMemory::take(FrameMemory::kLargest + 1), FrameMemory::kLargest + 1);
  CHECK(allocations.count() == 3);
}

TEST_CASE("a thread's memory is given back by whichever thread, and goes with its thread", "[async][alloc]") {
  void* mine = FrameMemory::take(300);
  std::thread([mine] {
    FrameMemory::give_back(mine, 300);
    FrameMemory::give_back(FrameMemory::take(64), 64);
  }).join();
  mine = FrameMemory::take(300);
  FrameMemory::give_back(mine, 300);
}

}  // namespace
}  // namespace freshet::test
