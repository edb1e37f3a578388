// Readers of a passing body that the others have to wait for.
#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "freshet/cache/stored_body.hpp"
#include "parts.hpp"

using namespace freshet;
using test::bytes_of;
using test::CountingWaiter;
using test::text_of;
using Appended = StoredBody::Appended;
using State = StoredBodyReader::Look::State;

namespace {

/// A body that passes, its writer, and one reader that keeps up.
struct Bench {
  explicit Bench(std::uint64_t room = std::uint64_t{1} << 40) : ledger(room) {
    body->watch_readers(FillWorth::always(), filler, &clock);
  }
  ~Bench() {
    body->stop_watching();
    body->stop_writing(writing);
    body->abort(Reason::ClientClosed);
  }
  /// Appends until the window is full, with the fast reader taking all there is.
  std::uint64_t fill_window() {
    std::uint64_t taken = 0;
    while (body->append(bytes_of(piece), writing) == Appended::Taken) {
      taken += piece.size();
      keep_up();
    }
    return taken;
  }
  /// Appends two windows, which nobody but the fast reader wants.
  void go_on() {
    for (int i = 0; i < 32; ++i) {
      REQUIRE(body->append(bytes_of(piece), writing) == Appended::Taken);
      keep_up();
    }
  }
  /// Takes all there is, and waits for more.
  void keep_up() {
    for (;;) {
      const auto look = fast.look(reading);
      if (look.state != State::Data) return;
      fast.advance(look.bytes.size());
    }
  }
  /// Takes `n` bytes.
  static void take(StoredBodyReader& reader, std::size_t n, Waiter& waiter) {
    while (n > 0) {
      const auto look = reader.look(waiter);
      REQUIRE(look.state == State::Data);
      const std::size_t some = std::min(n, look.bytes.size());
      reader.advance(some);
      n -= some;
    }
  }

  test::FakeClock clock;
  test::PlainLedger ledger;
  CountingWaiter reading, slowly, writing, filler;
  const std::string piece = std::string(65536, 'x');
  Ref<StoredBody> body = make_ref<StoredBody>(ledger, std::uint64_t{1} << 30, 1000);
  StoredBodyReader fast{body};
};

}  // namespace

TEST_CASE("who holds the others up for too long is cut off, and the window opens", "[cache][body][passing][slow]") {
  Bench b;
  StoredBodyReader slow(b.body);
  b.fill_window();
  b.clock.advance(Milliseconds(999));
  CHECK(b.body->cut_off_slow_readers() == 0);
  CHECK_FALSE(slow.missed());
  const unsigned wakes = b.writing.wakes;
  b.clock.advance(Milliseconds(1));
  CHECK(b.body->cut_off_slow_readers() == 1);
  CHECK(b.writing.wakes > wakes);
  CHECK(slow.missed());
  const auto look = slow.look(b.slowly);
  CHECK(look.state == State::Aborted);
  CHECK(look.why == Reason::ClientTooSlow);
  CHECK(b.body->append(bytes_of(b.piece), b.writing) == Appended::Taken);
  CHECK(b.body->cut_off_slow_readers() == 0);
  CHECK(b.body->readers() == 1);
}

