#include "freshet/net/listen_socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/ip/v6_only.hpp>

namespace freshet {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

bool option(tcp::acceptor& acceptor, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  REQUIRE(::getsockopt(acceptor.native_handle(), SOL_SOCKET, name, &value, &size) == 0);
  return value != 0;
}

struct Fixture {
  asio::io_context loop{1};
  std::string error;

  tcp::acceptor open(const std::string& address, std::uint16_t port, bool exclusive) {
    error.clear();
    return open_listen_socket(loop, {address, port}, exclusive, error);
  }
};

TEST_CASE("a listening socket is shared by port, never blocks and is not inherited", "[net][listen]") {
  Fixture f;
  auto acceptor = f.open("127.0.0.1", 0, true);
  CHECK(f.error == "");
  REQUIRE(acceptor.is_open());
  CHECK(acceptor.local_endpoint().port() != 0);
  CHECK(acceptor.local_endpoint().address().to_string() == "127.0.0.1");
  CHECK(option(acceptor, SO_REUSEADDR));
  CHECK(option(acceptor, SO_REUSEPORT));
  CHECK(option(acceptor, SO_ACCEPTCONN));
  CHECK(acceptor.non_blocking());
  CHECK((::fcntl(acceptor.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
  tcp::socket client(f.loop);
  client.connect(acceptor.local_endpoint());
  CHECK(acceptor.accept().is_open());
}

TEST_CASE("a listening socket holds silent connections back, or has those of one processor, only where it is told to", "[net][listen]") {
  Fixture f;
  const auto number = [](tcp::acceptor& acceptor, int level, int name) {
    int value = -2;
    socklen_t size = sizeof value;
    REQUIRE(::getsockopt(acceptor.native_handle(), level, name, &value, &size) == 0);
    return value;
  };
  auto plain = f.open("127.0.0.1", 0, true);
  CHECK(number(plain, IPPROTO_TCP, TCP_DEFER_ACCEPT) == 0);
  CHECK(number(plain, SOL_SOCKET, SO_INCOMING_CPU) == -1);
  auto told = open_listen_socket(f.loop, {"127.0.0.1", 0, true, 0u}, true, f.error);
  CHECK(f.error == "");
  CHECK(number(told, IPPROTO_TCP, TCP_DEFER_ACCEPT) == 1);
  CHECK(number(told, SOL_SOCKET, SO_INCOMING_CPU) == 0);
  tcp::socket client(f.loop);
  client.connect(told.local_endpoint());
  boost::system::error_code error;
  CHECK_FALSE(told.accept(error).is_open());
  CHECK(error == asio::error::would_block);
  client.send(asio::buffer("x", 1));
  pollfd arrived{told.native_handle(), POLLIN, 0};
  REQUIRE(::poll(&arrived, 1, 10000) == 1);
  CHECK(told.accept().is_open());
}

TEST_CASE("each worker can open the same port, and the kernel gives connections to all", "[net][listen]") {
  Fixture f;
  auto first = f.open("127.0.0.1", 0, true);
  auto second = f.open("127.0.0.1", first.local_endpoint().port(), false);
  CHECK(f.error == "");
  REQUIRE(second.is_open());
  std::vector<tcp::socket> clients;
  for (int i = 0; i < 64; ++i) {
    clients.emplace_back(f.loop);
    clients.back().connect(first.local_endpoint());
  }
  int counts[2] = {};
  for (int i = 0; i < 2; ++i) {
    auto& acceptor = i == 0 ? first : second;
    boost::system::error_code error;
    while (acceptor.accept(error).is_open()) ++counts[i];
    CHECK(error == asio::error::would_block);
  }
  CHECK(counts[0] > 0);
  CHECK(counts[1] > 0);
  CHECK(counts[0] + counts[1] == 64);
}

TEST_CASE("the first socket of a port refuses to share it with another program", "[net][listen]") {
  Fixture f;
  auto first = f.open("127.0.0.1", 0, true);
  const auto port = first.local_endpoint().port();
  const auto second = f.open("127.0.0.1", port, true);
  CHECK_FALSE(second.is_open());
  CHECK(f.error == "cannot listen on 127.0.0.1:" + std::to_string(port) + ": address already in use");
  const auto everywhere = f.open("0.0.0.0", port, true);
  CHECK_FALSE(everywhere.is_open());
  CHECK(f.error == "cannot listen on 0.0.0.0:" + std::to_string(port) + ": address already in use");
}

TEST_CASE("a socket without SO_REUSEPORT is in the way of every worker", "[net][listen]") {
  Fixture f;
  tcp::acceptor other(f.loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  const bool exclusive = GENERATE(true, false);
  CHECK_FALSE(f.open("127.0.0.1", other.local_endpoint().port(), exclusive).is_open());
  CHECK(f.error.find("address already in use") != std::string::npos);
}

TEST_CASE("a port can be opened again while old connections linger", "[net][listen]") {
  Fixture f;
  auto first = f.open("127.0.0.1", 0, true);
  const auto endpoint = first.local_endpoint();
  tcp::socket client(f.loop);
  client.connect(endpoint);
  auto server = first.accept();
  const bool finished = GENERATE(true, false);
  first.close();
  if (finished) {  // the side that closes first stays in TIME_WAIT
    server.close();
    char byte;
    boost::system::error_code error;
    client.read_some(asio::buffer(&byte, 1), error);
    CHECK(error == asio::error::eof);
    client.close();
  }
  auto again = f.open("127.0.0.1", endpoint.port(), true);
  CHECK(f.error == "");
  CHECK(again.is_open());
}

TEST_CASE("IPv6 and IPv4 share a port number without sharing a socket", "[net][listen]") {
  Fixture f;
  auto v6 = f.open("::1", 0, true);
  if (!v6.is_open()) {
    WARN("no IPv6 here: " << f.error);
    return;
  }
  asio::ip::v6_only only;
  v6.get_option(only);
  CHECK(only.value());
  const auto port = v6.local_endpoint().port();
  const auto again = f.open("::1", port, true);
  CHECK(f.error == "cannot listen on [::1]:" + std::to_string(port) + ": address already in use");
}

TEST_CASE("what cannot be listened on is named", "[net][listen]") {
  struct Row {
    const char *address, *error;
  };
  const Row row = GENERATE(Row{"", "cannot listen on :0: not an IP address"},
                           Row{"localhost", "cannot listen on localhost:0: not an IP address"},
                           Row{"127.0.0.1:80", "cannot listen on [127.0.0.1:80]:0: not an IP address"},
                           Row{"[::1]", "cannot listen on [[::1]]:0: not an IP address"},
                           Row{"192.0.2.1", "cannot listen on 192.0.2.1:0: this machine does not have that address"});
  Fixture f;
  CHECK_FALSE(f.open(row.address, 0, true).is_open());
  CHECK(f.error == row.error);
}

}  // namespace
}  // namespace freshet
