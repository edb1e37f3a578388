// Accepting, draining, aborting, and running out of descriptors: over loopback, on a port of the kernel's choice.
#include <arpa/inet.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include "freshet/net/listen_socket.hpp"
#include "session_rig.hpp"

using namespace freshet;
using namespace freshet::test;
using boost::asio::ip::tcp;

namespace {

/// Sees to it that no descriptor is left.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);
    ::close(next);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(next);
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

struct Site {
  FakeClock clock;
  SessionOptions options;
  SessionLimits limits;
  WorkerCounters counters{1, 0};
  StubService service;
  std::string peers;
  Worker worker{0, clock};
  boost::asio::io_context clients;
  std::uint16_t port = 0;
  std::unique_ptr<Listener> listener;

  explicit Site(const std::function<void(Site&)>& prepare = {}) {
    if (prepare) prepare(*this);
    service.now = [this](Request& request) -> std::optional<Reply> {
      peers = request.peer->address + " " + request.peer->local_address + " " +
              std::to_string(request.peer->local_port == port);
      return text_reply(200, request.head.target);
    };
    ListenAddress address;
    address.address = "127.0.0.1";
    std::string error;
    tcp::acceptor acceptor = open_listen_socket(worker.loop(), address, true, error);
    REQUIRE(error.empty());
    port = acceptor.local_endpoint().port();
    listener = make_listener(std::move(acceptor), worker, service, options, limits, counters, nullptr);
    listener->start();
    run();
  }
  ~Site() {
    if (!listener) return;
    listener.reset();
    run();
  }
  void run() { run_ready(worker.loop()); }
  template <class Done>
  bool run_until(Done done) {
    return poll_until(worker.loop(), done);
  }
  tcp::socket connect() {
    tcp::socket socket(clients);
    socket.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), port));
    return socket;
  }
  std::string ask(tcp::socket& socket) {
    const std::string request = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    boost::asio::write(socket, boost::asio::buffer(request));
    REQUIRE(run_until([&] { return socket.available() > 0; }));
    std::string got(socket.available(), '\0');
    boost::asio::read(socket, boost::asio::buffer(got));
    return got;
  }
  /// True when the session's end of `socket` is closed.
  bool closed(tcp::socket& socket) {
    socket.non_blocking(true);
    boost::system::error_code error;
    char byte = 0;
    socket.read_some(boost::asio::buffer(&byte, 1), error);
    return error == boost::asio::error::eof || error == boost::asio::error::connection_reset;
  }
};

}  // namespace

TEST_CASE("A listener accepts a crowd and knows who they are", "[frontend]") {
  Site site;
  std::vector<tcp::socket> crowd;
  for (int i = 0; i < 100; ++i) crowd.push_back(site.connect());
  REQUIRE(site.run_until([&] { return site.listener->sessions() == 100; }));
  CHECK(site.counters.listener[0].connections_accepted.get() == 100);
  for (tcp::socket& socket : crowd) CHECK(site.ask(socket) == ok("/x"));
  CHECK(site.peers == "127.0.0.1 127.0.0.1 1");
  crowd.clear();
  CHECK(site.run_until([&] { return site.listener->sessions() == 0; }));
  CHECK(site.limits.open == 0);
}

TEST_CASE("Draining closes the port and idle connections, and lets a request finish", "[frontend]") {
  Site site;
  auto steps = script({data("one"), wait(), last("two")});
  site.service.later = [steps](Request&) { return reply_later(streamed_reply(steps, 6)); };
  tcp::socket fresh = site.connect(), idle = site.connect(), busy = site.connect();
  site.ask(idle);
  site.service.now = nullptr;
  site.ask(busy);
  REQUIRE(site.run_until([&] { return site.listener->sessions() == 3; }));

  site.listener->drain();
  REQUIRE(site.run_until([&] { return site.listener->sessions() == 1; }));
  CHECK(site.run_until([&] { return site.closed(fresh) && site.closed(idle); }));
  CHECK(!site.closed(busy));
  boost::system::error_code refused;
  tcp::socket late(site.clients);
  late.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), site.port), refused);
  CHECK(refused);

  steps->go();
  CHECK(site.run_until([&] { return busy.available() == 3; }));
  char rest[3];
  boost::asio::read(busy, boost::asio::buffer(rest));
  busy.close();
  CHECK(site.run_until([&] { return site.listener->sessions() == 0; }));
}

