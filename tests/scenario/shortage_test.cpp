// Memory runs out at every single place in turn, through the real session, pipeline and store: one request is lost at
// most.
#include <catch2/catch.hpp>

#include "freshet/base/check.hpp"
#include "freshet/frontend/listener.hpp"
#include "freshet/net/worker.hpp"
#include "support/alloc_counter.hpp"
#include "support/memory_transport.hpp"
#include "support/pipeline.hpp"
#include "support/run_loop.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

/// One client's connection to the pipeline's first listener.
class Connected {
 public:
  explicit Connected(Pipeline& pipeline) : worker_(0, pipeline.clock) {
    MemoryPair pair = make_memory_pair(worker_.loop().get_executor());
    client_ = std::move(pair.here);
    Peer peer;
    peer.address = "192.0.2.7";
    session_.emplace(
        start(worker_.loop(), run_h1_session(std::move(pair.there), std::move(peer), worker_, *pipeline.proxy, options_,
                                             limits_, pipeline.counters, nullptr)));
    run();
  }
  void send(std::string_view text) { client_->push(text); }
  /// As a worker does: what reaches the loop costs one connection.
  void run() {
    for (bool again = true; again;) try {
        run_ready(worker_.loop());
        again = false;
      } catch (const std::bad_alloc&) {
        reached_loop_ = true;
      }
  }
  std::string receive() { return client_->pull(); }
  void leave() {
    client_->close();
    run();
  }
  bool over() const { return session_->done(); }
  bool lost() const { return reached_loop_ || (session_->done() && client_->was_reset()); }

 private:
  SessionOptions options_;
  SessionLimits limits_;
  Worker worker_;
  std::unique_ptr<MemoryTransport> client_;
  std::optional<Started<void>> session_;
  bool reached_loop_ = false;
};

std::string get(std::string_view target, std::string_view fields = {}) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a.example\r\n" + std::string(fields) + "\r\n";
}

bool ends_with_body(const std::string& answer, const std::string& body) { return answer.ends_with("\r\n\r\n" + body); }

}  // namespace

TEST_CASE("wherever memory runs out, one request is lost at most, and the next ones are right",
          "[scenario][shortage]") {
  if (!AllocCounter::counts()) return;
  struct Row {
    const char* name;
    FieldList fields;
    bool as_source;
    std::string request_fields;
  };
  const Row rows[] = {{"stored, in one piece", {{"Cache-Control", "max-age=60"}, {"ETag", "\"v1\""}}, false, ""},
                      {"stored, streamed",
                       {{"Cache-Control", "max-age=60"}, {"Vary", "Accept-Language"}},
                       true,
                       "Accept-Language: en\r\n"},
                      {"not stored", {{"Cache-Control", "no-store"}}, true, ""}};
  for (const Row& row : rows) {
    std::size_t n = 1;
    for (bool happened = true; happened; ++n) {
      CAPTURE(row.name, n);
      REQUIRE(n < 1000);
      Pipeline p;
      p.origin.answer = [&](const Seen&) {
        return Answer{200, row.fields, "hello", true, row.as_source, nullptr, 0, Reason::None, nullptr, false};
      };
      const unsigned long bugs = bugs_found();
      {
        Connected client(p);
        client.send(get("/x", row.request_fields));
        {
          AllocFailure failure(n);
          client.run();
          happened = failure.happened();
        }
        p.poll();
        client.run();
        const std::string answer = client.receive();
        const bool good = answer.starts_with("HTTP/1.1 200 ") && ends_with_body(answer, "hello");
        const bool told = answer.starts_with("HTTP/1.1 50");  // 502 when it struck the fill that the client reads
        CAPTURE(answer);
        CHECK((good || told || client.lost()));
      }
      for (const char* target : {"/x", "/y", "/x"}) {
        Connected client(p);
        client.send(get(target, row.request_fields));
        client.run();
        const std::string answer = client.receive();
        CHECK(answer.starts_with("HTTP/1.1 200 "));
        CHECK(ends_with_body(answer, "hello"));
      }
      CHECK(bugs_found() == bugs);
    }
    CHECK(n > 5);
  }
}

TEST_CASE("memory that runs out while a request body is read does not leave the connection hanging",
          "[scenario][shortage]") {
  if (!AllocCounter::counts()) return;
  const std::string head = "POST /x HTTP/1.1\r\nHost: a.example\r\n";
  const std::string framings[] = {"Content-Length: 40000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n9c40\r\n"};
  for (const std::string& framing : framings) {
    const bool chunked = framing.front() == 'T';
    std::size_t n = 1;
    for (bool happened = true; happened; ++n) {
      CAPTURE(framing, n);
      REQUIRE(n < 1000);
      Pipeline p;
      const unsigned long bugs = bugs_found();
      Connected client(p);
      client.send(head + framing);
      {
        AllocFailure failure(n);
        client.run();
        {
          const AllocSpared spared;
          client.send(std::string(40000, 'a') + (chunked ? "\r\n0\r\n\r\n" : ""));
        }
        client.run();
        happened = failure.happened();
      }
      client.run();
      const std::string answer = client.receive();
      CAPTURE(answer);
      CHECK((answer.starts_with("HTTP/1.1 ") || client.lost()));
      client.leave();
      CHECK((client.over() || client.lost()));
      CHECK(bugs_found() == bugs);
    }
    CHECK(n > 3);
  }
}

