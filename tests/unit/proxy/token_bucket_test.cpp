// Rate limits in numbers: the bucket, and which one a request takes its token from.
#include "freshet/proxy/token_bucket.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <vector>

#include "freshet/proxy/rate_limit.hpp"
#include "support/fake_clock.hpp"

using namespace freshet;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

namespace {

const SteadyTime kStart = test::FakeClock::start_steady();

class NoInterim final : public Interim {
 public:
  Task<void> send(ResponseHead) override { co_return; }
};

struct Client {
  Arena arena;
  Peer peer;
  NoInterim interim;
  Request request{arena, peer, interim};
  explicit Client(std::string address) { peer.address = std::move(address); }
  Client(std::string address, std::string_view name, std::string_view value) : Client(std::move(address)) {
    request.head.fields.add(name, value);
  }
};

RateLimit limit_by(std::string header = {}, std::uint16_t id = 0) {
  RateLimit limit;
  limit.header = std::move(header);
  limit.id = id;
  return limit;
}

}  // namespace

TEST_CASE("A rate is requests in a time, and a burst", "[proxy][rate]") {
  struct Row {
    std::uint32_t requests;
    Milliseconds per;
    std::uint32_t burst;
    nanoseconds interval;
    std::uint32_t holds;
  };
  const Row rows[] = {
      {100, milliseconds(1000), 0, milliseconds(10), 100},
      {100, milliseconds(1000), 200, milliseconds(10), 200},
      {1, milliseconds(3600000), 1, std::chrono::hours(1), 1},
      {3, milliseconds(1000), 0, nanoseconds(333333334), 3},
      {1000000, milliseconds(1), 0, nanoseconds(1), 1000000},
      {1000000, milliseconds(1000), 1, nanoseconds(1000), 1},
      {0, milliseconds(0), 0, nanoseconds(1), 1},  // nobody configures that; it must not divide by it
  };
  for (const Row& row : rows) {
    const TokenRate rate = make_token_rate(row.requests, row.per, row.burst);
    CHECK(rate.interval == row.interval);
    CHECK(rate.burst == row.holds);
  }
}

TEST_CASE("A bucket gives its burst at once, and then one token in each interval", "[proxy][rate]") {
  const TokenRate rate = make_token_rate(10, milliseconds(1000), 3);
  struct Row {
    int at;    // ms
    int wait;  // ms; 0: a token
  };
  const Row rows[] = {
      {0, 0},     {0, 0},       {0, 0},    {0, 100}, {40, 60},   {99, 1},    {100, 0}, {100, 100},
      {350, 0},   {350, 0},     {350, 50}, {400, 0}, {10000, 0}, {10000, 0},  // a long pause fills it, not more
      {10000, 0}, {10000, 100},
  };
  SteadyTime full_at = SteadyTime::min();
  for (const Row& row : rows) {
    INFO(row.at);
    CHECK(take_token(rate, kStart + milliseconds(row.at), full_at) == milliseconds(row.wait));
  }
}

TEST_CASE("A refused request takes nothing: it does not prolong the wait", "[proxy][rate]") {
  const TokenRate rate = make_token_rate(1, milliseconds(1000), 1);
  SteadyTime full_at = kStart;
  CHECK(take_token(rate, kStart, full_at) == nanoseconds(0));
  for (int i = 0; i < 1000; ++i) CHECK(take_token(rate, kStart + milliseconds(500), full_at) == milliseconds(500));
  CHECK(take_token(rate, kStart + milliseconds(1000), full_at) == nanoseconds(0));
}

TEST_CASE("A time that another worker has read a little earlier gives nothing away", "[proxy][rate]") {
  const TokenRate rate = make_token_rate(1, milliseconds(1000), 1);
  SteadyTime full_at = SteadyTime::min();
  CHECK(take_token(rate, kStart, full_at) == nanoseconds(0));
  CHECK(take_token(rate, kStart - milliseconds(5), full_at) == milliseconds(1005));
}

TEST_CASE("The largest rates do not overflow", "[proxy][rate]") {
  const TokenRate rate = make_token_rate(1, std::chrono::hours(1), 1000000);
  const SteadyTime late = SteadyTime(std::chrono::hours(24 * 365 * 100));
  SteadyTime full_at = SteadyTime::min();
  for (int i = 0; i < 1000000; ++i) REQUIRE(take_token(rate, late, full_at) == nanoseconds(0));
  CHECK(take_token(rate, late, full_at) == std::chrono::hours(1));
}

TEST_CASE("Retry-After is whole seconds, rounded up", "[proxy][rate][RFC 9110 10.2.3]") {
  CHECK(retry_after_seconds(nanoseconds(0)) == 0);
  CHECK(retry_after_seconds(nanoseconds(1)) == 1);
  CHECK(retry_after_seconds(milliseconds(1000)) == 1);
  CHECK(retry_after_seconds(milliseconds(1001)) == 2);
  CHECK(retry_after_seconds(nanoseconds::max()) == std::numeric_limits<std::uint32_t>::max());
}

