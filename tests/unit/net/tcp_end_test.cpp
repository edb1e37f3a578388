// A transport that is told of bytes, and what has come with them, before them or behind them: nothing of it may be left waiting.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <random>
#include <string>

#include "freshet/net/tcp_transport.hpp"
#include "support/run_loop.hpp"

namespace freshet::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using State = IoResult::State;

class Counter final : public ReadWaiter {
 public:
  void on_readable(bool ready) noexcept override { told += ready; }
  int told = 0;
};

/// A client, and the transport at the other end of its connection, which is read from whenever it tells.
struct Fixture {
  asio::io_context loop{1};
  tcp::socket client{loop};
  std::unique_ptr<TcpTransport> transport;
  Ref<Counter> counter = make_ref<Counter>();
  std::string got;
  bool ended = false;

  Fixture() {
    tcp::acceptor acceptor(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    client.connect(acceptor.local_endpoint());
    transport = std::make_unique<TcpTransport>(acceptor.accept());
  }
  ~Fixture() {  // what waits lies in the transport
    transport->close();
    loop.restart();
    loop.poll();
  }
  void send(std::string_view text, int flags = 0) {
    REQUIRE(::send(client.native_handle(), text.data(), text.size(), flags) == static_cast<ssize_t>(text.size()));
  }
  void finish() { ::shutdown(client.native_handle(), SHUT_WR); }
  void wait() { transport->tell_when_readable(loop, counter); }
  bool is_told(int times = 1) {
    return poll_until(loop, [&] { return counter->told >= times; });
  }
  /// False: there was nothing.
  bool read(std::size_t size = 64) {
    std::array<std::byte, 64> buffer{};
    const IoResult result = transport->read_now(std::span(buffer).first(size));
    if (result.state == State::Done) got.append(reinterpret_cast<const char*>(buffer.data()), result.size);
    ended = ended || result.state == State::End;
    return result.state != State::WouldBlock;
  }
  /// A connection that has been waited for before: from now on one call reads.
  void become_known() {
    wait();
    send("1");
    REQUIRE(is_told());
    REQUIRE(read());
    wait();
    send("2");
    REQUIRE(is_told(2));
    REQUIRE(read());
    counter->told = 0;
    got.clear();
  }
};

}  // namespace

TEST_CASE("the end that has come with bytes is told of, and so is the one that comes while they are read", "[net][tcp][idle]") {
  Fixture f;
  f.become_known();
  const bool together = GENERATE(true, false);
  f.wait();
  f.send("a");
  if (together) f.finish();
  REQUIRE(f.is_told());
  if (!together) f.finish();
  REQUIRE(f.read());
  CHECK(f.got == "a");
  f.wait();
  REQUIRE(f.is_told(2));
  REQUIRE(f.read());
  CHECK(f.ended);
}

TEST_CASE("who was told of bytes alone and has read them is told of nothing before more come", "[net][tcp][idle]") {
  Fixture f;
  f.become_known();
  for (int round = 1; round < 4; ++round) {
    f.wait();
    f.loop.restart();
    f.loop.poll();
    CHECK(f.counter->told == round - 1);
    f.send("a");
    REQUIRE(f.is_told(round));
    REQUIRE(f.read());
  }
  CHECK(f.got == "aaa");
}

TEST_CASE("a reset is told of, also one that comes while bytes are read", "[net][tcp][idle]") {
  Fixture f;
  f.become_known();
  const bool early = GENERATE(true, false);
  const auto reset = [&f] {
    const linger at_once{1, 0};
    ::setsockopt(f.client.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    f.client.close();
  };
  f.wait();
  f.send("ab");
  REQUIRE(f.is_told());
  REQUIRE(f.read(1));
  REQUIRE(f.read());
  if (early) reset();
  f.wait();
  if (!early) reset();
  REQUIRE(f.is_told(2));
  CHECK(f.read());
  CHECK_FALSE(f.ended);
}

TEST_CASE("whatever comes in whatever order arrives, and then the end", "[net][tcp][idle][property]") {
  std::mt19937 random(5);
  for (int trial = 0; trial < 1000; ++trial) {
    Fixture f;
    std::string sent;
    bool finished = false;
    const auto act = [&] {
      const unsigned what = random() % 12;
      if (finished || what > 5) return;
      if (what == 0) {
        f.finish();
        finished = true;
      } else if (what == 1) {
        f.send("!", MSG_OOB);  // which a read gets, or does not
      } else {
        const std::string text(1 + random() % (what == 2 ? 200 : 5), static_cast<char>('a' + random() % 26));
        f.send(text);
        sent += text;
      }
    };
    for (int turn = 0; !f.ended; ++turn) {
      f.counter->told = 0;
      f.wait();
      for (unsigned acts = random() % 4; acts > 0; --acts) act();
      if (!finished && turn > 20) {
        f.finish();
        finished = true;
      }
      f.loop.restart();
      f.loop.poll();
      if (f.counter->told == 0) {
        const bool all_read = f.got.size() - static_cast<std::size_t>(std::count(f.got.begin(), f.got.end(), '!')) == sent.size();
        if (!finished && all_read) f.send("z"), sent += 'z';
        CAPTURE(trial, turn, sent, f.got, finished);
        REQUIRE(f.is_told());
      }
      act();
      for (unsigned reads = 1 + random() % 2; reads > 0 && !f.ended; --reads) {
        if (!f.read(random() % 3 == 0 ? 3 : 64)) break;
        act();
      }
    }
    std::erase(f.got, '!');
    CAPTURE(trial);
    REQUIRE(f.got == sent);
  }
}

}  // namespace freshet::test
