// What a reset leaves of an answer, over real sockets: memory has no such thing as bytes and a reset that come together.
#include <catch2/catch.hpp>

#include <boost/asio/ip/tcp.hpp>

#include "../../../src/upstream/origin_connection.hpp"
#include "freshet/net/tcp_transport.hpp"
#include "freshet/net/worker.hpp"
#include "support/fake_clock.hpp"
#include "support/run_loop.hpp"

using namespace freshet;
using namespace freshet::test;
using boost::asio::ip::tcp;

TEST_CASE("A reset that comes together with bytes ends the connection, and nobody waits for it", "[upstream][reset]") {
  FakeClock clock;
  Worker worker(0, clock);
  tcp::acceptor acceptor(worker.loop(), tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  tcp::socket ours(worker.loop()), theirs(worker.loop());
  ours.connect(acceptor.local_endpoint());
  acceptor.accept(theirs);
  const auto connection = make_ref<OriginConnection>(std::make_unique<TcpTransport>(std::move(ours)), worker.deadlines(),
                                                     acceptor.local_endpoint(), 0);
  std::array<std::byte, 64> room;
  Task<IoResult> reading = connection->start_read(room);
  Started<IoResult> first = start(worker.loop(), std::move(reading));
  run_ready(worker.loop());
  theirs.send(boost::asio::buffer("half", 4));
  theirs.set_option(boost::asio::socket_base::linger(true, 0));
  theirs.close();
  REQUIRE(poll_until(worker.loop(), [&first] { return first.done(); }));
  IoResult got = connection->finish_read(first.get(), room);
  if (got.state == IoResult::State::Done) got = run(worker.loop(), connection->read(room));
  CHECK(got.state == IoResult::State::Failed);
}
