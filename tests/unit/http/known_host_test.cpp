#include "freshet/http/known_host.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "freshet/http/target.hpp"

using namespace freshet;

TEST_CASE("what is known of a Host is what normalise_authority() says of it", "[http][known_host][rfc9110-7.2]") {
  const std::vector<std::string> hosts{"a",        "a.test",   "A.test", "a.test.", "a.test:80",  "a.test:443", "a.test:8080",
                                       "a.test:0", "b.test",   "",       "a test",  "a..test",    "[::1]",      "[::1]:80",
                                       "[::A]",    "a.test:",  "127.0.0.1:8080",    "a.test:080", std::string(56, 'a'), std::string(57, 'a'),
                                       std::string(55, 'b') + ":8"};
  KnownHost known;
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    const std::string& host = hosts[random() % hosts.size()];
    const std::string_view scheme = random() % 4 == 0 ? "https" : "http";
    Arena arena;
    CAPTURE(host, scheme);
    for (int times = 0; times < 2; ++times) REQUIRE(known.normalise(host, scheme, arena) == normalise_authority(host, scheme, arena));
  }
}

TEST_CASE("a known Host is said in the bytes that came now", "[http][known_host]") {
  KnownHost known;
  Arena arena;
  const std::string before = "a.test:80", now = before;
  REQUIRE(known.normalise(before, "http", arena) == "a.test");
  const auto again = known.normalise(now, "http", arena);
  REQUIRE(again == "a.test");
  CHECK(again->data() == now.data());
  CHECK(arena.held() == 0);
}
