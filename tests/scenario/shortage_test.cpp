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
