#include "freshet/base/ip.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace freshet;

TEST_CASE("An address has one form, however it is written", "[base][ip]") {
  CHECK(parse_ip("::ffff:10.1.2.3") == parse_ip("10.1.2.3"));
  CHECK(parse_ip("::ffff:a01:203") == parse_ip("10.1.2.3"));
  CHECK(parse_ip("2001:DB8:0:0::1") == parse_ip("2001:db8::1"));
  CHECK(parse_ip("10.1.2.3") != parse_ip("10.1.2.4"));
  CHECK(parse_ip("::1") != parse_ip("0.0.0.1"));
  for (const std::string text : {"", "1.2.3", "01.2.3.4", "1.2.3.4.5", "256.1.1.1", "[::1]", "::1%lo", "fe80::1%eth0", ":::",
                                 "localhost", "1.2.3.4 ", "0x7f.0.0.1"})
    CHECK_FALSE(parse_ip(text));
  CHECK_FALSE(parse_ip(std::string_view("127.0.0.1\0", 10)));
  CHECK_FALSE(parse_ip(std::string(200, '1')));
}

TEST_CASE("A host that getaddrinfo takes for an IPv4 address is that address", "[base][ip][P19]") {
  const auto loopback = parse_ip("127.0.0.1");
  for (const char* host : {"127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "017700000001",
                           "0x7f.0.0.0x1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"}) {
    INFO(host);
    CHECK(ip_of_host(host) == loopback);
  }
  CHECK(ip_of_host("[::1]") == parse_ip("::1"));
  for (const char* name : {"", "example.com", "1.example", "127.0.0.1.example", "4294967296", "256.256.256.256", "1.2.3.4.5", "08.1",
                           "[127.0.0.1", "::1", "[]", "0xg", "face", "dead.beef"}) {
    INFO(name);
    CHECK_FALSE(ip_of_host(name));
  }
}

TEST_CASE("A network has the addresses that share its prefix", "[base][ip]") {
  struct Row {
    const char *network, *inside, *outside;
  };
  const Row rows[] = {{"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
                      {"10.0.0.0/8", "::ffff:10.1.1.1", "::10.1.1.1"},
                      {"::ffff:10.0.0.0/104", "10.1.1.1", "11.0.0.0"},
                      {"192.168.4.0/22", "192.168.7.255", "192.168.8.0"},
                      {"192.0.2.1", "192.0.2.1", "192.0.2.2"},
                      {"0.0.0.0/0", "255.255.255.255", "::1"},
                      {"::/0", "::1", "10.0.0.1"},
                      {"fd00::/8", "fdff::1", "fe00::"},
                      {"2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"},
                      {"2001:db8::1/128", "2001:db8::1", "2001:db8::2"}};
  for (const Row& row : rows) {
    INFO(row.network);
    const auto network = parse_ip_network(row.network);
    REQUIRE(network);
    CHECK(network->contains(*parse_ip(row.inside)));
    CHECK_FALSE(network->contains(*parse_ip(row.outside)));
  }
  for (const char* text : {"", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/x", "::/129", "/8", "example/8", "::ffff:0.0.0.0/95", "10.0.0.0/8/8"}) {
    INFO(text);
    CHECK_FALSE(parse_ip_network(text));
  }
}
