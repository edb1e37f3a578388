// write_all(), and the memory transport that the other tests rely on.
#include "freshet/net/transport.hpp"

#include <boost/asio/io_context.hpp>

#include "support/memory_transport.hpp"
#include "support/run_loop.hpp"

namespace freshet::test {
namespace {

using State = IoResult::State;
using Bytes = std::span<const std::byte>;

Bytes bytes(std::string_view text) { return std::as_bytes(std::span<const char>(text.data(), text.size())); }

struct Fixture {
  boost::asio::io_context loop;
  MemoryPair pair = make_memory_pair(loop.get_executor());
  std::array<std::byte, 1024> buffer{};

  Started<bool> start_write(std::vector<Bytes>& pieces) { return start(loop, write_all(*pair.here, pieces)); }
  std::string_view text(std::size_t size) const { return {reinterpret_cast<const char*>(buffer.data()), size}; }
};

TEST_CASE("all pieces are written, whatever a write takes and wherever it splits", "[net][transport]") {
  const std::string text = "the quick brown fox jumps over the lazy dog";
  for (std::size_t most = 1; most <= text.size(); ++most) {
    for (std::size_t cut = 0; cut <= text.size(); cut += 5) {
      Fixture f;
      f.pair.here->set_max_write(most);
      f.pair.here->set_hesitant(cut % 2 == 0);
      std::vector<Bytes> pieces{bytes(text.substr(0, 0)), bytes(std::string_view(text).substr(0, cut)), Bytes(),
                                bytes(std::string_view(text).substr(cut)), Bytes()};
      REQUIRE(run(f.loop, write_all(*f.pair.here, pieces)));
      REQUIRE(f.pair.there->pull() == text);
    }
  }
}

TEST_CASE("more pieces than one gather takes are written in order", "[net][transport]") {
  for (const std::size_t count : {15, 16, 17, 32, 33, 100}) {
    Fixture f;
    std::vector<std::string> texts;
    std::string all;
    for (std::size_t i = 0; i < count; ++i) texts.push_back("piece " + std::to_string(i) + ';');
    for (const auto& text : texts) all += text;
    std::vector<Bytes> pieces;
    for (const auto& text : texts) {
      pieces.push_back(bytes(text));
      if (pieces.size() % 3 == 0) pieces.push_back(Bytes());
    }
    f.pair.here->set_max_write(13);
    CHECK(run(f.loop, write_all(*f.pair.here, pieces)));
    CHECK(f.pair.there->pull() == all);
  }
}

TEST_CASE("nothing to write is written at once", "[net][transport]") {
  Fixture f;
  std::vector<Bytes> none;
  CHECK(run(f.loop, write_all(*f.pair.here, none)));
  std::vector<Bytes> empty(40);
  CHECK(run(f.loop, write_all(*f.pair.here, empty)));
  CHECK(f.pair.here->writes() == 0);
}

TEST_CASE("a writer waits while the peer does not read, and fails when the peer goes", "[net][transport]") {
  Fixture f;
  f.pair.here->set_send_capacity(10);
  std::vector<Bytes> pieces{bytes("0123456789abcdefghijklmnopq!")};
  auto writing = f.start_write(pieces);
  run_ready(f.loop);
  CHECK_FALSE(writing.done());
  CHECK(f.pair.there->pull(4) == "0123");
  run_ready(f.loop);
  CHECK(f.pair.there->peek() == "456789abcd");
  CHECK(f.pair.there->pull() == "456789abcd");
  run_ready(f.loop);
  CHECK_FALSE(writing.done());

  SECTION("it goes on to the end") {
    CHECK(f.pair.there->pull() == "efghijklmn");
    run_ready(f.loop);
    CHECK(f.pair.there->pull() == "opq!");
    REQUIRE(writing.done());
    CHECK(writing.get());
  }
  SECTION("the peer closes") {
    f.pair.there->close();
    run_ready(f.loop);
    REQUIRE(writing.done());
    CHECK_FALSE(writing.get());
  }
  SECTION("the peer resets") {
    f.pair.there->abort();
    run_ready(f.loop);
    REQUIRE(writing.done());
    CHECK_FALSE(writing.get());
  }
  SECTION("it is cancelled") {
    f.pair.here->cancel();
    run_ready(f.loop);
    REQUIRE(writing.done());
    CHECK_FALSE(writing.get());
  }
  SECTION("the transport is destroyed") {
    f.pair.here.reset();
    run_ready(f.loop);
    REQUIRE(writing.done());
    CHECK_FALSE(writing.get());
  }
}

TEST_CASE("a memory reader gets every byte, and then the end", "[net][memory]") {
  for (const std::size_t most : {1, 2, 7, 1000}) {
    for (const bool hesitant : {false, true}) {
      Fixture f;
      f.pair.here->set_max_read(most);
      f.pair.here->set_hesitant(hesitant);
      f.pair.there->push("hello, world");
      f.pair.there->shutdown_write();
      std::string got;
      for (;;) {
        const IoResult result = run(f.loop, f.pair.here->read(f.buffer));
        if (result.state == State::End) break;
        REQUIRE(result.state == State::Done);
        REQUIRE(result.size <= most);
        got += f.text(result.size);
      }
      CHECK(got == "hello, world");
      CHECK(f.pair.here->ended());
      CHECK(run(f.loop, f.pair.here->read(f.buffer)).state == State::End);
    }
  }
}

TEST_CASE("a memory reader sleeps until something comes", "[net][memory]") {
  Fixture f;
  auto reading = start(f.loop, f.pair.here->read(f.buffer));
  run_ready(f.loop);
  CHECK_FALSE(reading.done());
  CHECK(f.pair.here->read_now(f.buffer).state == State::WouldBlock);

  SECTION("bytes") {
    CHECK(f.pair.there->push("x"));
    run_ready(f.loop);
    const IoResult result = reading.get();
    CHECK(result.state == State::Done);
    CHECK(f.text(result.size) == "x");
  }
  SECTION("the end") {
    f.pair.there->shutdown_write();
    run_ready(f.loop);
    CHECK(reading.get().state == State::End);
    CHECK_FALSE(f.pair.there->push("late"));
    CHECK(f.pair.here->push("the other half still works"));
    CHECK(f.pair.there->pull() == "the other half still works");
  }
  SECTION("a reset") {
    f.pair.there->push("lost");
    f.pair.there->abort();
    run_ready(f.loop);
    CHECK(reading.get().state == State::Failed);
    CHECK(f.pair.here->was_reset());
    CHECK_FALSE(f.pair.here->ended());
    CHECK(f.pair.here->read_now(f.buffer).state == State::Failed);
    CHECK_FALSE(run(f.loop, f.pair.here->wait_readable()));
  }
  SECTION("its own closing") {
    f.pair.here->close();
    run_ready(f.loop);
    CHECK(reading.get().state == State::Failed);
    CHECK(f.pair.there->ended());
  }
  SECTION("cancelling, after which it works again") {
    f.pair.here->cancel();
    run_ready(f.loop);
    CHECK(reading.get().state == State::Failed);
    f.pair.there->push("again");
    CHECK(run(f.loop, f.pair.here->wait_readable()));
    CHECK(run(f.loop, f.pair.here->read(f.buffer)).size == 5);
  }
}

TEST_CASE("cancelling when nobody waits leaves the next wait alone", "[net][memory]") {
  Fixture f;
  f.pair.here->cancel();
  auto reading = start(f.loop, f.pair.here->read(f.buffer));
  run_ready(f.loop);
  CHECK_FALSE(reading.done());
  f.pair.there->push("x");
  run_ready(f.loop);
  CHECK(reading.get().state == State::Done);
}

TEST_CASE("a closed memory transport refuses everything", "[net][memory]") {
  Fixture f;
  f.pair.there->push("unread");
  f.pair.here->close();
  f.pair.here->close();
  f.pair.here->abort();
  const Bytes piece = bytes("x");
  CHECK(f.pair.here->read_now(f.buffer).state == State::Failed);
  CHECK(f.pair.here->write_now({&piece, 1}).state == State::Failed);
  CHECK_FALSE(run(f.loop, f.pair.here->wait_writable()));
  CHECK(f.pair.there->write_now({&piece, 1}).state == State::Failed);
  CHECK(f.pair.there->read_now(f.buffer).state == State::End);
  CHECK_FALSE(f.pair.there->was_reset());
}

}  // namespace
}  // namespace freshet::test
