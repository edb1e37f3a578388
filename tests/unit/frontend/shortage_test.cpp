// Memory that runs out in one request: that request ends, its client sees that, and everybody else goes on.
#include <catch2/catch.hpp>
#include <new>

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
