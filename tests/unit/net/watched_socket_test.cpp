#include "freshet/net/watched_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstring>
#include <memory>

#include "support/run_loop.hpp"

namespace freshet::test {
namespace {

using Step = WatchedSocket::Step;
using Direction = WatchedSocket::Direction;
using Start = WatchedSocket::Start;

/// Takes one byte at a time, counts how often it was asked, and says what the test wants it to say.
struct TakeOne {
  int socket;
  int& attempts;
  Step said;
  Step operator()() noexcept {
    ++attempts;
    char byte = 0;
    return ::recv(socket, &byte, 1, MSG_DONTWAIT) == 1 ? said : Step::Later;
  }
  int result() const noexcept { return 1; }
  int failed() const noexcept { return -1; }
};

struct Fixture {
  boost::asio::io_context loop{1};
  int ends[2] = {-1, -1};
  std::unique_ptr<WatchedSocket> socket;
  int attempts = 0;

  Fixture() {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    socket = std::make_unique<WatchedSocket>(loop, ends[0]);
  }
  ~Fixture() { ::close(ends[1]); }
  void turn() {
    loop.restart();
    loop.poll();
  }
  auto take(Step said, Start how = Start::Try) {
    return start(loop, socket->run(Direction::Read, how, TakeOne{ends[0], attempts, said}));
  }
  void send(const char* text) { REQUIRE(::write(ends[1], text, std::strlen(text)) == ssize_t(std::strlen(text))); }
};

TEST_CASE("the loop hears of a socket with its first operation, and makes no attempt before the first event",
          "[net][watched]") {
  Fixture f;
  CHECK_FALSE(f.socket->is_watched());
  auto taking = f.take(Step::Exhausted);
  f.turn();
  CHECK(f.socket->is_watched());
  CHECK(f.attempts == 0);
  CHECK_FALSE(taking.done());
  f.send("x");
  REQUIRE(poll_until(f.loop, [&] { return taking.done(); }));
  CHECK(taking.get() == 1);
  CHECK(f.attempts == 1);
}

TEST_CASE("an event that tells of bytes alone is known for one, once ends are listened for", "[net][watched]") {
  boost::asio::io_context loop{1};
  boost::asio::ip::tcp::acceptor acceptor(loop, {boost::asio::ip::address_v4::loopback(), 0});
  boost::asio::ip::tcp::socket client(loop);
  client.connect(acceptor.local_endpoint());
  WatchedSocket socket(loop, ::fcntl(acceptor.accept().native_handle(), F_DUPFD_CLOEXEC, 0));
  int attempts = 0;
  const auto take = [&] {
    auto taking = start(loop, socket.run(Direction::Read, Start::Try, TakeOne{socket.descriptor(), attempts, Step::Exhausted}));
    REQUIRE(poll_until(loop, [&] { return taking.done(); }));
  };
  const auto send = [&](int flags) { REQUIRE(::send(client.native_handle(), "x", 1, flags) == 1); };
  socket.listen_for_end();
  send(0);
  take();
  CHECK_FALSE(socket.saw_only_bytes());  // nobody watched when it was told to listen
  socket.listen_for_end();
  CHECK_FALSE(socket.saw_only_bytes());
  send(0);
  take();
  CHECK(socket.saw_only_bytes());
  send(0);
  SECTION("the peer's end") { client.shutdown(boost::asio::ip::tcp::socket::shutdown_send); }
  SECTION("an urgent byte") { send(MSG_OOB); }
  SECTION("bytes, while room is waited for") {
    auto writing = start(loop, socket.run(Direction::Write, Start::Try, TakeOne{socket.descriptor(), attempts, Step::Done}));
    REQUIRE(poll_until(loop, [&] { return writing.done(); }));
    send(0);
    take();
    CHECK(socket.saw_only_bytes());
    send(0);
    client.shutdown(boost::asio::ip::tcp::socket::shutdown_send);  // which is heard of although Asio has registered anew
  }
  take();
  CHECK_FALSE(socket.saw_only_bytes());
}

TEST_CASE("what is there before the first operation is found", "[net][watched]") {
  Fixture f;
  f.send("x");
  auto taking = f.take(Step::Exhausted);
  REQUIRE(poll_until(f.loop, [&] { return taking.done(); }));
  CHECK(f.attempts == 1);
}

TEST_CASE("after an attempt that left nothing there is none before the next event", "[net][watched]") {
  Fixture f;
  f.send("x");
  auto first = f.take(Step::Exhausted);
  REQUIRE(poll_until(f.loop, [&] { return first.done(); }));
  auto second = f.take(Step::Exhausted);
  f.turn();
  CHECK(f.attempts == 1);
  f.send("y");
  REQUIRE(poll_until(f.loop, [&] { return second.done(); }));
  CHECK(f.attempts == 2);
}

TEST_CASE("an event between two operations is not lost", "[net][watched]") {
  Fixture f;
  f.send("x");
  auto first = f.take(Step::Exhausted);
  REQUIRE(poll_until(f.loop, [&] { return first.done(); }));
  f.send("y");
  f.turn();
  auto second = f.take(Step::Exhausted);
  REQUIRE(poll_until(f.loop, [&] { return second.done(); }));
  CHECK(f.attempts == 2);
}

TEST_CASE("after an attempt that left something the next one does not wait for news", "[net][watched]") {
  Fixture f;
  f.send("xy");
  auto first = f.take(Step::Done);
  REQUIRE(poll_until(f.loop, [&] { return first.done(); }));
  auto second = f.take(Step::Done);
  REQUIRE(poll_until(f.loop, [&] { return second.done(); }));
  CHECK(f.attempts == 2);
}

TEST_CASE("a wait is told of what is there even if it has been told before", "[net][watched]") {
  Fixture f;
  f.send("xy");
  auto first = f.take(Step::Exhausted);  // which is not true
  REQUIRE(poll_until(f.loop, [&] { return first.done(); }));
  auto second = f.take(Step::Done, Start::Wait);
  REQUIRE(poll_until(f.loop, [&] { return second.done(); }));
}

TEST_CASE("a read that begins while a write waits finds what came meanwhile", "[net][watched]") {
  Fixture f;
  std::array<char, 65536> block{};
  while (::send(f.ends[0], block.data(), block.size(), MSG_DONTWAIT) > 0) {
  }
  int asked = 0;
  auto writing = start(f.loop, f.socket->run(Direction::Write, Start::Try, TakeOne{f.ends[1], asked, Step::Exhausted}));
  f.turn();
  CHECK(asked == 0);
  f.send("x");
  f.turn();  // the event comes while nobody reads
  auto reading = f.take(Step::Exhausted);
  REQUIRE(poll_until(f.loop, [&] { return reading.done(); }));
  CHECK_FALSE(writing.done());
}

TEST_CASE("cancelled, closed and never opened: the operation says that it failed", "[net][watched]") {
  Fixture f;
  auto cancelled = f.take(Step::Exhausted);
  f.turn();
  f.socket->cancel();
  REQUIRE(poll_until(f.loop, [&] { return cancelled.done(); }));
  CHECK(cancelled.get() == -1);
  auto closed = f.take(Step::Exhausted);
  f.turn();
  f.socket.reset();
  REQUIRE(poll_until(f.loop, [&] { return closed.done(); }));
  CHECK(closed.get() == -1);
  WatchedSocket none(f.loop, -1);
  auto on_none = start(f.loop, none.run(Direction::Read, Start::Try, TakeOne{-1, f.attempts, Step::Done}));
  REQUIRE(poll_until(f.loop, [&] { return on_none.done(); }));
  CHECK(on_none.get() == -1);
}

struct Told {
  bool& gone;
  ~Told() { gone = true; }
};

Task<void> wait_for_ever(std::unique_ptr<WatchedSocket> socket, bool& gone) {
  const Told told{gone};
  int attempts = 0;
  const TakeOne take{socket->descriptor(), attempts, Step::Done};
  co_await socket->run(Direction::Read, Start::Try, take);
}

TEST_CASE("a loop that is destroyed destroys the coroutine that waits, and its socket", "[net][watched]") {
  const bool in_the_queue = GENERATE(false, true);
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  bool gone = false;
  {
    boost::asio::io_context loop{1};
    auto socket = std::make_unique<WatchedSocket>(loop, ends[0]);
    WatchedSocket* const same = socket.get();
    auto waiting = start(loop, wait_for_ever(std::move(socket), gone));
    loop.poll();
    if (in_the_queue) same->cancel();
    CHECK_FALSE(gone);
  }
  CHECK(gone);
  char byte = 0;
  CHECK(::recv(ends[1], &byte, 1, MSG_DONTWAIT) == 0);  // the other end is closed
  ::close(ends[1]);
}

}  // namespace
}  // namespace freshet::test
