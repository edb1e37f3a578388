// Bytes that go from socket to socket through a pipe.
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <catch2/catch.hpp>
#include <csignal>

#include "freshet/net/tcp_transport.hpp"
#include "support/dice.hpp"
#include "support/run_loop.hpp"

namespace freshet::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using State = IoResult::State;
using Bytes = std::span<const std::byte>;

Bytes bytes(std::string_view text) { return std::as_bytes(std::span<const char>(text.data(), text.size())); }

/// sender - in [the pipe] out - receiver
struct Fixture {
  asio::io_context loop{1};
  PipePool pool;
  std::size_t told = 0;
  PipeLease pipe{pool, [](void* self) noexcept { ++static_cast<Fixture*>(self)->told; }, this};
  std::unique_ptr<TcpTransport> sender, in, out, receiver;
  std::array<std::byte, 4096> buffer{};

  Fixture() {
    std::signal(SIGPIPE, SIG_IGN);
    connect(sender, in);
    connect(out, receiver);
  }
  void connect(std::unique_ptr<TcpTransport>& a, std::unique_ptr<TcpTransport>& b) {
    tcp::acceptor acceptor(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tcp::socket client(loop);
    client.connect(acceptor.local_endpoint());
    a = std::make_unique<TcpTransport>(std::move(client));
    b = std::make_unique<TcpTransport>(acceptor.accept());
  }
  IoResult write(std::string_view text) {
    const Bytes piece = bytes(text);
    return sender->write_now({&piece, 1});
  }
  IoResult pipe_in() { return run_waiting(loop, in->pipe_in(pipe)); }
  std::string receive() {
    const IoResult got = run_waiting(loop, receiver->read(buffer));
    return {reinterpret_cast<const char*>(buffer.data()), got.size};
  }
};

Task<bool> move_all(Transport& from, Transport& to, PipeLease& pipe) {
  for (;;) {
    const IoResult got = co_await from.pipe_in(pipe);
    if (got.state != State::Done) {
      to.shutdown_write();
      co_return got.state == State::End;
    }
    while (pipe.held() > 0) {
      const IoResult put = to.pipe_out_now(pipe);
      if (put.state == State::WouldBlock) co_await to.wait_writable();
      if (put.state == State::Failed) co_return false;
    }
  }
}

Task<bool> send_all(Transport& to, std::string_view text, std::uint64_t seed) {
  Dice dice(seed);
  while (!text.empty()) {
    const std::size_t size = std::min<std::size_t>(text.size(), 1 + dice.roll(dice.one_in(3) ? 300'000 : 2000));
    std::array<Bytes, 1> piece{bytes(text.substr(0, size))};
    const std::span<Bytes> pieces(piece);
    const bool sent = co_await write_all(to, pieces);
    if (!sent) co_return false;
    text.remove_prefix(size);
  }
  to.shutdown_write();
  co_return true;
}

Task<std::string> receive_all(Transport& from, std::span<std::byte> buffer) {
  std::string got;
  for (;;) {
    const IoResult result = co_await from.read(buffer);
    if (result.state != State::Done) co_return got;
    got.append(reinterpret_cast<const char*>(buffer.data()), result.size);
  }
}

TEST_CASE("bytes pass through a pipe, which is taken for them alone", "[net][tcp][pipe]") {
  Fixture f;
  CHECK(f.in->can_pipe());
  auto waiting = start(f.loop, f.in->pipe_in(f.pipe));
  f.loop.poll();
  CHECK_FALSE(waiting.done());
  CHECK(f.pool.lent() == 0);
  f.write("some bytes");
  REQUIRE(poll_until(f.loop, [&] { return waiting.done(); }));
  const IoResult got = waiting.get();
  CHECK(got.state == State::Done);
  CHECK(got.size == 10);
  CHECK(f.pipe.held() == 10);
  CHECK(f.out->pipe_out_now(f.pipe).size == 10);
  CHECK(f.pool.lent() == 0);
  CHECK(f.told == 1);
  CHECK(f.receive() == "some bytes");
}

TEST_CASE("all bytes arrive, in order, however they are cut and whoever is slow", "[net][tcp][pipe]") {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    CAPTURE(seed);
    Fixture f;
    Dice dice(seed);
    std::string text(3'000'000, '\0');
    for (char& c : text) c = static_cast<char>(dice.roll(256));
    auto sending = start(f.loop, send_all(*f.sender, text, seed));
    auto moving = start(f.loop, move_all(*f.in, *f.out, f.pipe));
    CHECK((run_waiting(f.loop, receive_all(*f.receiver, f.buffer)) == text));
    REQUIRE(poll_until(f.loop, [&] { return moving.done() && sending.done(); }));
    CHECK(moving.get());
    CHECK(sending.get());
    CHECK(f.pool.lent() == 0);
  }
}

TEST_CASE("the peer's end is the end, its reset a failure", "[net][tcp][pipe]") {
  Fixture f;
  f.write("last");
  f.sender->shutdown_write();
  CHECK(f.pipe_in().size == 4);
  CHECK(f.out->pipe_out_now(f.pipe).size == 4);
  CHECK(f.pipe_in().state == State::End);
  CHECK(f.pool.lent() == 0);
  Fixture g;
  auto waiting = start(g.loop, g.in->pipe_in(g.pipe));
  g.loop.poll();
  g.sender->abort();
  REQUIRE(poll_until(g.loop, [&] { return waiting.done(); }));
  CHECK(waiting.get().state == State::Failed);
  CHECK(g.pool.lent() == 0);
}

TEST_CASE("who cannot be written to any more fails, and the bytes are lost with the pipe", "[net][tcp][pipe]") {
  Fixture f;
  f.write("lost");
  CHECK(f.pipe_in().size == 4);
  f.out->shutdown_write();
  CHECK(f.out->pipe_out_now(f.pipe).state == State::Failed);
  CHECK(f.pipe.held() == 4);
  f.pipe.give_back();
  CHECK(f.pool.spare() == 0);
}

// A splice stops before an urgent byte for good, and takes what the peer's end is for the end of all.
TEST_CASE("urgent data neither stops a stream nor cuts it short", "[net][tcp][pipe]") {
  Fixture f;
  const bool finished = GENERATE(false, true);
  f.write("before");
  CHECK(::send(f.sender->descriptor(), "!", 1, MSG_OOB) == 1);
  f.write("behind");
  if (finished) f.sender->shutdown_write();
  std::string got;
  IoResult result{State::Done, 0};
  while (got.size() < 12) {
    result = f.pipe_in();
    if (result.state == State::Done) {
      CHECK(f.out->pipe_out_now(f.pipe).state == State::Done);
      got += f.receive();
    } else {
      REQUIRE(result.state == State::Unable);
      result = run_waiting(f.loop, f.in->read(f.buffer));
      got.append(reinterpret_cast<const char*>(f.buffer.data()), result.size);
    }
  }
  CHECK(got == "beforebehind");
  if (!finished) f.sender->shutdown_write();
  CHECK(f.pipe_in().state == State::End);
}

TEST_CASE("without a pipe nothing is taken, and a read gets it", "[net][tcp][pipe]") {
  Fixture f;
  PipePool none(0);
  PipeLease lease(none, [](void*) noexcept {}, nullptr);
  f.write("copied");
  CHECK(run_waiting(f.loop, f.in->pipe_in(lease)).state == State::Unable);
  const IoResult got = run_waiting(f.loop, f.in->read(f.buffer));
  CHECK(std::string_view(reinterpret_cast<const char*>(f.buffer.data()), got.size) == "copied");
}

TEST_CASE("cancelling and closing end a wait for piped bytes", "[net][tcp][pipe]") {
  Fixture f;
  const bool close = GENERATE(false, true);
  auto waiting = start(f.loop, f.in->pipe_in(f.pipe));
  f.loop.poll();
  if (close)
    f.in->close();
  else
    f.in->cancel();
  REQUIRE(poll_until(f.loop, [&] { return waiting.done(); }));
  CHECK(waiting.get().state == State::Failed);
  CHECK(f.pool.lent() == 0);
  if (close) {
    CHECK(f.pipe_in().state == State::Failed);
  } else {
    f.write("again");
    CHECK(f.pipe_in().size == 5);
  }
}

TEST_CASE("after a read that left nothing, piped bytes are waited for, and the other way round", "[net][tcp][pipe]") {
  Fixture f;
  for (int round = 0; round < 5; ++round) {
    f.write("read");
    CHECK(run_waiting(f.loop, f.in->read(f.buffer)).size == 4);
    auto waiting = start(f.loop, f.in->pipe_in(f.pipe));
    f.loop.poll();
    CHECK_FALSE(waiting.done());
    f.write("piped");
    REQUIRE(poll_until(f.loop, [&] { return waiting.done(); }));
    CHECK(waiting.get().size == 5);
    CHECK(f.out->pipe_out_now(f.pipe).size == 5);
    CHECK(f.receive() == "piped");
    if (round % 2 == 1) CHECK(f.in->read_now(f.buffer).state == State::WouldBlock);
  }
}

TEST_CASE("Unix sockets pipe too", "[net][unix][pipe]") {
  Fixture f;
  using Local = asio::local::stream_protocol;
  Local::socket near(f.loop), far(f.loop);
  asio::local::connect_pair(near, far);
  near.non_blocking(true);
  TcpTransport local(f.loop, near.release(), false, false);
  CHECK(::send(far.native_handle(), "hello", 5, 0) == 5);
  CHECK(run_waiting(f.loop, local.pipe_in(f.pipe)).size == 5);
  CHECK(local.pipe_out_now(f.pipe).size == 5);
  std::array<char, 8> back{};
  CHECK(::recv(far.native_handle(), back.data(), back.size(), 0) == 5);
  far.close();
  CHECK(run_waiting(f.loop, local.pipe_in(f.pipe)).state == State::End);
}

}  // namespace
}  // namespace freshet::test
