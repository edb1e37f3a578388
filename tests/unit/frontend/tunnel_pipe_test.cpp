// The session's halves of a tunnel when the bytes go through pipes.
#include <catch2/catch.hpp>

#include "freshet/async/spawn.hpp"
#include "session_rig.hpp"
#include "support/dice.hpp"
#include "support/pipe_ends.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

const std::string kConnect = "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n";
const std::string kEstablished = "HTTP/1.1 200 OK\r\n" + std::string(kDate) + "\r\n";

/// The other end of the tunnel: what it says, and what it hears, in pipes if it may.
struct FarEnd {
  std::shared_ptr<PipingSource::State> says = std::make_shared<PipingSource::State>();
  std::shared_ptr<Upload> hears = std::make_shared<Upload>();
  std::size_t heard_in_pipes = 0;
  Wakeup go;
  bool may_take = true;  ///< what lies in a pipe

  static Task<void> hear(std::unique_ptr<BodySource> source, FarEnd& far, PipePool& pool) {
    PipeLease pipe(pool, not_told, nullptr);
    for (;;) {
      Result<Piece> got = co_await source->read_or_pipe(pipe);
      if (!got) {
        far.hears->failure = got.error();
        break;
      }
      far.hears->data += as_text(got->bytes);
      far.heard_in_pipes += pipe.held();
      while (pipe.held() > 0) {
        while (!far.may_take) co_await far.go.wait();
        far.hears->data += drain_pipe(pipe, 10'000);
      }
      far.hears->ended = got->last;
      if (got->last) break;
    }
    source.reset();
  }
  static Task<Reply> serve(Request& request, FarEnd& far, PipePool& pool) {
    Reply made = empty_reply(200);
    made.tunnel = true;
    made.body = Body(std::make_unique<PipingSource>(far.says));
    Task<void> hearing = hear(std::move(request.body), far, pool);
    co_await spawn(std::move(hearing));
    co_return std::move(made);
  }
};

struct Tunnel {
  explicit Tunnel(const std::string& behind = {}, const std::function<void(MemoryTransport&)>& prepare = {}) {
    rig.service.later = [this](Request& request) { return FarEnd::serve(request, far, rig.worker.pipes()); };
    rig.open([&prepare](MemoryTransport& end) {
      end.set_pipes(true);
      if (prepare) prepare(end);
    });
    rig.client->push(kConnect + behind);
    rig.run();
  }
  PipePool& pipes() { return rig.worker.pipes(); }
  void check_log(std::string_view reason, std::size_t in, std::size_t out) {
    REQUIRE(rig.session_over());
    CHECK(pipes().lent() == 0);
    CHECK(rig.counters.tunnels_active.get() == 0);
    CHECK(rig.counters.tunnel_bytes_in.get() == in);
    CHECK(rig.counters.tunnel_bytes_out.get() == out);
    REQUIRE(rig.log.lines.size() == 1);
    CHECK(rig.log.lines[0].reason == reason);
    CHECK(rig.log.lines[0].request_bytes == in);
    CHECK(rig.log.lines[0].response_bytes == out);
  }
  FarEnd far;
  Rig rig;  // ends before what its coroutines refer to
};

std::string noise(std::size_t size, std::uint64_t seed) {
  Dice dice(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(dice.roll(256));
  return text;
}

}  // namespace

TEST_CASE("A stream goes through pipes both ways, byte for byte, however it is cut", "[frontend][tunnel][pipe]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    Dice dice(seed);
    const std::string up = noise(150'000 + dice.roll(100'000), seed);
    const std::string down = noise(100'000 + dice.roll(100'000), seed + 100);
    const std::size_t early = dice.roll(40'000);
    Tunnel t(up.substr(0, early), [&dice](MemoryTransport& end) {
      if (dice.one_in(2)) end.set_send_capacity(5000 + dice.roll(50'000));
      if (dice.one_in(3)) end.set_max_write(200 + dice.roll(9000));
      end.set_hesitant(dice.one_in(2));
    });
    std::string got = t.rig.receive();
    for (std::size_t sent = early, said = 0; sent < up.size() || said < down.size();) {
      const std::string more = up.substr(sent, 1 + dice.roll(60'000));
      const std::string says = down.substr(said, 1 + dice.roll(60'000));
      sent += more.size();
      said += says.size();
      t.rig.client->push(more);
      if (!says.empty()) t.far.says->push(says);
      got += t.rig.receive();
    }
    t.far.says->push("");
    got += t.rig.receive();
    CHECK((got == kEstablished + down));
    CHECK(t.rig.client->ended());
    CHECK((t.far.hears->data == up));
    CHECK_FALSE(t.far.hears->ended);
    t.rig.client->shutdown_write();
    t.rig.run();
    CHECK(t.far.hears->ended);
    CHECK(t.far.says->piped == down.size());
    CHECK(t.rig.client->piped_out() == down.size());
    CHECK(t.far.heard_in_pipes == t.rig.client->piped_in());
    CHECK(t.rig.client->piped_in() > 0);
    t.check_log("none", up.size(), down.size());
  }
}

TEST_CASE("Small messages are copied, and no pipe is taken for them or for silence", "[frontend][tunnel][pipe]") {
  Tunnel t;
  t.rig.receive();
  for (int i = 0; i < 10; ++i) {
    t.rig.send(std::string(100, 'a'));
    CHECK(t.pipes().lent() == 0);
  }
  CHECK(t.rig.client->piped_in() == 0);
  t.rig.send(std::string(100'000, 'b'));
  CHECK(t.rig.client->piped_in() > 0);
  CHECK(t.pipes().lent() == 0);
  const std::size_t piped = t.rig.client->piped_in();
  t.rig.send("c");  // one comes through a pipe,
  t.rig.send("d");  // and the next is copied again
  CHECK(t.rig.client->piped_in() <= piped + 1);
  CHECK(t.far.hears->data.size() == 101'002);
  t.rig.client->abort();
  t.rig.run();
  CHECK(t.far.hears->failure);
}

TEST_CASE("Where no pipe is to be had, a stream is copied", "[frontend][tunnel][pipe]") {
  Tunnel t;
  const AllPipes taken(t.pipes());
  const std::string up = noise(200'000, 1);
  const std::string down = noise(60'000, 2);
  t.rig.client->push(up);
  t.far.says->push(down);
  CHECK((t.rig.receive() == kEstablished + down));
  CHECK((t.far.hears->data == up));
  CHECK(t.rig.client->piped_in() == 0);
  CHECK(t.rig.client->piped_out() == 0);
  t.rig.client->abort();
  t.rig.run();
}

TEST_CASE("A client that takes what lies in a pipe bit by bit is not idle, one that takes nothing is",
          "[frontend][tunnel][pipe][timeouts]") {
  Tunnel t({}, [](MemoryTransport& end) { end.set_send_capacity(1000); });
  t.rig.receive();
  t.far.says->push(noise(20'000, 3));
  t.rig.run();
  CHECK(t.pipes().lent() == 1);
  const Milliseconds most = t.rig.options.tunnel_idle;
  std::size_t got = 0;
  for (int i = 0; i < 6; ++i) {
    t.rig.pass(most * 2 / 3);
    CHECK_FALSE(t.rig.session_over());
    got += t.rig.client->pull(500).size();
    t.rig.run();
  }
  CHECK(got == 3000);
  t.rig.pass(most + Milliseconds(200));
  CHECK(t.far.says->destroyed);
  t.check_log("tunnel-idle", 0, 4000);
  CHECK(t.rig.client->was_reset());  // nobody may take for complete what was cut off
  CHECK(t.pipes().spare() == 0);  // what was left in it went with it
}

TEST_CASE("An origin that takes what the client sent bit by bit keeps the tunnel up",
          "[frontend][tunnel][pipe][timeouts]") {
  Tunnel t;
  t.rig.receive();
  t.far.may_take = false;
  t.rig.client->push(std::string(70'000, 'u'));
  t.rig.run();
  CHECK(t.pipes().lent() == 1);
  const std::size_t copied = t.far.hears->data.size();
  t.rig.pass(t.rig.options.tunnel_idle * 2 / 3);
  t.far.may_take = true;
  t.far.go.wake();
  t.rig.run();
  CHECK(t.far.hears->data.size() == 70'000);
  CHECK(copied < 70'000);
  t.rig.pass(t.rig.options.tunnel_idle * 2 / 3);
  CHECK_FALSE(t.rig.session_over());
  t.rig.pass(t.rig.options.tunnel_idle);
  t.check_log("tunnel-idle", 70'000, 0);
}

TEST_CASE("A client that goes away in the middle of piped bytes takes them with it", "[frontend][tunnel][pipe]") {
  Tunnel t({}, [](MemoryTransport& end) { end.set_send_capacity(1000); });
  t.rig.receive();
  t.far.says->push(noise(20'000, 4));
  t.rig.run();
  CHECK(t.pipes().lent() == 1);
  CHECK(t.rig.client->pull(400).size() == 400);
  t.rig.run();
  t.rig.client->abort();
  t.rig.run();
  CHECK(t.far.says->destroyed);
  t.check_log("client-closed", 0, 1400);
  CHECK(t.pipes().spare() == 0);
}

TEST_CASE("An origin that fails in the middle of piped bytes resets the client", "[frontend][tunnel][pipe]") {
  Tunnel t;
  t.far.says->push(noise(20'000, 5));
  CHECK(t.rig.receive().size() == kEstablished.size() + 20'000);
  t.far.says->cancelled = true;
  t.far.says->changed.wake();
  t.rig.run();
  CHECK(t.rig.client->was_reset());
  t.check_log("connection-reset", 0, 20'000);
}

TEST_CASE("A worker that ends while pipes wait for both ends gets them back", "[frontend][tunnel][pipe]") {
  Tunnel t({}, [](MemoryTransport& end) { end.set_send_capacity(1000); });
  t.rig.receive();
  t.far.says->push(noise(20'000, 6));
  t.far.may_take = false;
  t.rig.client->push(std::string(70'000, 'u'));
  t.rig.run();
  CHECK(t.pipes().lent() == 2);  // the pool itself insists on it
}