TEST_CASE("Aborting ends every session at once", "[frontend]") {
  Site site;
  auto steps = script({data("one"), wait(), last("two")});
  site.service.later = [steps](Request&) { return reply_later(streamed_reply(steps, 6)); };
  tcp::socket idle = site.connect(), busy = site.connect();
  site.ask(idle);
  site.service.now = nullptr;
  site.ask(busy);
  site.listener->abort();
  CHECK(site.run_until([&] { return site.listener->sessions() == 0; }));
  CHECK(steps->cancelled);
  CHECK(site.closed(idle));
}

TEST_CASE("Without a descriptor left the listener pauses, and goes on when there is one", "[frontend]") {
  Site site;
  tcp::socket first = site.connect();
  REQUIRE(site.run_until([&] { return site.listener->sessions() == 1; }));
  tcp::socket second = site.connect();
  {
    const NoDescriptors none;
    REQUIRE(site.run_until([&] { return site.counters.accept_pauses.get() == 1; }));
    site.run();
    CHECK(site.counters.accept_pauses.get() == 1);  // pauses, and does not spin
    CHECK(site.ask(first) == ok("/x"));             // whoever is there already is served
  }
  CHECK(site.listener->sessions() == 1);
  SECTION("after a second") {
    site.clock.advance(Milliseconds(1200));
    site.worker.deadlines().advance(site.clock.now().steady);
  }
  SECTION("or when a connection closes") { first.close(); }
  CHECK(site.run_until([&] { return site.counters.listener[0].connections_accepted.get() == 2; }));
  CHECK(site.ask(second).substr(0, 15) == "HTTP/1.1 200 OK");
}

TEST_CASE("A flood that is to be refused is closed where it is accepted", "[frontend][P15]") {
  Site site;
  ClientTable table(1);
  site.limits.clients = &table;
  tcp::socket served = site.connect();
  REQUIRE(site.run_until([&] { return site.limits.open == 1; }));
  site.limits.max_connections = 1;
  std::vector<tcp::socket> flood;
  for (std::size_t i = 0; i < 200; ++i) flood.push_back(site.connect());
  CHECK(site.run_until([&] { return site.counters.listener[0].connections_accepted.get() == 201; }));
  site.run();
  CHECK(site.limits.turned_away <= kRefusedAtOnce);
  CHECK(site.listener->sessions() <= kRefusedAtOnce + 1);
  const auto refused = [&] { return site.counters.denied[static_cast<std::size_t>(Reason::TooManyConnections)].get(); };
  CHECK(site.run_until([&] { return refused() == 200; }));
  const auto& answers = site.counters.listener[0].requests[static_cast<std::size_t>(Method::Other)];
  CHECK(answers[code_class(503)].get() >= kRefusedAtOnce);
  CHECK(answers[code_class(503)].get() <= 2 * kRefusedAtOnce);  // one batch is accepted before its first session runs
  CHECK(site.ask(served) == ok("/x"));
  site.clock.advance(Milliseconds(1200));
  site.worker.deadlines().advance(site.clock.now().steady);
  CHECK(site.run_until([&] { return site.listener->sessions() == 1; }));
  CHECK(site.limits.turned_away == 0);
  CHECK(table.addresses() == 0);  // loopback
}

