#include "freshet/cache/mapping_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

using namespace freshet;

TEST_CASE("a mapping is page aligned and can be written from end to end", "[cache][memory]") {
  MappingPool pool;
  for (const std::size_t size : {4096u, 8192u, 1u << 20}) {
    void* const at = pool.take(size);
    REQUIRE(at != nullptr);
    CHECK(reinterpret_cast<std::uintptr_t>(at) % 4096 == 0);
    std::memset(at, 1, size);
    pool.give(at, size);
  }
}

TEST_CASE("what was given back is cut or stretched to the next size", "[cache][memory]") {
  MappingPool pool;
  void* const first = pool.take(16 * 4096);
  REQUIRE(first != nullptr);
  pool.give(first, 16 * 4096);
  CHECK(pool.kept() == 16 * 4096);
  CHECK(pool.take(16 * 4096) == first);
  CHECK(pool.kept() == 0);
  pool.give(first, 16 * 4096);
  void* const smaller = pool.take(3 * 4096);
  REQUIRE(smaller != nullptr);
  CHECK(pool.kept() == 0);
  std::memset(smaller, 1, 3 * 4096);
  pool.give(smaller, 3 * 4096);
  void* const larger = pool.take(100 * 4096);
  REQUIRE(larger != nullptr);
  CHECK(pool.kept() == 0);
  std::memset(larger, 1, 100 * 4096);
  pool.give(larger, 100 * 4096);
}

TEST_CASE("what is kept is bounded in bytes and number", "[cache][memory]") {
  MappingPool pool;
  std::vector<std::pair<void*, std::size_t>> taken;
  for (int i = 0; i < 100; ++i) taken.emplace_back(pool.take(8192), 8192);
  for (int i = 0; i < 20; ++i) taken.emplace_back(pool.take(1u << 20), 1u << 20);
  for (const auto& [at, size] : taken) {
    pool.give(at, size);
    REQUIRE(pool.kept() <= MappingPool::kMostKept);
  }
  CHECK(pool.kept() > 0);
}

TEST_CASE("mappings do not overlap, in any order of taking and giving", "[cache][memory][property]") {
  std::mt19937 random(1);
  MappingPool pool;
  struct Held {
    unsigned char* at;
    std::size_t size;
    unsigned char mark;
  };
  std::vector<Held> held;
  for (int i = 0; i < 2000; ++i) {
    if (held.size() < 20 && random() % 2 == 0) {
      const std::size_t size = (1 + random() % 40) * 4096;
      auto* const at = static_cast<unsigned char*>(pool.take(size));
      REQUIRE(at != nullptr);
      const auto mark = static_cast<unsigned char>(random());
      std::memset(at, mark, size);
      held.push_back({at, size, mark});
    } else if (!held.empty()) {
      const std::size_t which = random() % held.size();
      const Held gone = held[which];
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(which));
      bool intact = true;
      for (std::size_t at = 0; at < gone.size; at += 512) intact &= gone.at[at] == gone.mark;
      REQUIRE(intact);
      pool.give(gone.at, gone.size);
    }
  }
  for (const Held& last : held) pool.give(last.at, last.size);
}

TEST_CASE("large mappings that are not kept wait for the next one who takes one, or for trim()", "[cache][memory]") {
  constexpr std::size_t kSize = 1u << 20, kCount = 40;
  MappingPool pool;
  std::vector<void*> taken;
  for (std::size_t i = 0; i < kCount; ++i) {
    taken.push_back(pool.take(kSize));
    REQUIRE(taken.back() != nullptr);
    std::memset(taken.back(), 1, kSize);
  }
  for (void* const at : taken) pool.give(at, kSize);
  const std::size_t surplus = kCount * kSize - MappingPool::kMostKept;
  CHECK(pool.kept() == MappingPool::kMostKept);
  CHECK(pool.waiting() == surplus);
  CHECK(pool.trim(1) == kSize);
  CHECK(pool.trim(2 * kSize + 1) == 3 * kSize);
  CHECK(pool.waiting() == surplus - 4 * kSize);
  for (std::size_t i = 0; i < MappingPool::kMostKept / kSize + 1; ++i) {
    void* const again = pool.take(kSize);
    CHECK(std::find(taken.begin(), taken.end(), again) != taken.end());
    std::memset(again, 2, kSize);
  }
  CHECK(pool.kept() == 0);
  CHECK(pool.waiting() == surplus - 5 * kSize);
  CHECK(pool.trim(SIZE_MAX) == surplus - 5 * kSize);
  CHECK(pool.waiting() == 0);
  CHECK(pool.trim(SIZE_MAX) == 0);
}