TEST_CASE("Clients are told apart by address, IPv6 by network, or by a field", "[proxy][rate]") {
  struct Row {
    Client a, b;
    const char* header;
    bool same;
  };
  const Row rows[] = {
      {Client("192.0.2.1"), Client("192.0.2.1"), "", true},
      {Client("192.0.2.1"), Client("192.0.2.2"), "", false},
      {Client("2001:db8::1"), Client("2001:db8::ffff:1"), "", true},
      {Client("2001:db8:0:1::1"), Client("2001:db8:0:2::1"), "", false},
      {Client("2001:db8::1"), Client("2001:db8:0:0:1::1"), "", true},
      {Client("2001:db8::1:2:3:4:5"), Client("2001:db8:0:1::9"), "", true},
      {Client("2001:db8::1:2:3:4:5"), Client("2001:db8::9"), "", false},
      {Client("1:2:3:4:5:6:7:8"), Client("1:2:3:4::"), "", true},
      {Client("1:2:3:4:5:6:7:8"), Client("1:2:3:5:5:6:7:8"), "", false},
      {Client("::1"), Client("::2"), "", true},
      {Client("fe80::1"), Client("::1"), "", false},
      {Client("::ffff:192.0.2.1"), Client("192.0.2.1"), "", true},
      {Client("::ffff:192.0.2.1"), Client("::ffff:192.0.2.2"), "", false},
      {Client("unix"), Client("unix"), "", true},
      {Client("unix"), Client("other"), "", false},
      {Client("192.0.2.1", "X-Api-Key", "k"), Client("192.0.2.2", "x-api-key", "k"), "X-Api-Key", true},
      {Client("192.0.2.1", "X-Api-Key", "k"), Client("192.0.2.1", "X-Api-Key", "l"), "X-Api-Key", false},
      {Client("192.0.2.1"), Client("192.0.2.1", "X-Api-Key", ""), "X-Api-Key", true},  // without it: by address
      {Client("192.0.2.1"), Client("192.0.2.2"), "X-Api-Key", false},
      {Client("192.0.2.1"), Client("192.0.2.1", "X-Api-Key", "192.0.2.1"), "X-Api-Key", false},
      {Client("192.0.2.1", "X-Api-Key", "k"), Client("192.0.2.2", "X-Api-Key", "k"), "", false},
      {Client("192.0.2.1", "Authorization", "k"), Client("192.0.2.2", "Authorization", "k"), "authorization", true},
  };
  for (const Row& row : rows) {
    INFO(row.a.peer.address << ' ' << row.b.peer.address << ' ' << row.header);
    const RateLimit limit = limit_by(row.header);
    CHECK((rate_key(row.a.request, limit) == rate_key(row.b.request, limit)) == row.same);
  }
  const Client client("192.0.2.1");
  CHECK(rate_key(client.request, limit_by("", 1)) != rate_key(client.request, limit_by("", 2)));
}

TEST_CASE("Buckets do not disturb one another", "[proxy][rate]") {
  RateTable table;
  const TokenRate rate = make_token_rate(1, milliseconds(1000), 1);
  for (std::uint64_t key = 1; key <= 1000; ++key)
    CHECK(table.take(key * 0x9e3779b97f4a7c15u, rate, kStart) == nanoseconds(0));
  for (std::uint64_t key = 1; key <= 1000; ++key)
    CHECK(table.take(key * 0x9e3779b97f4a7c15u, rate, kStart) == milliseconds(1000));
}

TEST_CASE("A million strangers do not make the table forget who has used up his tokens", "[proxy][rate]") {
  RateTable table(64);
  const TokenRate rate = make_token_rate(10, milliseconds(60000), 10);
  const std::uint64_t punished = 42;
  for (int i = 0; i < 10; ++i) CHECK(table.take(punished, rate, kStart) == nanoseconds(0));
  CHECK(table.take(punished, rate, kStart) > nanoseconds(0));
  for (std::uint64_t stranger = 1; stranger <= 1000000; ++stranger)
    table.take(stranger * 0x9e3779b97f4a7c15u, rate, kStart);
  CHECK(table.take(punished, rate, kStart) > nanoseconds(0));
}

TEST_CASE("Strangers under a slow limit do not push out those under a fast one", "[proxy][rate]") {
  RateTable table(8);
  const TokenRate fast = make_token_rate(10, milliseconds(1000), 10),
                  slow = make_token_rate(10, milliseconds(3600000), 10);
  for (int i = 0; i < 10; ++i) table.take(42, fast, kStart);
  for (std::uint64_t stranger = 100; stranger < 200; ++stranger) table.take(stranger, slow, kStart);
  CHECK(table.take(42, fast, kStart) > nanoseconds(0));
}

TEST_CASE("The bucket that has been full the longest is the one that is reused", "[proxy][rate]") {
  RateTable table(8);
  const TokenRate rate = make_token_rate(1, milliseconds(1000), 1);
  for (std::uint64_t key = 1; key <= 8; ++key)
    table.take(key, rate, kStart + milliseconds(100 * static_cast<int>(key)));
  table.take(9, rate, kStart + milliseconds(1150));  // the bucket of 1 is full again
  CHECK(table.take(9, rate, kStart + milliseconds(1150)) > nanoseconds(0));
  for (std::uint64_t key = 2; key <= 8; ++key)
    CHECK(table.take(key, rate, kStart + milliseconds(1150)) > nanoseconds(0));
}
