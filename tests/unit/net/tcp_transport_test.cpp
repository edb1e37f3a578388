#include "freshet/net/tcp_transport.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <cstring>

#include "freshet/net/accept.hpp"
#include "support/alloc_counter.hpp"
#include "support/run_loop.hpp"

namespace freshet::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using State = IoResult::State;
using Bytes = std::span<const std::byte>;

Bytes bytes(std::string_view text) { return std::as_bytes(std::span<const char>(text.data(), text.size())); }

/// Two connected transports over the loopback interface.
struct Fixture {
  asio::io_context loop{1};
  std::unique_ptr<TcpTransport> here, there;
  std::array<std::byte, 4096> buffer{};

  Fixture() {
    tcp::acceptor acceptor(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tcp::socket client(loop);
    client.connect(acceptor.local_endpoint());
    here = std::make_unique<TcpTransport>(std::move(client));
    there = std::make_unique<TcpTransport>(acceptor.accept());
  }
  IoResult write(TcpTransport& to, std::string_view text) {
    const Bytes piece = bytes(text);
    return to.write_now({&piece, 1});
  }
  std::string_view text(std::size_t size) const { return {reinterpret_cast<const char*>(buffer.data()), size}; }
  /// Fills the connection until nothing more goes in; returns how much went.
  std::size_t fill(TcpTransport& to) {
    const std::string block(65536, 'x');
    std::size_t total = 0;
    for (;;) {
      const IoResult result = write(to, block);
      if (result.state != State::Done) return total;
      total += result.size;
    }
  }
};

TEST_CASE("it can be told that the peer has gone, also behind bytes that are unread", "[net][tcp]") {
  Fixture f;
  using Peer = Transport::Peer;
  CHECK(f.here->peer() == Peer::There);
  f.write(*f.there, "request");
  CHECK(f.here->peer() == Peer::There);
  SECTION("it closed its side: it may still read") {
    f.there->shutdown_write();
    CHECK(f.here->peer() == Peer::Finished);
    f.write(*f.here, "answer");
    CHECK(f.here->peer() == Peer::Finished);
  }
  SECTION("it closed: that is known when something has been written") {
    f.there->close();
    CHECK(f.here->peer() != Peer::There);
    f.write(*f.here, "answer");
    CHECK(f.here->peer() == Peer::Gone);
  }
  SECTION("it reset the connection") {
    f.there->abort();
    CHECK(f.here->peer() == Peer::Gone);
  }
  f.here->close();
  CHECK(f.here->peer() == Peer::Gone);
}

TEST_CASE("bytes go through TCP as they are", "[net][tcp]") {
  Fixture f;
  CHECK(f.here->read_now(f.buffer).state == State::WouldBlock);
  const std::array<Bytes, 3> pieces{bytes("one "), bytes("two "), bytes("three")};
  CHECK(f.there->write_now(pieces).size == 13);
  const IoResult result = run_waiting(f.loop, f.here->read(f.buffer));
  CHECK(result.state == State::Done);
  CHECK(f.text(result.size) == "one two three");
  CHECK(f.here->read_now(f.buffer).state == State::WouldBlock);
}

int option_of(const TcpTransport& transport, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  CHECK(::getsockopt(transport.descriptor(), IPPROTO_TCP, option, &value, &size) == 0);
  return value;
}

void check_ready_to_use(const TcpTransport& transport) {
  CHECK(option_of(transport, TCP_NODELAY) == 1);
  CHECK(option_of(transport, TCP_INQ) == 1);
  CHECK(option_of(transport, TCP_NOTSENT_LOWAT) == 256 * 1024);
  CHECK((::fcntl(transport.descriptor(), F_GETFL) & O_NONBLOCK) != 0);
}

TEST_CASE("pieces arrive in their order, be they few bytes or many", "[net][tcp]") {
  Fixture f;
  for (const std::size_t size : {1, 300, 600, 1200}) {
    const std::string texts[] = {std::string(size, 'a'), std::string(size, 'b'), std::string(size, 'c')};
    const Bytes pieces[] = {bytes(texts[0]), bytes(texts[1]), bytes(texts[2])};
    CHECK(f.here->write_now(pieces).size == 3 * size);
    std::string got;
    while (got.size() < 3 * size) {
      const IoResult read = run_waiting(f.loop, f.there->read(f.buffer));
      REQUIRE(read.state == State::Done);
      got += f.text(read.size);
    }
    CHECK(got == texts[0] + texts[1] + texts[2]);
  }
}

TEST_CASE("it is quiet while nothing has come and nothing has ended, and to look takes nothing", "[net][tcp]") {
  Fixture f;
  CHECK(f.here->is_quiet());
  f.write(*f.there, "x");
  CHECK(run_waiting(f.loop, f.here->wait_readable()));
  CHECK_FALSE(f.here->is_quiet());
  CHECK(f.here->take_now(f.buffer).size == 1);
  CHECK(f.here->take_now(f.buffer).state == State::WouldBlock);
  CHECK(f.here->is_quiet());
  f.there->shutdown_write();
  CHECK(run_waiting(f.loop, f.here->wait_readable()));
  CHECK_FALSE(f.here->is_quiet());
  CHECK(f.here->take_now(f.buffer).state == State::End);
}

TEST_CASE("Nagle's algorithm is off and the socket never blocks", "[net][tcp]") {
  Fixture f;
  check_ready_to_use(*f.here);
}

TEST_CASE("a read sleeps until bytes come", "[net][tcp]") {
  Fixture f;
  auto reading = start(f.loop, f.here->read(f.buffer));
  f.loop.poll();
  CHECK_FALSE(reading.done());
  f.write(*f.there, "late");
  REQUIRE(poll_until(f.loop, [&] { return reading.done(); }));
  CHECK(f.text(reading.get().size) == "late");
}

TEST_CASE("waiting to read tells of bytes without taking them", "[net][tcp]") {
  Fixture f;
  auto waiting = start(f.loop, f.here->wait_readable());
  f.loop.poll();
  CHECK_FALSE(waiting.done());
  f.write(*f.there, "x");
  REQUIRE(poll_until(f.loop, [&] { return waiting.done(); }));
  CHECK(waiting.get());
  CHECK(run_waiting(f.loop, f.here->wait_readable()));
  CHECK(f.here->read_now(f.buffer).size == 1);
}

TEST_CASE("one write takes 128 KiB at most, though there be room for more", "[net][tcp]") {
  Fixture f;
  const int large = 8 * 1024 * 1024;
  REQUIRE(::setsockopt(f.here->descriptor(), SOL_SOCKET, SO_SNDBUF, &large, sizeof large) == 0);
  const std::string much(1024 * 1024, 'x');
  const IoResult result = f.write(*f.here, much);
  CHECK(result.state == State::Done);
  CHECK(result.size > 0);
  CHECK(result.size <= 128 * 1024);
}

TEST_CASE("a full socket is reported, and waited for", "[net][tcp]") {
  Fixture f;
  std::size_t on_the_way = f.fill(*f.here);
  CHECK(on_the_way > 0);
  auto waiting = start(f.loop, f.here->wait_writable());
  f.loop.poll();
  CHECK_FALSE(waiting.done());
  std::size_t got = 0;
  REQUIRE(poll_until(f.loop, [&] {
    const IoResult result = f.there->read_now(f.buffer);
    if (result.state == State::Done) got += result.size;
    return waiting.done();
  }));
  CHECK(waiting.get());
  on_the_way += f.fill(*f.here);
  f.here->close();
  REQUIRE(poll_until(f.loop, [&] {
    IoResult result = f.there->read_now(f.buffer);
    for (; result.state == State::Done; result = f.there->read_now(f.buffer)) got += result.size;
    return result.state == State::End;
  }));
  CHECK(got == on_the_way);
}

Task<std::size_t> drain(TcpTransport& from, std::span<std::byte> buffer) {
  std::size_t total = 0;
  for (;;) {
    const IoResult result = co_await from.read(buffer);
    if (result.state != State::Done) co_return total;
    total += result.size;
  }
}

Task<bool> write_and_close(TcpTransport& to, std::span<Bytes> pieces) {
  const bool ok = co_await write_all(to, pieces);
  to.close();
  co_return ok;
}

TEST_CASE("write_all moves more than the socket holds", "[net][tcp]") {
  Fixture f;
  const std::string block(1 << 20, 'y');
  std::vector<Bytes> pieces(20, bytes(block));
  auto writing = start(f.loop, write_and_close(*f.here, pieces));
  CHECK(run_waiting(f.loop, drain(*f.there, f.buffer)) == 20 * block.size());
  CHECK(writing.get());
}

TEST_CASE("the end of one direction leaves the other open", "[net][tcp]") {
  Fixture f;
  f.write(*f.there, "last");
  f.there->shutdown_write();
  CHECK(run_waiting(f.loop, f.here->read(f.buffer)).size == 4);
  CHECK(run_waiting(f.loop, f.here->read(f.buffer)).state == State::End);
  CHECK(f.here->read_now(f.buffer).state == State::End);
  CHECK(f.write(*f.there, "no").state == State::Failed);
  CHECK(f.write(*f.here, "back").state == State::Done);
  CHECK(run_waiting(f.loop, f.there->read(f.buffer)).size == 4);
}

TEST_CASE("aborting resets the connection", "[net][tcp]") {
  Fixture f;
  f.there->abort();
  CHECK(run_waiting(f.loop, f.here->read(f.buffer)).state == State::Failed);
  CHECK(f.there->descriptor() < 0);
  f.there->abort();
  CHECK(f.write(*f.here, "x").state == State::Failed);
}

TEST_CASE("cancelling ends reads and waits, and later ones work", "[net][tcp]") {
  Fixture f;
  f.fill(*f.here);
  auto reading = start(f.loop, f.here->read(f.buffer));
  auto writing = start(f.loop, f.here->wait_writable());
  f.loop.poll();
  f.here->cancel();
  REQUIRE(poll_until(f.loop, [&] { return reading.done() && writing.done(); }));
  CHECK(reading.get().state == State::Failed);
  CHECK_FALSE(writing.get());
  f.write(*f.there, "again");
  CHECK(run_waiting(f.loop, f.here->read(f.buffer)).size == 5);
}

TEST_CASE("closing or destroying a transport ends what is under way", "[net][tcp]") {
  Fixture f;
  auto reading = start(f.loop, f.here->read(f.buffer));
  f.loop.poll();
  const bool destroy = GENERATE(false, true);
  if (destroy) {
    f.here.reset();
  } else {
    f.here->close();
    f.here->close();
  }
  REQUIRE(poll_until(f.loop, [&] { return reading.done(); }));
  CHECK(reading.get().state == State::Failed);
  if (destroy) return;
  CHECK(f.here->read_now(f.buffer).state == State::Failed);
  CHECK(f.write(*f.here, "x").state == State::Failed);
  CHECK(run_waiting(f.loop, f.here->read(f.buffer)).state == State::Failed);
  CHECK_FALSE(run_waiting(f.loop, f.here->wait_readable()));
  CHECK_FALSE(run_waiting(f.loop, f.here->wait_writable()));
  f.here->shutdown_write();
  f.here->cancel();
}

/// Owns the transport that it waits for, as idle connections do.
class Teller final : public ReadWaiter {
 public:
  Teller(std::unique_ptr<TcpTransport> transport, int& told, bool& gone)
      : transport_(std::move(transport)), told_(told), gone_(gone) {}
  ~Teller() override { gone_ = true; }
  void on_readable(bool ready) noexcept override { told_ = ready ? 1 : -1; }
  TcpTransport& transport() { return *transport_; }

