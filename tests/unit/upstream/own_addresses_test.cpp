#include "freshet/upstream/own_addresses.hpp"

#include <catch2/catch.hpp>

#include "freshet/upstream/dialler.hpp"

using namespace freshet;
using boost::asio::ip::make_address;

TEST_CASE("An address is ours when dialling it would reach one of our listeners", "[upstream][loop]") {
  struct Row {
    const char* listener;
    const char* dialled;
    std::uint16_t port;
    bool ours;
  };
  const Row rows[] = {
      {"127.0.0.1", "127.0.0.1", 3128, true},
      {"127.0.0.1", "127.0.0.1", 3129, false},
      {"127.0.0.1", "127.0.0.2", 3128, false},
      {"127.0.0.1", "198.51.100.7", 3128, false},
      {"127.0.0.1", "::ffff:127.0.0.1", 3128, true},
      {"127.0.0.1", "0.0.0.0", 3128, true},
      {"127.0.0.1", "::1", 3128, false},
      {"0.0.0.0", "127.0.0.1", 3128, true},
      {"0.0.0.0", "127.9.9.9", 3128, true},
      {"0.0.0.0", "0.0.0.0", 3128, true},
      {"0.0.0.0", "198.51.100.7", 3128, true},
      {"0.0.0.0", "198.51.100.7", 80, false},
      {"0.0.0.0", "198.51.100.8", 3128, false},
      {"0.0.0.0", "::1", 3128, false},
      {"::", "::1", 3128, true},
      {"::", "::", 3128, true},
      {"::", "2001:db8::7", 3128, true},
      {"::", "2001:db8::8", 3128, false},
      {"::", "127.0.0.1", 3128, false},
      {"::1", "::", 3128, true},
      {"[::1]", "::1", 3128, true},
      {"not-an-address", "127.0.0.1", 3128, false},
  };
  for (const Row& row : rows) {
    const OwnAddresses own({{row.listener, 3128}, {"203.0.113.1", 0}},
                           {make_address("198.51.100.7"), make_address("2001:db8::7")});
    INFO(row.listener << " <- " << row.dialled << ":" << row.port);
    CHECK(own.contains({make_address(row.dialled), row.port}) == row.ours);
  }
}

TEST_CASE("A listener without a port is nobody's address", "[upstream][loop]") {
  const OwnAddresses own({{"127.0.0.1", 0}}, {});
  CHECK_FALSE(own.contains({make_address("127.0.0.1"), 0}));
}

TEST_CASE("This machine has a loopback address", "[upstream][loop]") {
  bool loopback = false;
  for (const auto& address : local_addresses()) loopback = loopback || address.is_loopback();
  CHECK(loopback);
}