TEST_CASE("Where a newcomer gets room, half requests do not keep it waiting", "[frontend][P15]") {
  Site site([](Site& made) {
    made.options.makes_room = true;
    made.limits.max_connections = 3;
  });
  const auto tick = [&] { site.clock.advance(Milliseconds(10)); };
  const auto open_is = [&](std::size_t n) { return site.run_until([&] { return site.listener->sessions() == n; }); };
  std::vector<tcp::socket> half;
  for (std::size_t i = 0; i < 3; ++i) {
    tick();
    half.push_back(site.connect());
    boost::asio::write(half.back(), boost::asio::buffer(std::string("GET /half HTTP/1.1\r\nHo")));
    REQUIRE(open_is(i + 1));
  }
  tick();
  tcp::socket first = site.connect();
  CHECK(site.ask(first) == ok("/x"));
  CHECK(site.run_until([&] { return site.closed(half[0]); }));  // the one that has waited longest
  tick();
  tcp::socket second = site.connect();
  CHECK(site.ask(second) == ok("/x"));
  CHECK(site.run_until([&] { return site.closed(half[1]); }));
  for (tcp::socket* quick : {&first, &second}) {
    tick();
    CHECK(site.ask(*quick) == ok("/x"));
  }
  tick();
  tcp::socket third = site.connect();
  CHECK(site.ask(third) == ok("/x"));
  CHECK(site.run_until([&] { return site.closed(half[2]); }));
  tcp::socket fourth = site.connect();
  CHECK(site.ask(fourth) == ok("/x"));
  CHECK(site.run_until([&] { return site.closed(first); }));  // its last request is longest ago
  CHECK(site.ask(second) == ok("/x"));
  CHECK(site.limits.open == 3);
  CHECK(site.counters.denied[static_cast<std::size_t>(Reason::TooManyConnections)].get() == 0);
}

TEST_CASE("Clients that do not go on with their requests, or do not read, do not keep a newcomer waiting", "[frontend][P15]") {
  auto steps = script({data("one"), wait(), last("two")});
  Site site([](Site& made) {
    made.options.makes_room = true;
    made.limits.max_connections = 3;
  });
  const auto answer = site.service.now;
  site.service.now = nullptr;
  site.service.later = [&](Request&) { return reply_later(streamed_reply(steps, 6)); };
  tcp::socket streaming = site.connect();
  CHECK_FALSE(site.ask(streaming).empty());
  site.service.now = answer;
  std::vector<tcp::socket> stalled;
  for (int i = 0; i < 2; ++i) {
    site.clock.advance(Milliseconds(10));
    stalled.push_back(site.connect());
    boost::asio::write(stalled.back(), boost::asio::buffer(std::string("GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")));
    REQUIRE(site.run_until([&] { return stalled.back().available() > 0; }));
  }
  CHECK(site.limits.open == 3);
  site.clock.advance(Milliseconds(10));
  tcp::socket probe = site.connect();
  boost::asio::write(probe, boost::asio::buffer(std::string("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")));
  site.clock.advance(Milliseconds(10));
  tcp::socket another = site.connect();
  CHECK(site.ask(another) == ok("/x"));
  REQUIRE(site.run_until([&] { return probe.available() > 0; }));
  CHECK(steps->destroyed);  // the oldest two have given up their places
  CHECK(site.limits.open == 3);
}

TEST_CASE("A reset that comes together with the last bytes is noticed", "[frontend]") {
  const auto write_and_reset = [](tcp::socket& socket, const std::string& text) {
    boost::asio::write(socket, boost::asio::buffer(text));
    socket.set_option(boost::asio::socket_base::linger(true, 0));
    socket.close();
  };
  Site site;
  tcp::socket half = site.connect();
  REQUIRE(site.run_until([&] { return site.listener->sessions() == 1; }));
  write_and_reset(half, "GET /half HTTP/1.1\r\nHo");
  CHECK(site.run_until([&] { return site.listener->sessions() == 0; }));

  site.service.now = nullptr;
  site.service.later = [](Request& request) { return echo(request); };
  tcp::socket uploading = site.connect();
  boost::asio::write(uploading, boost::asio::buffer(std::string("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nabc")));
  REQUIRE(site.run_until([&] { return site.service.seen.size() == 1; }));
  site.run();
  write_and_reset(uploading, "defg");
  CHECK(site.run_until([&] { return site.listener->sessions() == 0; }));
}

TEST_CASE("A worker that goes away takes its sessions along, wherever they are", "[frontend]") {
  auto steps = script({data("one"), wait(), last("two")});
  {
    Site site;
    site.service.now = nullptr;
    site.service.later = [&](Request& request) -> Task<Reply> {
      if (request.body) return echo(request);
      return reply_later(streamed_reply(steps, 6));
    };
    tcp::socket fresh = site.connect(), streaming = site.connect(), uploading = site.connect();
    site.ask(streaming);
    boost::asio::write(uploading,
                       boost::asio::buffer(std::string("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")));
    REQUIRE(site.run_until([&] { return site.service.seen.size() == 2; }));
    CHECK(site.listener->sessions() == 3);
    site.listener.reset();  // without running the loop again: the frames are destroyed with it
  }
  CHECK(steps->destroyed);
}