 private:
  std::unique_ptr<TcpTransport> transport_;
  int& told_;
  bool& gone_;
};

TEST_CASE("who waits without a coroutine is told once, takes nothing from the heap, and lives until then",
          "[net][tcp][idle]") {
  int told = 0;
  bool gone = false;
  {
    Fixture f;
    Ref<Teller> teller = make_ref<Teller>(std::move(f.here), told, gone);
    AllocCounter allocations;
    for (int round = 0; round < 3; ++round) {
      teller->transport().tell_when_readable(f.loop, teller);
      f.loop.poll();
      CHECK(told == 0);
      f.write(*f.there, "x");
      REQUIRE(poll_until(f.loop, [&] { return told != 0; }));
      CHECK(std::exchange(told, 0) == 1);
      CHECK(teller->transport().read_now(f.buffer).size == 1);
    }
    CHECK(allocations.count() == 0);
    TcpTransport& transport = teller->transport();
    transport.tell_when_readable(f.loop, teller);
    teller = nullptr;
    CHECK_FALSE(gone);
    SECTION("cancelled") {
      transport.cancel();
      REQUIRE(poll_until(f.loop, [&] { return told != 0; }));
      CHECK(told == -1);
      CHECK(gone);
    }
    SECTION("closed") {
      transport.close();
      CHECK(told == 0);
      REQUIRE(poll_until(f.loop, [&] { return told != 0; }));
      CHECK(told == -1);
      CHECK(gone);
    }
    SECTION("by a loop that goes away: let go of") {}
  }
  CHECK(gone);
}

TEST_CASE("accepted sockets inherit what the listening one was prepared with, and are tried first if asked",
          "[net][tcp][idle]") {
  asio::io_context loop{1};
  tcp::acceptor acceptor(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  acceptor.non_blocking(true);
  CHECK(TcpTransport::prepare_to_accept(acceptor.native_handle()));
  CHECK(accept_now(acceptor.native_handle()).error == EAGAIN);
  tcp::socket client(loop);
  client.connect(acceptor.local_endpoint());
  const Accepted accepted = accept_now(acceptor.native_handle());
  REQUIRE(accepted.socket >= 0);
  CHECK(accepted.from == client.local_endpoint());
  CHECK((::fcntl(accepted.socket, F_GETFD) & FD_CLOEXEC) != 0);
  int told = 0;
  bool gone = false;
  auto teller = make_ref<Teller>(std::make_unique<TcpTransport>(loop, accepted.socket, true, true), told, gone);
  TcpTransport& transport = teller->transport();
  check_ready_to_use(transport);
  std::array<std::byte, 16> buffer{};
  transport.tell_when_readable(loop, teller);
  CHECK(told == 0);
  REQUIRE(poll_until(loop, [&] { return std::exchange(told, 0) == 1; }));  // although nothing is there
  CHECK(transport.read_now(buffer).state == State::WouldBlock);
  transport.tell_when_readable(loop, teller);
  loop.restart();
  loop.poll();
  CHECK(told == 0);
  asio::write(client, asio::buffer("x", 1));
  REQUIRE(poll_until(loop, [&] { return told == 1; }));
  CHECK(run_waiting(loop, transport.read(buffer)).size == 1);
  client.close();
  CHECK(run_waiting(loop, transport.read(buffer)).state == State::End);
}

TEST_CASE("who was told of bytes and took only some hears of the others, whichever way it asks", "[net][tcp][idle]") {
  Fixture f;
  int told = 0;
  bool gone = false;
  auto teller = make_ref<Teller>(std::move(f.here), told, gone);
  TcpTransport& transport = teller->transport();
  const std::span<std::byte> two(f.buffer.data(), 2);
  f.write(*f.there, "abcdef");
  transport.tell_when_readable(f.loop, teller);
  REQUIRE(poll_until(f.loop, [&] { return std::exchange(told, 0) == 1; }));
  CHECK(transport.read_now(two).size == 2);
  SECTION("a read") { CHECK(run_waiting(f.loop, transport.read(two)).size == 2); }
  SECTION("a wait") { CHECK(run_waiting(f.loop, transport.wait_readable())); }
  SECTION("another telling") {
    transport.tell_when_readable(f.loop, teller);
    REQUIRE(poll_until(f.loop, [&] { return std::exchange(told, 0) == 1; }));
  }
  CHECK(run_waiting(f.loop, transport.read(f.buffer)).size >= 2);
  f.there->shutdown_write();
  transport.tell_when_readable(f.loop, teller);
  REQUIRE(poll_until(f.loop, [&] { return told == 1; }));
  CHECK(transport.read_now(f.buffer).state == State::End);
}

TEST_CASE("a write to a peer that is gone is a failure, not a signal", "[net][tcp]") {
  Fixture f;
  f.there->close();
  REQUIRE(poll_until(f.loop, [&] { return f.write(*f.here, "x").state == State::Failed; }));
}

TEST_CASE("a Unix socket works as well", "[net][tcp]") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  asio::io_context loop{1};
  tcp::socket socket(loop);
  socket.assign(tcp::v4(), ends[0]);
  TcpTransport transport(std::move(socket));
  std::array<std::byte, 16> buffer{};
  REQUIRE(::write(ends[1], "hi", 2) == 2);
  CHECK(run_waiting(loop, transport.read(buffer)).size == 2);
  CHECK(run_waiting(loop, transport.wait_writable()));
  ::close(ends[1]);
  CHECK(run_waiting(loop, transport.read(buffer)).state == State::End);
}

TEST_CASE("the last bytes leave together with the end", "[net][tcp]") {
  Fixture f;
  const bool close = GENERATE(false, true);
  f.here->announce_end();
  f.write(*f.here, "last");
  CHECK(f.there->read_now(f.buffer).state == State::WouldBlock);
  close ? f.here->close() : f.here->shutdown_write();
  CHECK(run_waiting(f.loop, f.there->read(f.buffer)).size == 4);
  CHECK(run_waiting(f.loop, f.there->read(f.buffer)).state == State::End);
}

TEST_CASE("a reset is told from an end in both directions", "[net][tcp]") {
  for (const bool reset : {true, false}) {
    Fixture f;
    f.write(*f.there, "ab");
    CHECK(run_waiting(f.loop, f.here->read(f.buffer)).size == 2);
    CHECK_FALSE(f.here->is_reset());
    f.here->shutdown_write();
    if (reset) {
      f.there->abort();
    } else {
      f.write(*f.there, "cd");
      f.there->shutdown_write();
    }
    CHECK(f.here->peer() == Transport::Peer::Gone);
    CHECK(f.here->is_reset() == reset);
    if (!reset) CHECK(run_waiting(f.loop, f.here->read(f.buffer)).size == 2);
  }
}

TEST_CASE("bytes behind an urgent one are not left waiting", "[net][tcp]") {
  Fixture f;
  f.write(*f.there, "ab");
  REQUIRE(::send(f.there->descriptor(), "!", 1, MSG_OOB) == 1);  // a read ends at its mark
  f.write(*f.there, "cd");
  CHECK(run_waiting(f.loop, f.here->read(f.buffer)).size == 2);
  CHECK(run_waiting(f.loop, f.here->read(f.buffer)).size == 2);
}

TEST_CASE("nobody can hand us descriptors over a Unix socket", "[net][tcp]") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  CHECK_FALSE(TcpTransport::prepare_to_accept(ends[0]));
  asio::io_context loop{1};
  TcpTransport transport(loop, ends[0], TcpTransport::prepare_to_accept(ends[0]), false);
  iovec bytes_of_it{const_cast<char*>("x"), 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &bytes_of_it;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const gift = CMSG_FIRSTHDR(&message);
  gift->cmsg_level = SOL_SOCKET;
  gift->cmsg_type = SCM_RIGHTS;
  gift->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(gift), &ends[1], sizeof(int));
  REQUIRE(::sendmsg(ends[1], &message, 0) == 1);
  std::array<std::byte, 16> buffer{};
  run_waiting(loop, transport.wait_writable());  // the loop opens what it needs
  const int next_free = ::dup(0);
  ::close(next_free);
  CHECK(run_waiting(loop, transport.read(buffer)).size == 1);
  const int still_free = ::dup(0);
  ::close(still_free);
  CHECK(still_free == next_free);
  ::close(ends[1]);
}

