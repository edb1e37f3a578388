// The origin's halves of a tunnel when the bytes go through pipes.
#include <catch2/catch.hpp>

#include "origin_rig.hpp"
#include "support/pipe_ends.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

OriginPoolOptions open_to_all() {
  OriginPoolOptions options = Rig::one_server();
  options.forward_policies.resize(1);
  options.forward_policies[0].allow_internal = true;
  return options;
}

Task<Result<Piece>> read_into(BodySource& source, PipeLease& pipe) { return source.read_or_pipe(pipe); }

/// A CONNECT tunnel to origin number 0, whose client pipes what it sends.
struct Tunnel {
  explicit Tunnel(void (*prepare)(MemoryTransport&) = nullptr) {
    rig.dialler->prepare = prepare ? prepare : [](MemoryTransport& end) { end.set_pipes(true); };
    call->request.body = std::make_unique<PipingSource>(upload);
    rig.start(*call);
    if (!call->done() || !call->reply->tunnel) throw std::logic_error("no tunnel");
  }
  MemoryTransport& origin() { return rig.origin(0); }
  PipePool& pipes() { return rig.worker.pipes(); }
  BodySource& source() { return *call->reply->body.source; }
  Started<Result<Piece>> begin() {
    auto started = start(rig.worker.loop(), read_into(source(), pipe));
    rig.run();
    return started;
  }
  /// What the client's session would get next; empty at the end.
  std::string next() {
    auto started = begin();
    REQUIRE(started.done());
    const Result<Piece> piece = started.get();
    REQUIRE(piece.has_value());
    const std::string copied(as_text(piece->bytes));
    in_pipes += pipe.held();
    return copied + drain_pipe(pipe, pipe.held());
  }
  std::shared_ptr<PipingSource::State> upload = std::make_shared<PipingSource::State>();
  Rig rig{open_to_all()};
  std::unique_ptr<Call> call = rig.connect("10.0.0.1:443");
  PipeLease pipe{rig.worker.pipes(), not_told, nullptr};
  std::size_t in_pipes = 0;
};

}  // namespace

TEST_CASE("An origin's stream is piped once it fills the buffer, and copied when it has thinned out",
          "[upstream][tunnel][pipe]") {
  Tunnel t;
  t.origin().push("hello");
  CHECK(t.next() == "hello");
  const std::string stream(16 * 1024 + 2 * PipePool::kLeast, 's');
  t.origin().push(stream);
  std::string got = t.next();
  CHECK(got.size() == 16 * 1024);
  CHECK(t.in_pipes == 0);
  while (got.size() < stream.size()) got += t.next();
  CHECK(got == stream);
  CHECK(t.in_pipes > 100'000);
  CHECK(t.pipes().lent() == 0);
  t.in_pipes = 0;
  for (int i = 0; i < 3; ++i) {
    t.origin().push("more");
    CHECK(t.next() == "more");
  }
  CHECK(t.in_pipes == 4);  // the first of them
  t.origin().shutdown_write();
  auto last = t.begin();
  CHECK(last.get()->last);
  CHECK_FALSE(t.origin().was_reset());
}

TEST_CASE("Piped bytes go to the origin, and then the client's end", "[upstream][tunnel][pipe]") {
  Tunnel t([](MemoryTransport& end) {
    end.set_pipes(true);
    end.set_max_write(7000);
    end.set_hesitant(true);
  });
  std::string sent;
  for (int i = 0; i < 5; ++i) {
    const std::string text(20'000, static_cast<char>('a' + i));
    sent += text;
    t.upload->push(text);
  }
  t.upload->push("");
  t.rig.run();
  CHECK(t.origin().pull() == sent);
  CHECK(t.origin().ended());
  CHECK(t.upload->piped == sent.size());
  CHECK(t.upload->destroyed);
  CHECK(t.pipes().lent() == 0);
}

TEST_CASE("A transport that has no pipes gets and gives copies", "[upstream][tunnel][pipe]") {
  Tunnel t([](MemoryTransport&) {});
  t.upload->push(std::string(20'000, 'u'));
  t.origin().push(std::string(50'000, 'o'));
  std::string got;
  while (got.size() < 50'000) got += t.next();
  CHECK(t.in_pipes == 0);
  CHECK(t.upload->piped == 0);
  CHECK(t.origin().pull() == std::string(20'000, 'u'));
}

TEST_CASE("Without a free pipe an origin's stream is copied, and piped again when there is one",
          "[upstream][tunnel][pipe]") {
  Tunnel t;
  std::string got;
  {
    const AllPipes taken(t.pipes());
    t.origin().push(std::string(50'000, 'o'));
    while (got.size() < 50'000) got += t.next();
    CHECK(t.in_pipes == 0);
  }
  t.origin().push(std::string(50'000, 'o'));
  while (got.size() < 100'000) got += t.next();
  CHECK(t.in_pipes > 0);
  CHECK(got == std::string(100'000, 'o'));
}

TEST_CASE("A tunnel in the middle of piped bytes is idle only when they do not move",
          "[upstream][tunnel][pipe][timeouts]") {
  Tunnel t([](MemoryTransport& end) {
    end.set_pipes(true);
    end.set_send_capacity(1000);
  });
  const bool upload = GENERATE(false, true);
  if (upload) {
    t.upload->push(std::string(20'000, 'u'));
    t.rig.run();
  } else {
    t.origin().push(std::string(50'000, 'o'));
    t.next();
    auto reading = t.begin();
    REQUIRE(reading.done());
    REQUIRE(t.pipe.held() > 0);
  }
  for (int i = 0; i < 5; ++i) {
    t.rig.pass(Milliseconds(400'000));
    if (upload)
      CHECK(t.origin().pull(100).size() == 100);
    else
      CHECK(drain_pipe(t.pipe, 100).size() == 100);
    t.rig.run();
    CHECK_FALSE(t.origin().was_reset());
  }
  t.rig.pass(Milliseconds(600'200));
  CHECK(t.origin().was_reset());
  t.pipe.give_back();
  CHECK(t.pipes().lent() == 0);
}

TEST_CASE("A tunnel that ends while it waits for piped bytes, or to get rid of them, keeps no pipe",
          "[upstream][tunnel][pipe]") {
  Tunnel t([](MemoryTransport& end) {
    end.set_pipes(true);
    end.set_send_capacity(1000);
  });
  t.origin().push(std::string(16 * 1024, 'o'));
  t.next();
  auto waiting = t.begin();
  CHECK_FALSE(waiting.done());
  t.upload->push(std::string(20'000, 'u'));
  t.rig.run();
  CHECK(t.pipes().lent() == 1);
  SECTION("the origin resets") { t.origin().abort(); }
  SECTION("the session cancels") { t.source().cancel(); }
  SECTION("the client fails") {
    t.upload->cancelled = true;
    t.origin().pull();
    t.rig.run();
    for (int i = 0; i < 30; ++i) {
      t.origin().pull();
      t.rig.run();
    }
  }
  t.rig.run();
  REQUIRE(waiting.done());
  CHECK_FALSE(waiting.get().has_value());
  CHECK(t.pipes().lent() == 0);
  CHECK(t.upload->destroyed);
}
