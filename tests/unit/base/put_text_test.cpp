#include "freshet/base/put_text.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace freshet;

TEST_CASE("texts of every size are copied whole, and nothing beside them is touched", "[base][put_text]") {
  for (std::size_t size = 0; size <= 100; ++size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('0' + i % 75);
    const std::string around(8, '~');
    std::string room(size + 2 * around.size(), '~');
    CAPTURE(size);
    CHECK(put_text(room.data() + around.size(), text) == room.data() + around.size() + size);
    CHECK(room == around + text + around);
  }
}

TEST_CASE("an empty text need not be anywhere", "[base][put_text]") {
  char room = '~';
  CHECK(put_text(&room, {}) == &room);
  CHECK(room == '~');
}