TEST_CASE("memory that runs out in a fetch leaves nobody waiting for it", "[scenario][shortage]") {
  if (!AllocCounter::counts()) return;
  for (const bool too_large : {false, true}) {
    std::size_t n = 1;
    for (bool happened = true; happened; ++n) {
      CAPTURE(too_large, n);
      REQUIRE(n < 1000);
      ProxyOptions options = Pipeline::default_options();
      if (too_large) options.policy.max_object_size = 3;
      Pipeline p(options);
      auto gate = std::make_shared<Wakeup>();
      p.origin.answer = [&](const Seen&) {
        const AllocSpared spared;
        return Answer{200,          {{"Cache-Control", "max-age=60"}}, "hello", true, true, nullptr, 0,
                      Reason::None, std::exchange(gate, nullptr),      false};
      };
      const std::shared_ptr<Wakeup> opened = gate;
      Connected leader(p), follower(p);
      leader.send(get("/x"));
      leader.run();
      follower.send(get("/x"));
      follower.run();
      REQUIRE(p.origin.in_flight == 1);
      {
        AllocFailure failure(n);
        opened->wake();
        leader.run();
        happened = failure.happened();
      }
      for (int i = 0; i < 3; ++i) {
        follower.run();
        leader.run();
      }
      const std::string answer = follower.receive();
      CAPTURE(answer);
      CHECK((ends_with_body(answer, "hello") || answer.starts_with("HTTP/1.1 50") || follower.lost()));
    }
    CHECK(n > 3);
  }
}

TEST_CASE("memory that runs out while a gap is closed leaves no hole for others to wait at", "[scenario][shortage]") {
  if (!AllocCounter::counts()) return;
  std::size_t n = 1;
  for (bool happened = true; happened; ++n) {
    CAPTURE(n);
    REQUIRE(n < 1000);
    Pipeline p;
    std::shared_ptr<Wakeup> gate;
    p.origin.answer = [&](const Seen& seen) {
      const AllocSpared spared;
      const std::string range = seen.field("Range");
      const FieldList fresh = {{"Cache-Control", "max-age=60"}, {"ETag", "\"v1\""}};
      if (range.empty()) return Answer{200, fresh, "hello", true, true, nullptr, 0, Reason::None, nullptr, false};
      const std::size_t first = static_cast<std::size_t>(range.at(6) - '0'),
                        last = static_cast<std::size_t>(range.at(8) - '0');
      FieldList part = fresh;
      part.emplace_back("Content-Range", "bytes " + range.substr(6) + "/5");
      return Answer{
          206,  part, std::string("hello").substr(first, last - first + 1), true, true, nullptr, 0, Reason::None,
          gate, false};
    };
    {
      Connected first(p);
      first.send(get("/x", "Range: bytes=0-1\r\n"));
      first.run();
      REQUIRE(ends_with_body(first.receive(), "he"));
    }
    gate = std::make_shared<Wakeup>();
    const std::shared_ptr<Wakeup> opened = gate;
    Connected closer(p);
    closer.send(get("/x", "Range: bytes=0-4\r\n"));
    closer.run();
    REQUIRE(p.origin.in_flight == 1);
    {
      AllocFailure failure(n);
      opened->wake();
      closer.run();
      happened = failure.happened();
    }
    gate = nullptr;
    closer.run();
    for (int i = 0; i < 2; ++i) {
      Connected next(p);
      next.send(get("/x", "Range: bytes=0-4\r\n"));
      next.run();
      const std::string answer = next.receive();
      CAPTURE(answer);
      CHECK(answer.starts_with("HTTP/1.1 206 "));
      CHECK(ends_with_body(answer, "hello"));
    }
  }
  CHECK(n > 3);
}

TEST_CASE("memory that runs out on the hit path costs that request alone", "[scenario][shortage]") {
  if (!AllocCounter::counts()) return;
  // Longer than a block of the request's arena, so that it has to grow for the key and for the answer.
  const std::string target = "/" + std::string(5000, 'x');
  const std::string wishes[] = {"", "Range: bytes=0-1, 3-4\r\n", "If-None-Match: \"v1\"\r\n"};
  for (const std::string& wish : wishes) {
    std::size_t n = 1;
    for (bool happened = true; happened; ++n) {
      CAPTURE(wish, n);
      REQUIRE(n < 1000);
      Pipeline p;
      p.origin.answer = [&](const Seen&) {
        return Answer{200,     {{"Cache-Control", "max-age=60"}, {"ETag", "\"v1\""}},
                      "hello", true,
                      false,   nullptr,
                      0,       Reason::None,
                      nullptr, false};
      };
      {
        Connected first(p);
        first.send(get(target));
        first.run();
        REQUIRE(ends_with_body(first.receive(), "hello"));
      }
      Connected client(p);
      client.send(get(target, wish));
      {
        AllocFailure failure(n);
        client.run();
        happened = failure.happened();
      }
      client.run();
      const std::string answer = client.receive();
      CAPTURE(answer);
      CHECK((answer.starts_with("HTTP/1.1 2") || answer.starts_with("HTTP/1.1 304 ") ||
             answer.starts_with("HTTP/1.1 50") || client.lost()));
    }
    CHECK(n > 3);
  }
}