/// Answers every byte with a byte, `rounds` times; counts the heap allocations of all but the first rounds.
Task<std::size_t> echo(Transport& transport, int rounds, bool wait_first) {
  std::array<std::byte, 64> buffer;
  AllocCounter allocations;
  for (int round = 0; round < rounds; ++round) {
    if (round == 16) allocations.restart();
    if (wait_first) {
      const bool readable = co_await transport.wait_readable();
      if (!readable) break;
    }
    const IoResult got = co_await transport.read(buffer);
    if (got.state != State::Done) break;
    std::array<Bytes, 1> pieces{Bytes(buffer.data(), got.size)};
    const bool written = co_await write_all(transport, pieces);
    if (!written) break;
  }
  co_return allocations.count();
}

Task<int> ask(Transport& transport, int rounds) {
  std::array<std::byte, 64> buffer;
  int answers = 0;
  for (int round = 0; round < rounds; ++round) {
    const Bytes question = bytes("?");
    transport.write_now({&question, 1});
    const IoResult got = co_await transport.read(buffer);
    if (got.state != State::Done) break;
    ++answers;
  }
  co_return answers;
}

TEST_CASE("reading, waiting and writing allocate nothing once they have run for a while", "[net][tcp][alloc]") {
  const bool wait_first = GENERATE(false, true);
  Fixture f;
  constexpr int kRounds = 2000;
  auto asking = start(f.loop, ask(*f.there, kRounds));
  auto echoing = start(f.loop, echo(*f.here, kRounds, wait_first));
  // run(), not poll(): Asio keeps what it recycles for as long as one call of these.
  f.loop.run();
  CHECK(asking.get() == kRounds);
  CHECK(echoing.get() == 0);
}

Task<int> hold_bytes(Transport& transport, bool large) {
  if (!large) co_return 0;
  std::array<std::byte, FrameMemory::kLargest> in_the_frame;
  const IoResult got = co_await transport.read(in_the_frame);
  co_return static_cast<int>(got.size);
}

Task<std::size_t> count_frames(Transport& transport) {
  AllocCounter allocations;
  for (int i = 0; i < 100; ++i) {
    if (i == 16) allocations.restart();
    co_await hold_bytes(transport, false);
  }
  co_return allocations.count();
}

TEST_CASE("a coroutine frame of more than 4096 bytes is allocated anew every time", "[net][alloc]") {
  Fixture f;
  auto counting = start(f.loop, count_frames(*f.here));
  f.loop.run();
  CHECK(counting.get() == (AllocCounter::counts() && FrameMemory::keeps()
                               ? 84U
                               : 0U));  // if this becomes 0, the limit in docs/why/coroutines.md has gone
}

}  // namespace
}  // namespace freshet::test
