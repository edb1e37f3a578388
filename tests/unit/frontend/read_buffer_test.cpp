#include "../../../src/frontend/read_buffer.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "../../../src/frontend/gather_list.hpp"
#include "freshet/exchange/body.hpp"

using namespace freshet;

namespace {

void put(ReadBuffer& buffer, std::string_view text, std::size_t wanted = ReadBuffer::kSmall) {
  while (!text.empty()) {
    const auto room = buffer.room(wanted);
    REQUIRE(!room.empty());
    const std::size_t size = std::min(room.size(), text.size());
    std::copy_n(as_bytes(text).begin(), size, room.begin());
    buffer.commit(size);
    text.remove_prefix(size);
  }
}

}  // namespace

TEST_CASE("A read buffer keeps its bytes in order while it moves, grows and shrinks", "[frontend]") {
  ReadBuffer buffer;
  CHECK(buffer.text().empty());
  CHECK(buffer.capacity() == 0);
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    const std::string piece(static_cast<std::size_t>(i % 37), static_cast<char>('a' + i % 26));
    put(buffer, piece);
    expected += piece;
    const std::size_t taken = std::min<std::size_t>(expected.size(), static_cast<std::size_t>(i % 31));
    buffer.consume(taken);
    expected.erase(0, taken);
    REQUIRE(buffer.text() == expected);
  }
  CHECK(buffer.capacity() > ReadBuffer::kSmall);
  ReadBuffer spare;
  buffer.leave_block(spare);
  CHECK(buffer.text() == expected);
  CHECK(spare.capacity() == 0);  // what has grown goes back to the heap
  buffer.consume(buffer.size());
  buffer.leave_block(spare);
  CHECK(buffer.capacity() == 0);
  CHECK(spare.capacity() == 0);
}

TEST_CASE("A read buffer borrows a block for as long as it has something to read", "[frontend]") {
  ReadBuffer spare, buffer;
  buffer.take_block(spare);
  CHECK(buffer.capacity() == 0);
  const std::byte* const block = buffer.room(ReadBuffer::kSmall).data();
  buffer.leave_block(spare);
  CHECK(buffer.capacity() == 0);
  CHECK(spare.capacity() == ReadBuffer::kSmall);
  buffer.take_block(spare);
  CHECK(spare.capacity() == 0);
  CHECK(buffer.room(ReadBuffer::kSmall).data() == block);
  put(buffer, "GET / HT");
  buffer.consume(4);
  buffer.leave_block(spare);  // what is left moves on, and takes little
  CHECK(buffer.text() == "/ HT");
  CHECK(buffer.capacity() <= 256);
  CHECK(spare.room(ReadBuffer::kSmall).data() == block);
  ReadBuffer other;
  buffer.take_block(other);
  CHECK(buffer.text() == "/ HT");
}

TEST_CASE("A block that somebody still reads is not lent again", "[frontend]") {
  ReadBuffer spare, buffer;
  put(buffer, "piece");
  const std::string_view piece = buffer.text();
  buffer.consume(5);
  const Pin left = buffer.leave_behind();
  buffer.leave_block(spare);
  CHECK(spare.capacity() == 0);
  put(spare, "other");
  CHECK(piece == "piece");
}

TEST_CASE("A read buffer can be hardly larger than what it holds", "[frontend][P15]") {
  ReadBuffer buffer;
  buffer.append({});
  CHECK(buffer.capacity() == 0);
  std::string all;
  for (int i = 0; i < 3000; ++i) {
    const std::string one(1, static_cast<char>('a' + i % 26));
    buffer.append(as_bytes(one));
    all += one;
    CHECK(buffer.capacity() <= all.size() + all.size() / 4 + 256);
  }
  CHECK(buffer.text() == all);
  ReadBuffer spare;
  buffer.consume(1000);
  buffer.leave_block(spare);
  CHECK(buffer.text() == all.substr(1000));
  CHECK(buffer.capacity() == 2048);
  buffer.append(as_bytes(all));
  CHECK(buffer.text() == all.substr(1000) + all);
  buffer.consume(buffer.size());
  buffer.leave_block(spare);
  CHECK(buffer.capacity() == 0);
}

TEST_CASE("What a read buffer leaves behind stays as it was", "[frontend]") {
  for (const bool with_rest : {false, true}) {
    ReadBuffer buffer;
    put(buffer, with_rest ? "piecerest" : "piece");
    const std::string_view piece = buffer.text().substr(0, 5);
    buffer.consume(5);
    const Pin left = buffer.leave_behind();
    CHECK(buffer.text() == (with_rest ? "rest" : ""));
    put(buffer, std::string(10000, 'x'));
    CHECK(piece == "piece");
  }
}

TEST_CASE("A gather list gives up what was written, to the byte", "[frontend]") {
  const std::string_view parts[] = {"ab", "", "c", "defg"};
  for (std::size_t step = 1; step <= 7; ++step) {
    GatherList list;
    for (const auto part : parts) list.add(as_bytes(part));
    CHECK(list.pieces().size() == 3);
    std::string written;
    while (!list.empty()) {
      std::string all;
      for (const auto& piece : list.pieces()) all += as_text(piece);
      REQUIRE(all.size() == list.left());
      const std::size_t size = std::min(step, list.left());
      written += all.substr(0, size);
      list.consume(size);
    }
    CHECK(written == "abcdefg");
    CHECK(list.left() == 0);
    CHECK(list.room() == GatherList::kCapacity);
  }
}

TEST_CASE("The front of a gather list is as long as wanted, wherever its pieces end", "[frontend]") {
  const std::string_view parts[] = {"ab", "c", "defg"}, all = "abcdefg";
  for (std::size_t written = 0; written <= all.size(); ++written)
    for (std::size_t most = 0; most <= all.size() + 1; ++most) {
      CAPTURE(written, most);
      GatherList list;
      for (const auto part : parts) list.add(as_bytes(part));
      list.consume(written);
      const GatherList front = list.front(most);
      std::string text;
      for (const auto& piece : front.pieces()) text += as_text(piece);
      CHECK(text == all.substr(written, most));
      CHECK(front.left() == text.size());
      CHECK(list.left() == all.size() - written);
    }
}