TEST_CASE("a listener outlives sessions that were destroyed with their loop's work", "[frontend][listener]") {
  Site site;
  tcp::socket client = site.connect();
  REQUIRE(site.run_until([&] { return site.listener->sessions() == 1; }));
  site.worker.discard();
  CHECK(site.listener->sessions() == 0);
  site.listener.reset();
}

namespace {

/// Clients without any memory of their own on the heap, so that what is there is the proxy's.
class Crowd {
 public:
  explicit Crowd(std::size_t most) { sockets_.reserve(most); }
  ~Crowd() {
    for (const int socket : sockets_) ::close(socket);
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  void join(std::uint16_t port, std::string_view text) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(socket >= 0);
    sockets_.push_back(socket);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    REQUIRE(::send(socket, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  }
  /// Those that have something to read, which is thrown away.
  std::size_t answered() {
    std::size_t count = 0;
    char scratch[4096];
    for (const int socket : sockets_) count += ::recv(socket, scratch, sizeof scratch, MSG_DONTWAIT) > 0 ? 1 : 0;
    return count;
  }

 private:
  std::vector<int> sockets_;
};

std::size_t in_use() { return mallinfo2().uordblks; }  // 0 where a sanitizer has a heap of its own

constexpr std::string_view kAsk = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

}  // namespace

TEST_CASE("A connection that waits holds no buffers", "[frontend][idle]") {
  struct Row {
    const char* name;
    std::string_view text;
    std::size_t most;  // bytes
    bool is_answered;
  };
  const Row rows[] = {{"silent from the beginning", "", 1024, false},
                      {"after an answer", kAsk, 1024, true},
                      {"in the middle of a head", "GET /x HTTP/1.1\r\nHost: a\r\nAccept: ", 1600, false}};
  for (const Row& row : rows) {
    INFO(row.name);
    Site site;
    constexpr std::size_t kCrowd = 200;
    Crowd first(8), crowd(kCrowd);
    std::size_t answers = 0;
    for (int i = 0; i < 8; ++i) first.join(site.port, kAsk);  // what the first ones leave to others is there
    REQUIRE(site.run_until([&] { return (answers += first.answered()) == 8; }));
    const std::size_t before = in_use();
    answers = 0;
    for (std::size_t i = 0; i < kCrowd; ++i) {
      crowd.join(site.port, row.text);
      site.run();
    }
    REQUIRE(site.run_until([&] { return site.listener->sessions() == kCrowd + 8; }));
    if (row.is_answered) REQUIRE(site.run_until([&] { return (answers += crowd.answered()) == kCrowd; }));
    site.run();
    CHECK(site.listener->sessions() == kCrowd + 8);
    CHECK((in_use() - before) / kCrowd <= row.most);
  }
}

TEST_CASE("A crowd that was busy at once leaves little behind", "[frontend][idle]") {
  Site site;
  constexpr std::size_t kCrowd = 400, kSession = 16 * 1024;
  site.service.now = nullptr;
  Wakeup* gates[kCrowd];
  std::size_t waiting = 0;
  const auto answer = [&]() -> Task<Reply> {
    Wakeup gate;
    gates[waiting++] = &gate;
    co_await gate.wait();
    co_return text_reply(200, "hello");
  };
  site.service.later = [&](Request&) { return answer(); };
  Crowd crowd(kCrowd);
  const std::size_t before = in_use();
  for (std::size_t i = 0; i < kCrowd; ++i) crowd.join(site.port, kAsk);
  REQUIRE(site.run_until([&] { return waiting == kCrowd; }));
  const std::size_t busy = in_use() - before;
  for (Wakeup* gate : gates) gate->wake();
  std::size_t answers = 0;
  REQUIRE(site.run_until([&] { return (answers += crowd.answered()) == kCrowd; }));
  site.service.seen.clear();
  site.run();
  const std::size_t left = in_use() - before;
  CHECK(site.listener->sessions() == kCrowd);
  CHECK(left <= kCrowd * 1200 + 64 * kSession);
  if (busy > 0) CHECK(busy > kCrowd * 4000);  // or nothing was measured
}
