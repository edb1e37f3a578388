// The claim that a hit on a kept-alive connection takes nothing from the heap, through the real session, pipeline and store.
#include <catch2/catch.hpp>

#include "freshet/frontend/listener.hpp"
#include "freshet/net/worker.hpp"
#include "support/pipeline.hpp"
#include "support/run_loop.hpp"
#include "support/tireless_client.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

struct Findings {
  std::size_t allocations = 999;
  std::string answer;
  std::uint64_t hits = 0, misses = 0;
};

/// One client of the pipeline's first listener sends `requests` `rounds` times.
Findings ask(Pipeline& pipeline, const std::string& requests, std::size_t rounds) {
  Findings found;
  SessionOptions options;
  SessionLimits limits;
  Worker worker(0, pipeline.clock);
  Peer peer;
  peer.address = "192.0.2.7";
  auto client = std::make_unique<TirelessClient>(requests, rounds, found.allocations, &found.answer);
  const auto session = start(worker.loop(), run_h1_session(std::move(client), std::move(peer), worker, *pipeline.proxy, options,
                                                           limits, pipeline.counters, nullptr));
  run_ready(worker.loop());
  REQUIRE(session.done());
  const auto count = [&](CacheResult result) { return pipeline.counters.cache_requests[static_cast<std::size_t>(result)].get(); };
  found.hits = count(CacheResult::Hit);
  found.misses = count(CacheResult::Miss);
  return found;
}

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

TEST_CASE("a hit takes nothing from the heap, and a range of one no more than its list", "[scenario][allocation]") {
  struct Row {
    const char *name, *answer, *vary;
    std::string requests;
    std::size_t each, most;  ///< requests and allocations in each round
  };
  const Row rows[] = {{"the shortest head", "HTTP/1.1 200", "", kShort, 1, 0},
                      {"a browser's head", "HTTP/1.1 200", "", kBrowser, 1, 0},
                      {"a browser's head, chosen by Vary", "HTTP/1.1 200", "Accept-Encoding, Accept-Language", kBrowser, 1, 0},
                      {"pipelined", "HTTP/1.1 200", "", kBrowser + kShort + kBrowser, 3, 0},
                      {"HEAD", "HTTP/1.1 200", "", kHead, 1, 0},
                      {"a range", "HTTP/1.1 206", "", kRange, 1, 1},
                      {"a condition that holds", "HTTP/1.1 304", "", kCondition, 1, 0}};
  for (const Row& row : rows) {
    INFO(row.name);
    constexpr std::size_t kRounds = 500;
    Pipeline pipeline;
    pipeline.origin.answer = [&](const Seen&) {
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
    ask(pipeline, kBrowser, 1);
    const Findings found = ask(pipeline, row.requests, kRounds);
    CHECK(found.answer == row.answer);
    CHECK(found.misses == 1);
    CHECK(found.hits == kRounds * row.each);
    if (AllocCounter::counts()) CHECK(found.allocations == (kRounds - TirelessClient::kWarmUp) * row.most);
  }
}

TEST_CASE("a rate limit takes nothing from the heap either", "[scenario][allocation][rate]") {
  for (const char* header : {"", "User-Agent"}) {
    ProxyOptions limited = Pipeline::default_options();
    limited.rates = std::make_shared<RateTable>();
    RateLimit limit;
    limit.rate = make_token_rate(1000000, Milliseconds(1000), 0);
    limit.header = header;
    limited.listeners[0].routes[0].rate = limit;
    Pipeline pipeline(limited);
    constexpr std::size_t kRounds = 500;
    ask(pipeline, kBrowser, 1);
    const Findings found = ask(pipeline, kBrowser, kRounds);
    CHECK(found.hits == kRounds);
    if (AllocCounter::counts()) CHECK(found.allocations == 0);
  }
}

TEST_CASE("the count of allocations sees those of answers that are not stored", "[scenario][allocation]") {
  if (!AllocCounter::counts()) return;
  Pipeline pipeline;
  pipeline.origin.answer = [](const Seen&) {
    Answer answer;
    answer.fields = {{"Cache-Control", "no-store"}};
    answer.body = "hello";
    return answer;
  };
  const Findings found = ask(pipeline, kShort, TirelessClient::kWarmUp + 10);
  CHECK(found.hits == 0);
  CHECK(found.allocations >= 10);
}
