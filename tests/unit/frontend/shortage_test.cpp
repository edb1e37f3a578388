// Memory that runs out in one request: that request ends, its client sees that, and everybody else goes on.
#include <catch2/catch.hpp>
#include <new>

#include "../../../src/frontend/connection.hpp"
#include "freshet/base/check.hpp"
#include "session_rig.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
constexpr std::string_view kGet10 = "GET / HTTP/1.0\r\nHost: a.test\r\n\r\n";

/// Gives one piece, and then has no memory for the next.
class ShortSource final : public BodySource {
 public:
  explicit ShortSource(std::size_t pieces) : pieces_(pieces) {}
  Task<Result<Piece>> read() override {
    if (pieces_-- == 0) throw std::bad_alloc();
    Piece piece(as_bytes("12345"), Pin(), false);
    co_return Result<Piece>(std::move(piece));
  }

 private:
  std::size_t pieces_;
};

/// Takes nothing at first, and has no memory to wait.
class ShortTransport final : public Transport {
 public:
  explicit ShortTransport(std::size_t& written) : written_(written) {}
  IoResult read_now(std::span<std::byte>) noexcept override { return {IoResult::State::WouldBlock, 0}; }
  IoResult write_now(std::span<const std::span<const std::byte>> pieces) noexcept override {
    if (full_ > 0 && full_-- > 0) return {IoResult::State::WouldBlock, 0};
    std::size_t size = 0;
    for (const auto& piece : pieces) size += piece.size();
    written_ += size;
    return {IoResult::State::Done, size};
  }
  Task<IoResult> read(std::span<std::byte>) override { co_return IoResult{IoResult::State::End, 0}; }
  Task<bool> wait_readable() override { co_return false; }
  Task<bool> wait_writable() override {
    throw std::bad_alloc();
    co_return false;
  }
  void shutdown_write() noexcept override {}
  void cancel() noexcept override {}
  void close() noexcept override {}
  void abort() noexcept override {}

 private:
  std::size_t& written_;
  int full_ = 1;  // writes that find no room
};

Task<Reply> no_memory() {
  throw std::bad_alloc();
  co_return Reply();
}

Task<Reply> body_without_memory(std::size_t pieces, std::optional<std::uint64_t> length) {
  Reply reply = text_reply(200, "");
  reply.length = length;
  reply.body = Body(std::make_unique<ShortSource>(pieces));
  co_return reply;
}

}  // namespace

TEST_CASE("A service without memory is a 503, and the connection goes on", "[frontend][shortage]") {
  Rig rig;
  rig.open();
  rig.service.later = [](Request&) { return no_memory(); };
  const unsigned long bugs = bugs_found();
  const std::string refused = rig.send(kGet);
  CHECK(refused.starts_with("HTTP/1.1 503 "));
  CHECK(bugs_found() == bugs);
  CHECK(rig.log.lines.at(0).status == 503);
  CHECK(rig.log.lines.at(0).reason == "internal");
  rig.service.later = [](Request&) { return reply_later(text_reply(200, "hello")); };
  CHECK(rig.send(kGet) == ok("hello"));
}

TEST_CASE("A body that runs out of memory is cut, so that nobody takes it for the whole",
          "[frontend][shortage][rfc9112-8]") {
  for (const std::string_view request : {kGet, kGet10})
    for (const auto& length : {std::optional<std::uint64_t>(10), std::optional<std::uint64_t>()})
      for (const std::size_t pieces : {0U, 1U}) {
        CAPTURE(request, pieces);
        Rig rig;
        rig.open();
        rig.service.later = [&](Request&) { return body_without_memory(pieces, length); };
        const unsigned long bugs = bugs_found();
        rig.send(request);
        CHECK(rig.session_over());
        CHECK(rig.client->was_reset());
        CHECK(bugs_found() == bugs);
        CHECK(rig.limits.open == 0);
        CHECK(rig.listener().connections_open.get() == 0);
        rig.open();
        rig.service.later = [](Request&) { return reply_later(text_reply(200, "hello")); };
        CHECK(rig.send(kGet) == ok("hello"));
      }
}

TEST_CASE("A flush that runs out of memory leaves nobody waiting for its end", "[frontend][shortage]") {
  FakeClock clock;
  Worker worker(0, clock);
  std::size_t written = 0;
  const auto connection =
      make_ref<Connection>(std::make_unique<ShortTransport>(written), worker, Milliseconds(1000), RateFloor());
  connection->out().add(as_bytes(std::string_view("head")));
  auto first = start(worker.loop(), connection->push());
  run_ready(worker.loop());
  REQUIRE(first.done());
  CHECK_THROWS_AS(first.get(), std::bad_alloc);
  CHECK_FALSE(connection->flushing());
  auto second = start(worker.loop(), connection->flush());
  run_ready(worker.loop());
  REQUIRE(second.done());
  CHECK(second.get());
  CHECK(written == 4);
}
