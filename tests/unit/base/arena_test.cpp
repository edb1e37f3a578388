#include "freshet/base/arena.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

using namespace freshet;

TEST_CASE("an arena holds nothing before its first allocation and after release", "[base][arena]") {
  Arena arena(256);
  CHECK(arena.held() == 0);
  arena.allocate(1);
  CHECK(arena.held() == 256);
  arena.release();
  CHECK(arena.held() == 0);
  CHECK(arena.copy("still works") == "still works");
  CHECK(arena.held() == 256);
}

TEST_CASE("every allocation is aligned as asked", "[base][arena]") {
  Arena arena(1024);
  for (std::size_t align = 1; align <= alignof(std::max_align_t); align *= 2) {
    arena.allocate(1, 1);
    CAPTURE(align);
    CHECK(reinterpret_cast<std::uintptr_t>(arena.allocate(3, align)) % align == 0);
  }
}

TEST_CASE("allocations do not overlap and keep their bytes across blocks", "[base][arena]") {
  Arena arena(64);
  std::vector<std::pair<std::string_view, std::string>> copies;
  for (std::size_t size = 0; size < 200; ++size) {
    std::string text(size, static_cast<char>('a' + size % 26));
    copies.emplace_back(arena.copy(text), text);
  }
  for (const auto& [copy, text] : copies) CHECK(copy == text);
}

TEST_CASE("a block is used up to its last byte and not beyond", "[base][arena]") {
  Arena arena(64);
  arena.text(63);
  arena.text(1);
  CHECK(arena.held() == 64);
  arena.text(1);
  CHECK(arena.held() == 128);
}

TEST_CASE("what is larger than a block gets a block of its own", "[base][arena]") {
  Arena arena(64);
  const auto room = arena.text(100'000);
  std::memset(room.data(), 'x', room.size());
  CHECK(room.size() == 100'000);
  CHECK(arena.held() == 100'000);
}

TEST_CASE("reset keeps the first block and hands out the same bytes again", "[base][arena]") {
  Arena arena(128);
  const char* first = arena.copy("first").data();
  arena.text(1000);
  CHECK(arena.held() == 1128);
  arena.reset();
  CHECK(arena.held() == 128);
  CHECK(arena.copy("again").data() == first);
  CHECK(arena.held() == 128);
}

TEST_CASE("reset and release of an unused arena do nothing", "[base][arena]") {
  Arena arena;
  arena.reset();
  arena.release();
  arena.reset();
  CHECK(arena.held() == 0);
}

TEST_CASE("join puts the parts one after the other", "[base][arena]") {
  Arena arena;
  CHECK(arena.join({}) == "");
  CHECK(arena.join({"", ""}) == "");
  CHECK(arena.join({"a", "", "bc", "d"}) == "abcd");
}
