// Whose connections are counted together, and that nothing is left of those that are gone.
#include "freshet/frontend/client_table.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

using namespace freshet;

TEST_CASE("One client is one IPv4 address or one IPv6 /64", "[frontend][rfc4291-2.5.4]") {
  struct Row {
    const char* one;
    const char* other;
    bool same;
  };
  const Row rows[] = {
      {"192.0.2.1", "192.0.2.1", true},
      {"192.0.2.1", "192.0.2.2", false},
      {"192.0.2.1", "::ffff:192.0.2.1", true},
      {"192.0.2.1", "64:ff9b::192.0.2.1", true},  // RFC 6052 2.1
      {"64:ff9b::192.0.2.1", "64:ff9b::192.0.2.2", false},
      {"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
      {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
      {"fe80::1", "fe80::2", false},  // one link, many hosts
      {"fe80::1", "fe80::1", true},
      {"2001:db8::1", "192.0.2.1", false},
  };
  for (const Row& row : rows) {
    INFO(row.one << " " << row.other);
    REQUIRE(client_key(row.one));
    REQUIRE(client_key(row.other));
    CHECK((client_key(row.one) == client_key(row.other)) == row.same);
  }
}

TEST_CASE("Loopback and what is no address are not counted", "[frontend]") {
  for (const char* address :
       {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1", "", "a.example", "1.2.3"}) {
    INFO(address);
    CHECK(!client_key(address));
  }
}

TEST_CASE("A client gets as many places as the limit says, and others get theirs", "[frontend]") {
  ClientTable table(2);
  const ClientKey one = *client_key("192.0.2.1"), other = *client_key("2001:db8::1");
  CHECK(!table.is_full(one));
  CHECK(table.enter(one));
  CHECK(table.enter(one));
  CHECK(table.is_full(one));
  CHECK(!table.enter(one));
  CHECK(table.enter(other));
  CHECK(table.addresses() == 2);
  table.leave(one);
  CHECK(table.enter(one));
  table.leave(one);
  table.leave(one);
  table.leave(other);
  CHECK(table.addresses() == 0);
  CHECK(ClientTable(0).limits() == false);
}

TEST_CASE("The table counts right when all workers use it at once, and holds nothing afterwards", "[frontend][P21]") {
  constexpr unsigned kThreads = 4, kClients = 50, kRounds = 2000, kLimit = 3;
  ClientTable table(kLimit);
  std::vector<std::atomic<unsigned>> held(kClients);
  std::atomic<bool> too_many{false};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < kRounds; ++i) {
        const unsigned client = (i * (t + 1)) % kClients;
        const ClientKey key = *client_key("192.0.2." + std::to_string(client));
        if (!table.enter(key)) continue;
        if (held[client].fetch_add(1) + 1 > kLimit) too_many = true;
        held[client].fetch_sub(1);
        table.leave(key);
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(!too_many);
  CHECK(table.addresses() == 0);
}
