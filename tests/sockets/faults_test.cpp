// What goes wrong around the proxy costs those whom it concerns, and nobody else.
#include <boost/asio/ip/address.hpp>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>

#include "support/live_proxy.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr std::string_view kHalf = "0123456789";

/// Begins a body and dies in the middle of it, the first time; later connections get the whole.
LiveOrigin::Script dying_once(const std::string& head, bool chunked, bool reset) {
  return [=](Wire& wire, std::size_t number) {
    while (read_request(wire)) {
      if (number > 0) {
        wire.send(make_response("01234567890123456789", "Cache-Control: max-age=60\r\n"));
        continue;
      }
      wire.send(head + (chunked ? "a\r\n" + std::string(kHalf) + "\r\n" : std::string(kHalf)));
      if (reset) wire.abort();
      return;
    }
  };
}

/// A look-up that hangs for "slow.test" and all names that end in ".slow" until it is told, and knows nothing but "good.test".
class Names {
 public:
  ~Names() { let_go(); }
  LookUp look_up() {
    return [this](const std::string& host) {
      using Addresses = std::vector<boost::asio::ip::address>;
      if (host == "good.test") return Addresses{boost::asio::ip::make_address("127.0.0.1")};
      if (host != "slow.test" && !host.ends_with(".slow")) return Addresses{};
      asked.add();
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return open_; });
      return Addresses{boost::asio::ip::make_address("127.0.0.1")};
    };
  }
  void let_go() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }
  Tally asked;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

Message ask_for(Client& client, const std::string& authority, const std::string& path = "/x") {
  return client.ask("GET http://" + authority + path + " HTTP/1.1\r\nHost: " + authority + "\r\n\r\n");
}

}  // namespace

TEST_CASE("an origin that dies in the middle of a body: the client sees a cut, and nothing of it is stored",
          "[sockets][faults][9112-8][9111-3.3]") {
  for (const bool chunked : {false, true})
    for (const bool reset : {false, true}) {
      CAPTURE(chunked, reset);
      const std::string head = std::string("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n") +
                               (chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: 20\r\n\r\n");
      LiveOrigin origin(dying_once(head, chunked, reset));
      LiveProxy proxy(reverse_to({origin.port()}));
      Client client(proxy.port());
      const Message cut = client.get("/x");
      // When the reset was faster than the head, there is an answer that says so.
      const bool told = cut.status() == 502;
      if (!told) {
        CHECK_FALSE(cut.complete);
        CHECK(kHalf.starts_with(cut.body));
        CHECK(client.wire().ended());
      }
      CHECK((told || cut.status() == 200));
      CHECK(proxy.store().figures().objects == 0);
      Client later(proxy.port());
      const Message whole = later.get("/x");
      CHECK(whole.body == "01234567890123456789");
      CHECK(later.get("/x").field("Cache-Status").starts_with("freshet; hit"));
    }
}

TEST_CASE("an HTTP/1.0 client, to whom the end of the connection is the end of the body, sees a reset instead",
          "[sockets][faults][9112-8]") {
  LiveOrigin origin(dying_once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, false));
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  client.send("GET /x HTTP/1.0\r\nHost: a.example\r\n\r\n");
  while (client.wire().more()) {
  }
  CHECK(client.wire().was_reset());
}

TEST_CASE("a name that cannot be looked up is a 502 for those who ask for it, and others go on",
          "[sockets][faults][dns]") {
  LiveOrigin origin([](const Message&) { return make_response("hello", "Cache-Control: max-age=60\r\n"); });
  Names names;
  LiveProxy proxy(forward_to(origin.port()), 1, names.look_up());
  Client client(proxy.port());
  const std::string port = ':' + std::to_string(origin.port());
  for (int i = 0; i < 2; ++i) {
    const Message failed = ask_for(client, "nowhere.test" + port);
    CHECK(failed.status() == 502);
    CHECK(failed.field("Proxy-Status").find("error=dns_error") != std::string::npos);
    CHECK(ask_for(client, "good.test" + port).body == "hello");  // the connection goes on too
  }
}

TEST_CASE("many look-ups that hang hold up nobody else, and beyond their share it is said at once",
          "[sockets][faults][dns][P15]") {
  LiveOrigin origin([](const Message&) { return make_response("hello", "Cache-Control: max-age=60\r\n"); });
  Names names;
  Settings settings = forward_to(origin.port());
  settings.limits.dns_lookups = 16;  // clients on loopback have twelve of them
  settings.timeouts.dns = Milliseconds(60'000);
  LiveProxy proxy(settings, 1, names.look_up());
  const std::string port = ':' + std::to_string(origin.port());
  std::list<Client> stuck;
  const auto hang = [&](int i) {
    const std::string host = std::to_string(i) + ".slow" + port;
    stuck.emplace_back(proxy.port());
    stuck.back().send("GET http://" + host + "/x HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
  };
  for (int i = 0; i < 11; ++i) hang(i);
  names.asked.wait_for(11);
  Client client(proxy.port());
  CHECK(ask_for(client, "good.test" + port).body == "hello");
  CHECK(ask_for(client, "nowhere.test" + port).status() == 502);
  hang(11);
  names.asked.wait_for(12);
  const Message refused = ask_for(client, "nowhere-else.test" + port);
  CHECK(refused.status() == 503);
  CHECK(refused.field("Retry-After") == "1");
  CHECK(refused.field("Cache-Status").find("detail=dns-busy") != std::string::npos);
  CHECK(ask_for(client, "good.test" + port, "/y").body == "hello");  // it is known
  CHECK(proxy.sum([](const WorkerCounters& c) { return c.denied[static_cast<std::size_t>(Reason::DnsBusy)].get(); }) == 1);
  names.let_go();
  for (Client& each : stuck) CHECK(each.response().body == "hello");
}

TEST_CASE("a look-up that hangs holds up nobody else, and is a 504 when its time is over", "[sockets][faults][dns]") {
  LiveOrigin origin([](const Message&) { return make_response("hello", "Cache-Control: max-age=60\r\n"); });
  Names names;
  Settings settings = forward_to(origin.port());
  settings.timeouts.dns = Milliseconds(300);
  LiveProxy proxy(settings, 1, names.look_up());
  const std::string port = ':' + std::to_string(origin.port());
  Client first(proxy.port()), second(proxy.port()), other(proxy.port());
  const std::string slow = "GET http://slow.test" + port + "/x HTTP/1.1\r\nHost: slow.test" + port + "\r\n\r\n";
  first.send(slow);
  names.asked.wait_for(1);
  second.send(slow);
  for (int i = 0; i < 20; ++i)  // other names, hits and misses, on the same worker
    CHECK(ask_for(other, "good.test" + port, '/' + std::to_string(i % 10)).body == "hello");
  for (Client* waiting : {&first, &second}) {
    const Message late = waiting->response();
    CHECK(late.status() == 504);
    CHECK(late.field("Proxy-Status").find("error=dns_timeout") != std::string::npos);
  }
  CHECK(names.asked.count() == 1);  // one look-up for one name
  names.let_go();
  CHECK(comes_true([&] { return ask_for(first, "slow.test" + port).status() == 200; }));
}
