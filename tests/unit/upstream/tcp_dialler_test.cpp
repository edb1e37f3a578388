// Real sockets on port zero.
#include <catch2/catch.hpp>

#include "freshet/net/listen_socket.hpp"
#include "freshet/upstream/dialler.hpp"
#include "support/fake_clock.hpp"
#include "support/run_loop.hpp"

using namespace freshet;
using namespace freshet::test;
using boost::asio::ip::make_address;
using boost::asio::ip::tcp;

TEST_CASE("The TCP dialler connects, and says when it is refused", "[upstream][sockets]") {
  SystemClock clock;
  Worker worker(0, clock);
  const auto dialler = make_tcp_dialler(worker);
  std::string error;
  auto acceptor = open_listen_socket(worker.loop(), {"127.0.0.1", 0}, false, error);
  REQUIRE(error.empty());
  const tcp::endpoint endpoint = acceptor.local_endpoint();

  auto connected = run_waiting(worker.loop(), dialler->dial(endpoint, Milliseconds(5000)));
  REQUIRE(connected.has_value());
  CHECK(*connected != nullptr);

  acceptor.close();
  auto refused = run_waiting(worker.loop(), dialler->dial(endpoint, Milliseconds(5000)));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().reason == Reason::ConnectionRefused);
  CHECK(refused.error().status == 502);
  CHECK(refused.error().side == Side::Origin);
}