TEST_CASE("the bytes that a reader is busy with stay until it has done with them", "[cache][body][passing][slow]") {
  Bench b;
  {
    StoredBodyReader slow(b.body);
    REQUIRE(b.body->append(bytes_of("in the client's socket"), b.writing) == Appended::Taken);
    const auto look = slow.look(b.slowly);
    b.keep_up();
    b.fill_window();
    b.clock.advance(Milliseconds(1000));
    REQUIRE(b.body->cut_off_slow_readers() == 1);
    b.go_on();  // would reuse or unmap them
    const std::uint64_t held = b.ledger.held();
    CHECK(text_of(look.bytes) == "in the client's socket");
    slow.advance(look.bytes.size());
    CHECK(b.ledger.held() < held);
    CHECK(slow.look(b.slowly).why == Reason::ClientTooSlow);
  }
  {
    StoredBodyReader gone(b.body, b.body->size());
    b.fill_window();
    gone.look(b.slowly);
    b.clock.advance(Milliseconds(1000));
    REQUIRE(b.body->cut_off_slow_readers() == 1);
    b.go_on();  // and it goes away without another word
  }
  CHECK(b.ledger.held() < 300'000);
}

TEST_CASE("a stall that nobody else has to wait for does not count", "[cache][body][passing][slow]") {
  Bench b;
  StoredBodyReader slow(b.body);
  while (b.body->append(bytes_of(b.piece), b.writing) == Appended::Taken) {
  }
  b.clock.advance(Milliseconds(60'000));  // the fast one is no faster this time
  CHECK(b.body->cut_off_slow_readers() == 0);
  b.keep_up();
  b.clock.advance(Milliseconds(999));
  CHECK(b.body->cut_off_slow_readers() == 0);
  Bench::take(slow, 100'000, b.slowly);
  b.clock.advance(Milliseconds(60'000));  // there is room in the window: it is the origin that lets us wait
  CHECK(b.body->append(bytes_of(b.piece), b.writing) == Appended::Taken);
  b.keep_up();
  b.clock.advance(Milliseconds(60'000));
  CHECK(b.body->cut_off_slow_readers() == 0);
  CHECK_FALSE(slow.missed());
}

TEST_CASE("the time counts from when another one has caught up until it leaves", "[cache][body][passing][slow]") {
  for (const bool leaves : {true, false}) {
    Bench b;
    StoredBodyReader slow(b.body);
    auto other = std::make_unique<StoredBodyReader>(b.body);
    while (b.body->append(bytes_of(b.piece), b.writing) == Appended::Taken) {
    }
    b.clock.advance(Milliseconds(60'000));
    Bench::take(*other, b.body->size(), b.slowly);  // the third one is behind too
    b.clock.advance(Milliseconds(600));
    if (leaves) other.reset();
    b.clock.advance(Milliseconds(400));
    CHECK(b.body->cut_off_slow_readers() == (leaves ? 0 : 2));
    b.keep_up();
    b.clock.advance(Milliseconds(400));
    CHECK(b.body->cut_off_slow_readers() == (leaves ? 1 : 0));  // what it had cost before counts
  }
}

TEST_CASE("an origin that has nothing to send is nobody's fault", "[cache][body][passing][slow]") {
  Bench b;
  StoredBodyReader slow(b.body);
  for (int i = 0; i < 16; ++i) REQUIRE(b.body->append(bytes_of(b.piece), b.writing) == Appended::Taken);
  b.keep_up();  // the window is full to the last byte, and nobody wants to write more
  b.clock.advance(Milliseconds(60'000));
  CHECK(b.body->cut_off_slow_readers() == 0);
  REQUIRE(b.body->append(bytes_of(b.piece), b.writing) == Appended::WindowFull);
  b.clock.advance(Milliseconds(999));
  CHECK(b.body->cut_off_slow_readers() == 0);
}

TEST_CASE("what a reader costs the others adds up, though it moves", "[cache][body][passing][slow]") {
  Bench b;
  StoredBodyReader slow(b.body);
  int rounds = 0;
  for (; !slow.missed() && rounds < 100; ++rounds) {
    b.fill_window();
    b.clock.advance(Milliseconds(100));
    Bench::take(slow, 65'536, b.slowly);  // no tick comes between
  }
  CHECK(rounds == 10);
}

TEST_CASE("only those who are behind pay, and a newcomer only for its own time", "[cache][body][passing][slow]") {
  Bench b;
  StoredBodyReader slow(b.body);
  b.fill_window();
  StoredBodyReader ahead(b.body, b.body->size() - 1000);
  b.clock.advance(Milliseconds(600));
  StoredBodyReader holding(b.body, 0, StoredBodyReader::Purpose::Holding);  // as for those who are about to come
  b.clock.advance(Milliseconds(400));
  CHECK(b.body->cut_off_slow_readers() == 1);
  CHECK(slow.missed());
  CHECK_FALSE(ahead.missed());
  CHECK_FALSE(holding.missed());
  b.clock.advance(Milliseconds(600));
  CHECK(b.body->cut_off_slow_readers() == 1);
  CHECK(holding.missed());
  CHECK_FALSE(ahead.missed());
}

TEST_CASE("without room in the ledger the last chunk is what is waited for", "[cache][body][passing][slow]") {
  Bench b(10);
  StoredBodyReader slow(b.body);
  REQUIRE(b.body->append(bytes_of("abc"), b.writing) == Appended::Taken);
  b.keep_up();
  REQUIRE(b.body->append(bytes_of("def"), b.writing) == Appended::WindowFull);
  b.clock.advance(Milliseconds(1000));
  CHECK(b.body->cut_off_slow_readers() == 1);
  CHECK(b.body->append(bytes_of("def"), b.writing) == Appended::Taken);
}

TEST_CASE("nobody is cut off when the end has come, or without a clock", "[cache][body][passing][slow]") {
  Bench b;
  {
    StoredBodyReader slow(b.body);
    b.fill_window();
    b.body->abort(Reason::CutShort);
    b.clock.advance(Milliseconds(5000));
    CHECK(b.body->cut_off_slow_readers() == 0);
    CHECK(slow.look(b.slowly).state == State::Data);
  }
  Bench c;
  StoredBodyReader slow(c.body);
  c.body->stop_watching();
  c.fill_window();
  c.clock.advance(Milliseconds(5000));
  CHECK(c.body->cut_off_slow_readers() == 0);
}

TEST_CASE("one that has been woken and has not looked yet is cut off like the others", "[cache][body][passing][slow]") {
  Bench b;
  StoredBodyReader slow(b.body);
  CHECK(slow.look(b.slowly).state == State::Wait);
  b.fill_window();
  const unsigned wakes = b.slowly.wakes;
  CHECK(wakes > 0);
  b.clock.advance(Milliseconds(1000));
  CHECK(b.body->cut_off_slow_readers() == 1);
  b.go_on();
  CHECK(b.slowly.wakes == wakes);  // it is on no list any more
  CHECK(slow.look(b.slowly).why == Reason::ClientTooSlow);
}
