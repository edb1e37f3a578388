#include "freshet/net/address_policy.hpp"

namespace freshet {
namespace {

namespace ip = boost::asio::ip;

struct Row {
  const char* address;
  bool internal;
};

/// For each block: the address before it, its first, its last, and the one after it.
const std::vector<Row> kRows4 = {
    {"0.0.0.0", true},          {"0.255.255.255", true},    {"1.0.0.0", false},  // RFC 791: this network
    {"9.255.255.255", false},   {"10.0.0.0", true},         {"10.255.255.255", true},   {"11.0.0.0", false},
    {"100.63.255.255", false},  {"100.64.0.0", true},       {"100.127.255.255", true},  {"100.128.0.0", false},
    {"100.100.100.200", true},  // a cloud's metadata
    {"126.255.255.255", false}, {"127.0.0.0", true},        {"127.0.0.1", true},        {"127.255.255.255", true},
    {"128.0.0.0", false},       {"168.63.129.15", false},   {"168.63.129.16", true},    {"168.63.129.17", false},
    {"169.253.255.255", false}, {"169.254.0.0", true},      {"169.254.169.254", true},  {"169.254.255.255", true},
    {"169.255.0.0", false},     {"172.15.255.255", false},  {"172.16.0.0", true},       {"172.31.255.255", true},
    {"172.32.0.0", false},      {"191.255.255.255", false}, {"192.0.0.0", true},        {"192.0.0.9", true},
    {"192.0.0.192", true},      {"192.0.0.255", true},      {"192.0.1.0", false},       {"192.0.1.255", false},
    {"192.0.2.0", true},        {"192.0.2.255", true},      {"192.0.3.0", false},       {"192.31.196.1", false},
    {"192.52.193.1", false},    {"192.88.98.255", false},   {"192.88.99.0", true},      {"192.88.99.255", true},
    {"192.88.100.0", false},    {"192.167.255.255", false}, {"192.168.0.0", true},      {"192.168.255.255", true},
    {"192.169.0.0", false},     {"192.175.48.1", false},    {"198.17.255.255", false},  {"198.18.0.0", true},
    {"198.19.255.255", true},   {"198.20.0.0", false},      {"198.51.99.255", false},   {"198.51.100.0", true},
    {"198.51.100.255", true},   {"198.51.101.0", false},    {"203.0.112.255", false},   {"203.0.113.0", true},
    {"203.0.113.255", true},    {"203.0.114.0", false},     {"223.255.255.255", false}, {"224.0.0.0", true},
    {"239.255.255.255", true},  {"240.0.0.0", true},        {"255.255.255.254", true},  {"255.255.255.255", true},
    {"8.8.8.8", false},         {"93.184.216.34", false},
};

const std::vector<Row> kRows6 = {
    {"::", true},
    {"::1", true},
    {"::2", true},
    {"::1.1.1.1", true},  // IPv4-compatible (RFC 4291 2.5.5.1): nobody routes it
    {"::10.0.0.1", true},
    {"::fffe:ffff:ffff", true},
    {"::ffff:0.0.0.0", true},  // IPv4-mapped (RFC 4291 2.5.5.2): the inner address decides
    {"::ffff:8.8.8.8", false},
    {"::ffff:127.0.0.1", true},
    {"::ffff:169.254.169.254", true},
    {"::ffff:10.255.255.255", true},
    {"::ffff:11.0.0.0", false},
    {"::ffff:0:8.8.8.8", true},  // IPv4-translated (RFC 2765)
    {"64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", true},
    {"64:ff9b::", true},  // NAT64 (RFC 6052)
    {"64:ff9b::8.8.8.8", false},
    {"64:ff9b::127.0.0.1", true},
    {"64:ff9b::169.254.169.254", true},
    {"64:ff9b::192.168.1.1", true},
    {"64:ff9b::1:808:808", true},  // outside the /96
    {"64:ff9b:1::", true},         // local NAT64 (RFC 8215)
    {"64:ff9b:1::8.8.8.8", true},
    {"64:ff9b:1:ffff:ffff:ffff:ffff:ffff", true},
    {"100::", true},  // discard only (RFC 6666)
    {"100::ffff:ffff:ffff:ffff", true},
    {"100:0:0:1::1", true},
    {"1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
    {"2000::", false},  // global unicast
    {"2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
    {"2001:0:808:808::f7f7:f7f7", false},  // Teredo (RFC 4380): server 8.8.8.8, client 8.8.8.8
    {"2001:0:a00:1::f7f7:f7f7", true},     // server 10.0.0.1
    {"2001:0:808:808::f5ff:fffe", true},   // client 10.0.0.1
    {"2001:0:808:808::80ff:fffe", true},   // client 127.0.0.1
    {"2001:1::", true},
    {"2001:1::1", true},  // port control protocol anycast: answered nearby
    {"2001:2::", true},   // benchmarking (RFC 5180)
    {"2001:2:0:ffff:ffff:ffff:ffff:ffff", true},
    {"2001:2:ffff:ffff:ffff:ffff:ffff:ffff", true},
    {"2001:3::", false},  // AMT
    {"2001:3:ffff:ffff:ffff:ffff:ffff:ffff", false},
    {"2001:4::", true},
    {"2001:4:111:ffff:ffff:ffff:ffff:ffff", true},
    {"2001:4:112::", false},  // AS112
    {"2001:4:112:ffff:ffff:ffff:ffff:ffff", false},
    {"2001:4:113::", true},
    {"2001:10::", true},  // ORCHID, deprecated
    {"2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", true},
    {"2001:20::", false},  // ORCHIDv2
    {"2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", false},
    {"2001:30::", false},
    {"2001:3f:ffff:ffff:ffff:ffff:ffff:ffff", false},
    {"2001:40::", true},
    {"2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", true},
    {"2001:200::", false},
    {"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", false},
    {"2001:db8::", true},  // documentation (RFC 3849)
    {"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true},
    {"2001:db9::", false},
    {"2001:4860:4860::8888", false},
    {"2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
    {"2002::", true},  // 6to4 (RFC 3056): 0.0.0.0
    {"2002:808:808::1", false},
    {"2002:7f00:1::1", true},
    {"2002:a9fe:a9fe::", true},
    {"2002:c0a8:101::", true},
    {"2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
    {"2003::", false},
    {"2606:4700:4700::1111", false},
    {"2620:4f:8000::1", false},  // AS112
    {"3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
    {"3fff::", true},  // documentation (RFC 9637)
    {"3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", true},
    {"3fff:1000::", false},
    {"3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
    {"4000::", true},
    {"5f00::1", true},  // SRv6 segment identifiers (RFC 9602)
    {"fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
    {"fc00::", true},  // unique local (RFC 4193)
    {"fd00:ec2::254", true},
    {"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
    {"fe80::", true},  // link-local
    {"fe80::1%1", true},
    {"febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
    {"fec0::1", true},  // site-local, deprecated by RFC 3879
    {"feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
    {"ff00::", true},  // multicast
    {"ff02::1%1", true},
    {"ff0e::1", true},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
};

TEST_CASE("every block of the special-purpose registries is judged up to its edges", "[net][address][rfc6890]") {
  for (const auto* rows : {&kRows4, &kRows6}) {
    for (const Row& row : *rows) {
      CAPTURE(row.address);
      CHECK(is_internal_address(ip::make_address(row.address)) == row.internal);
    }
  }
}

TEST_CASE("an internal IPv4 address stays internal in every IPv6 dress", "[net][address]") {
  for (const Row& row : kRows4) {
    CAPTURE(row.address);
    const auto bytes = ip::make_address_v4(row.address).to_bytes();
    const auto dressed = [&bytes](const char* prefix, std::size_t position, unsigned char invert = 0) {
      auto v6 = ip::make_address_v6(prefix).to_bytes();
      for (std::size_t i = 0; i < 4; ++i) v6[position + i] = static_cast<unsigned char>(bytes[i] ^ invert);
      return ip::address(ip::address_v6(v6));
    };
    CHECK(is_internal_address(dressed("::ffff:0:0", 12)) == row.internal);
    CHECK(is_internal_address(dressed("64:ff9b::", 12)) == row.internal);
    CHECK(is_internal_address(dressed("2002::", 2)) == row.internal);
    CHECK(is_internal_address(dressed("2001:0:808:808::", 12, 0xff)) == row.internal);
    CHECK(is_internal_address(dressed("2001::f7f7:f7f7", 4)) == row.internal);
    CHECK(is_internal_address(dressed("::", 12)));
    CHECK(is_internal_address(dressed("64:ff9b:1::", 12)));
  }
}

TEST_CASE("a network is read strictly", "[net][address]") {
  for (const char* text : {"",
                           "/",
                           "/8",
                           "10.0.0.0/",
                           "10.0.0.0/33",
                           "10.0.0.0/-1",
                           "10.0.0.0/+8",
                           "10.0.0.0/08",
                           "10.0.0.0/8 ",
                           " 10.0.0.0/8",
                           "10.0.0.0/8/8",
                           "10.0.0.1/8",
                           "10.0.0/8",
                           "10/8",
                           "010.0.0.0/8",
                           "0x0a.0.0.0/8",
                           "256.0.0.0/8",
                           "10.0.0.0/255.0.0.0",
                           "fd00::/129",
                           "fd00::1/8",
                           "fd00::/",
                           "[fd00::]/8",
                           "fe80::1%1",
                           "fe80::%1/64",
                           "::/0x0",
                           "localhost",
                           "10.0.0.0/8\n",
                           "10.128.0.0/8",
                           "fe80::/8",
                           "10.0.0.0/18446744073709551624"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_network(text));
  }
  CHECK_FALSE(parse_network(std::string_view("10.0.0.0\0/8", 11)));
  CHECK_FALSE(parse_network(std::string_view("10.0.0.0/8\0", 11)));
}

TEST_CASE("a network contains what its prefix says", "[net][address]") {
  struct Contained {
    const char *network, *address;
    bool inside;
  };
  for (const auto& row : std::vector<Contained>{
           {"10.0.0.0/8", "10.0.0.0", true},
           {"10.0.0.0/8", "10.255.255.255", true},
           {"10.0.0.0/8", "11.0.0.0", false},
           {"10.0.0.0/8", "::ffff:10.1.2.3", true},
           {"10.0.0.0/8", "::10.1.2.3", false},
           {"10.0.0.0/8", "64:ff9b::10.1.2.3", false},
           {"10.0.0.0/8", "a00::", false},
           {"10.0.0.1", "10.0.0.1", true},
           {"10.0.0.1", "10.0.0.0", false},
           {"10.0.0.1/32", "10.0.0.1", true},
           {"192.168.0.128/25", "192.168.0.127", false},
           {"192.168.0.128/25", "192.168.0.128", true},
           {"192.168.0.128/25", "192.168.1.0", false},
           {"0.0.0.0/0", "255.255.255.255", true},
           {"0.0.0.0/0", "::1", false},
           {"::/0", "::1", true},
           {"::/0", "10.0.0.1", false},
           {"fd00::/8", "fdff::1", true},
           {"fd00::/8", "fc00::1", false},
           {"fd00::/8", "253.0.0.0", false},
           {"fe80::/10", "febf::1%3", true},
           {"fe80::/10", "fec0::1", false},
           {"::1", "::1", true},
           {"::1/128", "::2", false},
           {"::ffff:10.0.0.0/104", "10.9.9.9", true},
           {"::ffff:10.0.0.0/104", "::ffff:10.9.9.9", true},
           {"::ffff:10.0.0.0/104", "11.0.0.0", false},
           {"::ffff:10.0.0.1", "10.0.0.1", true},
           {"::ffff:0:0/96", "1.2.3.4", true},
       }) {
    CAPTURE(row.network, row.address);
    const auto network = parse_network(row.network);
    REQUIRE(network);
    CHECK(network->contains(ip::make_address(row.address)) == row.inside);
  }
}

TEST_CASE("internal addresses are refused unless all or theirs are allowed", "[net][address]") {
  const auto address = [](const char* text) { return ip::make_address(text); };
  AddressPolicy closed;
  CHECK(closed.allows(address("93.184.216.34")));
  CHECK_FALSE(closed.allows(address("127.0.0.1")));
  CHECK_FALSE(closed.allows(address("::ffff:127.0.0.1")));

  AddressPolicy exceptions;
  exceptions.allowed = {*parse_network("10.1.0.0/16"), *parse_network("fd12::/16")};
  CHECK(exceptions.allows(address("10.1.2.3")));
  CHECK(exceptions.allows(address("::ffff:10.1.2.3")));
  CHECK(exceptions.allows(address("fd12::1")));
  CHECK(exceptions.allows(address("93.184.216.34")));
  CHECK_FALSE(exceptions.allows(address("10.2.0.1")));
  CHECK_FALSE(exceptions.allows(address("64:ff9b::10.1.2.3")));
  CHECK_FALSE(exceptions.allows(address("169.254.169.254")));

  AddressPolicy open;
  open.allow_internal = true;
  CHECK(open.allows(address("127.0.0.1")));
  CHECK(open.allows(address("fe80::1%1")));
}

}  // namespace
}  // namespace freshet
