#include "freshet/cache/mapping_pool.hpp"

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
