// The claim that a hit on a kept-alive connection takes nothing from the heap, through the real session, pipeline and store.
#include <catch2/catch.hpp>

#include "freshet/frontend/listener.hpp"
#include "freshet/net/worker.hpp"
#include "support/alloc_counter.hpp"
#include "support/memory_transport.hpp"
#include "support/pipeline.hpp"
#include "support/run_loop.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr std::size_t kWarmUp = 50, kCounted = 200;

/// One client of listener 0, over memory.
class Connected {
 public:
  Connected() {
    MemoryPair pair = make_memory_pair(worker_.loop().get_executor());
    client_ = std::move(pair.there);
    Peer peer;
    peer.address = "192.0.2.7";
    session_.emplace(start(worker_.loop(), run_h1_session(std::move(pair.here), std::move(peer), worker_, *pipeline.proxy,
                                                         session_options_, limits_, pipeline.counters, nullptr)));
    run_ready(worker_.loop());
  }
  ~Connected() {
    client_->abort();
    run_ready(worker_.loop());
    worker_.discard();
  }

  std::string ask(const std::string& requests) {
    client_->push(requests);
    run_ready(worker_.loop());
    return client_->pull();
  }
  /// How often the heap was asked between the arrival of `requests` and the end of the answers to them.
  std::size_t allocations(const std::string& requests) {
    client_->push(requests);
    const AllocCounter counter;
    run_ready(worker_.loop());
    const std::size_t count = counter.count();
    answers_ = client_->pull();
    return count;
  }
  const std::string& answers() const noexcept { return answers_; }

  Pipeline pipeline;

 private:
  SessionOptions session_options_;
  SessionLimits limits_;
  Worker worker_{0, pipeline.clock};
  std::unique_ptr<MemoryTransport> client_;
  std::optional<Started<void>> session_;
  std::string answers_;
};

const std::string kShort = "GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n";
const std::string kBrowser =
    "GET /x HTTP/1.1\r\n"
    "Host: a.example\r\n"
    "Connection: keep-alive\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.8,de;q=0.5,fr;q=0.3\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Referer: http://a.example/index.html\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-Site: same-origin\r\n\r\n";
const std::string kHead = "HEAD /x HTTP/1.1\r\nHost: a.example\r\n\r\n";
const std::string kRange = "GET /x HTTP/1.1\r\nHost: a.example\r\nRange: bytes=10-99\r\n\r\n";
const std::string kCondition = "GET /x HTTP/1.1\r\nHost: a.example\r\nIf-None-Match: \"v1\"\r\n\r\n";

}  // namespace

TEST_CASE("a hit takes nothing from the heap, from the first byte of the request to the last of the answer",
          "[scenario][allocation]") {
  struct Row {
    const char *name, *status, *vary;
    std::string requests;
  };
  const Row rows[] = {{"plain", "HTTP/1.1 200 ", "", kShort},
                      {"a browser's head", "HTTP/1.1 200 ", "", kBrowser},
                      {"a browser's head, chosen by Vary", "HTTP/1.1 200 ", "Accept-Encoding, Accept-Language", kBrowser},
                      {"pipelined", "HTTP/1.1 200 ", "", kShort + kBrowser + kShort},
                      {"HEAD", "HTTP/1.1 200 ", "", kHead},
                      {"a range", "HTTP/1.1 206 ", "", kRange},
                      {"a condition that holds", "HTTP/1.1 304 ", "", kCondition}};
  for (const Row& row : rows) {
    INFO(row.name);
    Connected client;
    client.pipeline.origin.answer = [&](const Seen&) {
      Answer answer;
      answer.fields = {{"Cache-Control", "max-age=600"},
                       {"Content-Type", "text/html; charset=utf-8"},
                       {"ETag", "\"v1\""},
                       {"Last-Modified", "Wed, 31 Dec 2025 00:00:00 GMT"},
                       {"Server", "test"}};
      if (*row.vary) answer.fields.emplace_back("Vary", row.vary);
      answer.body = std::string(8192, 'x');
      return answer;
    };
    client.ask(kBrowser);
    for (std::size_t i = 0; i < kWarmUp; ++i) client.ask(row.requests);
    std::size_t allocations = 0;
    for (std::size_t i = 0; i < kCounted; ++i) allocations += client.allocations(row.requests);
    CHECK(allocations == 0);
    CHECK(client.answers().starts_with(row.status));
    CHECK(client.answers().find("Cache-Status: freshet; hit") != std::string::npos);
    // A plain request is another variant than a browser's where Vary looks at what only browsers send.
    CHECK(client.pipeline.origin.seen.size() == 1);
  }
}

TEST_CASE("what counts allocations sees those of a miss", "[scenario][allocation]") {
  if (!AllocCounter::counts()) return;
  Connected client;
  for (int i = 0; i < 10; ++i) client.ask("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a.example\r\n\r\n");
  CHECK(client.allocations("GET /other HTTP/1.1\r\nHost: a.example\r\n\r\n") > 0);
}