TEST_CASE("small mappings do not wait", "[cache][memory]") {
  constexpr std::size_t kSize = MappingPool::kSmallestWaiting - 4096;
  MappingPool pool;
  std::vector<void*> taken;
  for (int i = 0; i < 40; ++i) taken.push_back(pool.take(kSize));
  for (void* const at : taken) pool.give(at, kSize);
  CHECK(pool.waiting() == 0);
}

TEST_CASE("what waits is used first, whatever its size", "[cache][memory]") {
  std::mt19937 random(7);
  MappingPool pool;
  std::vector<std::pair<unsigned char*, std::size_t>> bodies;
  std::size_t all = 0;
  const auto fill = [&] {
    const std::size_t size = (64 + random() % 960) * 4096;
    auto* const at = static_cast<unsigned char*>(pool.take(size));
    REQUIRE(at != nullptr);
    std::memset(at, static_cast<int>(size / 4096 % 251), size);
    bodies.emplace_back(at, size);
    all += size;
  };
  for (int i = 0; i < 40; ++i) fill();
  const std::size_t before = all;
  for (const auto& [at, size] : bodies) pool.give(at, size);
  bodies.clear();
  all = 0;
  REQUIRE(pool.waiting() + pool.kept() == before);
  while (pool.waiting() > 0) fill();
  CHECK(all + pool.kept() >= before);
  for (const auto& [at, size] : bodies)
    for (std::size_t i = 0; i < size; i += 4096) REQUIRE(at[i] == size / 4096 % 251);
  for (const auto& [at, size] : bodies) pool.give(at, size);
}

TEST_CASE("who takes a mapping is told whether its pages are there", "[cache][memory]") {
  constexpr std::size_t kSize = 1u << 20;
  MappingPool pool;
  bool has_pages = true;
  std::vector<void*> taken;
  for (int i = 0; i < 10; ++i) {
    taken.push_back(pool.take(kSize, &has_pages));
    CHECK_FALSE(has_pages);
  }
  for (void* const at : taken) pool.give(at, kSize);
  void* const piece = pool.take(kSize / 4, &has_pages);
  CHECK(has_pages);
  void* const same = pool.take(kSize, &has_pages);
  CHECK(has_pages);
  pool.give(piece, kSize / 4);
  pool.give(same, kSize);
}

TEST_CASE("pages that are asked for are there, and no others", "[cache][memory]") {
  constexpr std::size_t kPage = 4096, kSize = 64 * kPage;
  const auto there = [](const void* at) {
    unsigned char in_core = 0;
    return mincore(const_cast<void*>(at), kPage, &in_core) == 0 && (in_core & 1) != 0;
  };
  for (const std::size_t from : {std::size_t{0}, std::size_t{1}, kPage - 1, kPage, 10 * kPage + 7})
    for (const std::size_t size : {std::size_t{0}, kPage, 3 * kPage, 16 * kPage, kSize - 11 * kPage}) {
      CAPTURE(from, size);
      MappingPool pool;
      auto* const at = static_cast<unsigned char*>(pool.take(kSize));
      REQUIRE(at != nullptr);
      const bool known = madvise(at, kPage, MADV_POPULATE_WRITE) == 0;
      ask_for_pages(at + from, size);
      const std::size_t first = (from + kPage - 1) / kPage, last = (from + size + kPage - 1) / kPage;
      for (std::size_t page = 1; page < kSize / kPage; ++page) {
        const bool asked = page >= first && page < last && last - first > 1;
        CHECK(there(at + page * kPage) == (known && asked));
      }
      pool.give(at, kSize);
    }
}
