#include "freshet/admin/admin_service.hpp"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "freshet/metrics/prometheus.hpp"
#include "support/run_loop.hpp"

using namespace freshet;

namespace {

class NoInterim final : public Interim {
 public:
  Task<void> send(ResponseHead) override { co_return; }
};

/// A body in pieces; "FAIL" cuts it short.
class Pieces final : public BodySource {
 public:
  explicit Pieces(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  Task<Result<Piece>> read() override {
    const std::string& piece = pieces_[next_++];
    if (piece == "FAIL") co_return Failure(Reason::CutShort, Side::Client, 400);
    co_return Piece(as_bytes(piece), nullptr, next_ == pieces_.size());
  }

 private:
  std::vector<std::string> pieces_;
  std::size_t next_ = 0;
};

/// One question to the admin service and what came back.
struct Asked {
  Arena arena;
  Peer peer;
  NoInterim interim;
  Request request{arena, peer, interim};
  Reply reply;

  /// `fields`: name, value, name, value ...; `pieces`: the body's, empty: none.
  Asked(Service& service, std::string_view method, std::string_view target, std::vector<std::string> fields, std::vector<std::string> pieces) {
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2) request.head.fields.add(fields[i], fields[i + 1]);
    if (!pieces.empty()) request.body = std::make_unique<Pieces>(std::move(pieces));
    ask(service, method, target, "localhost");
  }
  Asked(Service& service, std::string_view method, std::string_view target, std::string_view authority = "127.0.0.1:9180",
        const Peer& from = {})
      : peer(from) {
    ask(service, method, target, authority);
  }
  void ask(Service& service, std::string_view method, std::string_view target, std::string_view authority) {
    request.head.method = parse_method(method);
    request.head.method_name = method;
    request.head.scheme = "http";
    request.head.authority = authority;
    request.head.target = target;
    CHECK_FALSE(service.try_now(request));
    boost::asio::io_context loop;
    reply = test::run(loop, service.serve(request));
  }
  int status() const { return reply.head.status; }
  std::string text() const { return std::string(as_text(reply.body.whole.bytes)); }
  std::string_view field(std::string_view name) const { return reply.head.fields.first(name).value_or("(none)"); }
};

AdminOptions options() {
  AdminOptions o;
  o.metrics = [] { return std::string("x_total 1\n"); };
  o.ready = [] { return true; };
  o.purge = [](std::string_view lines) { return PurgeReport{1, lines.size(), lines == "bad" ? "bad" : ""}; };
  o.purge_groups = [](const GroupsToPurge& wanted) {
    const std::string origin(wanted.origin);
    return PurgeReport{wanted.soft ? 2U : 1U, wanted.names.size() + 100 * origin.size(), origin == "bad" ? origin : ""};
  };
  return o;
}

}  // namespace

TEST_CASE("The metrics come with their content type and are never stored", "[admin]") {
  auto service = make_admin_service(options());
  for (const char* target : {"/metrics", "/metrics?name[]=x"}) {
    Asked asked(*service, "GET", target);
    CHECK(asked.status() == 200);
    CHECK(asked.text() == "x_total 1\n");
    CHECK(asked.reply.length == 10u);
    CHECK(asked.reply.body.whole.last);
    CHECK(asked.field("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(asked.field("Cache-Control") == "no-store");
    CHECK(asked.field("X-Content-Type-Options") == "nosniff");
  }
}

TEST_CASE("Each scrape reads the metrics anew", "[admin]") {
  int calls = 0;
  auto o = options();
  o.metrics = [&] { return std::to_string(++calls); };
  auto service = make_admin_service(o);
  CHECK(Asked(*service, "GET", "/metrics").text() == "1");
  CHECK(Asked(*service, "GET", "/metrics").text() == "2");
}

TEST_CASE("What a reply points at lives as long as its pins", "[admin]") {
  Reply reply;
  {
    auto service = make_admin_service(options());
    reply = std::move(Asked(*service, "GET", "/metrics").reply);
  }
  CHECK(as_text(reply.body.whole.bytes) == "x_total 1\n");
  CHECK(reply.head.fields.first("Cache-Control") == "no-store");
  const Piece piece = std::move(reply.body.whole);
  reply = Reply();
  CHECK(as_text(piece.bytes) == "x_total 1\n");
}

TEST_CASE("HEAD has the length of GET and no body", "[admin][rfc9110 9.3.2]") {
  auto service = make_admin_service(options());
  for (const char* target : {"/metrics", "/healthz", "/readyz", "/", "/nothing"}) {
    Asked get(*service, "GET", target), head(*service, "HEAD", target);
    CHECK(head.status() == get.status());
    CHECK(head.reply.length == get.reply.length);
    CHECK(head.reply.length == get.text().size());
    CHECK(head.text().empty());
    CHECK(head.reply.body.source == nullptr);
  }
}

TEST_CASE("Health does not change while draining, readiness does", "[admin]") {
  bool ready = true;
  auto o = options();
  o.ready = [&] { return ready; };
  auto service = make_admin_service(o);
  CHECK(Asked(*service, "GET", "/healthz").status() == 200);
  CHECK(Asked(*service, "GET", "/readyz").status() == 200);
  ready = false;
  CHECK(Asked(*service, "GET", "/healthz").status() == 200);
  Asked draining(*service, "GET", "/readyz");
  CHECK(draining.status() == 503);
  CHECK(draining.text() == "shutting down\n");
  CHECK(draining.field("Cache-Control") == "no-store");
}

TEST_CASE("The index names every page", "[admin]") {
  auto service = make_admin_service(options());
  const std::string index = Asked(*service, "GET", "/").text();
  for (const char* page : {"/metrics", "/healthz", "/readyz"}) {
    CHECK(index.find(page) != std::string::npos);
    CHECK(Asked(*service, "GET", page).status() == 200);
  }
}

TEST_CASE("There are no other pages", "[admin]") {
  auto service = make_admin_service(options());
  for (const char* target : {"/metric", "/metrics/", "/Metrics", "//metrics", "/../metrics", "/%6detrics", "/nothing?/metrics", "?", ""})
    for (const char* method : {"GET", "POST"}) {
      INFO(method << " " << target);
      Asked asked(*service, method, target);
      CHECK(asked.status() == 404);
      CHECK(asked.field("Cache-Control") == "no-store");
    }
}

TEST_CASE("Nothing can be written, and the answer says what can be done instead", "[admin][rfc9110 15.5.6]") {
  auto service = make_admin_service(options());
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "QUERY", "PURGE", "get"})
    for (const char* target : {"/", "/metrics", "/healthz", "/readyz"}) {
      Asked asked(*service, method, target);
      CHECK(asked.status() == 405);
      CHECK(asked.field("Allow") == "GET, HEAD");
    }
  CHECK(Asked(*service, "OPTIONS", "*").status() == 405);
}

TEST_CASE("A CONNECT is refused and ends the connection", "[admin][rfc9931]") {
  auto service = make_admin_service(options());
  Asked asked(*service, "CONNECT", "127.0.0.1:9180");
  CHECK(asked.status() == 405);
  CHECK(asked.reply.close);
  CHECK_FALSE(asked.reply.tunnel);
  CHECK_FALSE(Asked(*service, "GET", "/").reply.close);
}

TEST_CASE("A page whose name was made to resolve to us is refused", "[admin]") {
  auto o = options();
  o.host_names = {"Admin.Example.com", "proxy.example.net:9180"};
  auto service = make_admin_service(o);
  for (const char* good : {"127.0.0.1", "127.0.0.1:9180", "10.1.2.3:80", "255.255.255.255", "[::1]", "[2001:db8::1]:9180", "localhost",
                           "localhost:9180", "localhost.", "freshet:9180", "admin.example.com", "ADMIN.example.com:1", "proxy.example.net", ""}) {
    INFO(good);
    CHECK(Asked(*service, "GET", "/metrics", good).status() == 200);
  }
  for (const char* bad : {"evil.example", "evil.example:9180", "127.0.0.1.evil.example", "localhost.evil.example", "1.2.3", "1.2.3.256",
                          "1.2.3.4.5", "1.2.3.", "0x7f.0.0.1", "0001.2.3.4", "a.admin.example.com", "admin.example.comm", "1.2..4"}) {
    for (const char* target : {"/metrics", "/healthz", "/readyz", "/", "/nothing"}) {
      INFO(bad);
      Asked asked(*service, "GET", target, bad);
      CHECK(asked.status() == 403);
      CHECK(asked.text().find("admin endpoint") != std::string::npos);
      CHECK(asked.text().find("x_total") == std::string::npos);
      CHECK(asked.reply.outcome.reason == Reason::HostRefused);
    }
  }
}

TEST_CASE("Metrics that cannot be read are an error, not the end of the process", "[admin]") {
  auto o = options();
  o.metrics = []() -> std::string { throw std::runtime_error("no memory"); };
  auto service = make_admin_service(o);
  Asked asked(*service, "GET", "/metrics");
  CHECK(asked.status() == 500);
  CHECK(asked.text() == "The metrics cannot be read: no memory\n");
}

TEST_CASE("URLs are purged by POST, whatever pieces they come in", "[admin]") {
  std::string got;
  auto o = options();
  o.purge = [&](std::string_view lines) {
    got = lines;
    return PurgeReport{2, 7, ""};
  };
  auto service = make_admin_service(o);
  Asked asked(*service, "POST", "/purge", {}, {"http://a.example/x\nhttp://", "b.example/y\n"});
  CHECK(asked.status() == 200);
  CHECK(got == "http://a.example/x\nhttp://b.example/y\n");
  CHECK(asked.text() == "{\"urls\": 2, \"responses\": 7}\n");
  CHECK(asked.field("Content-Type") == "application/json");
  got = "nothing";
  CHECK(Asked(*service, "POST", "/purge", std::vector<std::string>{}, {}).status() == 200);
  CHECK(got.empty());
}

TEST_CASE("A purge that cannot be understood says why, and does nothing", "[admin]") {
  int calls = 0;
  auto o = options();
  o.purge = [&](std::string_view) {
    ++calls;
    return PurgeReport{0, 0, "x\x1b[31m"};
  };
  auto service = make_admin_service(o);
  Asked refused(*service, "POST", "/purge", {}, {"x"});
  CHECK(refused.status() == 400);
  CHECK(refused.text().find("found 'x?[31m'") != std::string::npos);
  CHECK(calls == 1);
  CHECK(Asked(*service, "POST", "/purge", {}, {"http://a", "FAIL"}).status() == 400);
  Asked large(*service, "POST", "/purge", {}, {std::string(40'000, 'x'), std::string(30'000, 'x')});
  CHECK(large.status() == 413);
  CHECK(large.text().find("64 KiB") != std::string::npos);
  Asked read(*service, "GET", "/purge");
  CHECK(read.status() == 405);
  CHECK(read.field("Allow") == "POST");
  CHECK(Asked(*service, "POST", "/purge", "evil.example").status() == 403);
  CHECK(calls == 1);
}

TEST_CASE("Groups are purged by POST, of all origins or of one, softly or for good", "[admin]") {
  auto service = make_admin_service(options());
  const auto ask = [&](std::string_view query, std::string_view body) {
    return Asked(*service, "POST", std::string("/purge/groups") + std::string(query), {}, {std::string(body)}).text();
  };
  CHECK(ask("", "ab") == "{\"groups\": 1, \"responses\": 2}\n");
  CHECK(ask("?", "ab") == "{\"groups\": 1, \"responses\": 2}\n");
  CHECK(ask("?soft", "ab") == "{\"groups\": 2, \"responses\": 2}\n");
  CHECK(ask("?origin=http://a.test", "ab") == "{\"groups\": 1, \"responses\": 1302}\n");
  CHECK(ask("?soft&origin=http%3A%2F%2fa.test", "ab") == "{\"groups\": 2, \"responses\": 1302}\n");
  CHECK(ask("?origin=bad", "ab") == "Not a URL: expected http://HOST[:PORT]/PATH, found 'bad'. Nothing was purged.\n");
  for (const char* bad : {"?soft=0", "?hard", "?soft&soft", "?origin=", "?origin=a&origin=b", "?origin=&soft", "?groups=a"}) {
    INFO(bad);
    CHECK(Asked(*service, "POST", std::string("/purge/groups") + bad, {}, {"a"}).status() == 400);
  }
  CHECK(Asked(*service, "GET", "/purge/groups").status() == 405);
  CHECK(Asked(*service, "POST", "/purge/groups", {"Origin", "null"}, {"a"}).status() == 403);
  CHECK(Asked(*service, "POST", "/purge/groups", {}, {std::string(70'000, 'x')}).status() == 413);
  CHECK(Asked(*service, "POST", "/purge/groups", {}, {"a", "FAIL"}).status() == 400);
}

TEST_CASE("A web page of another site cannot purge", "[admin]") {
  int calls = 0;
  auto o = options();
  o.purge = [&](std::string_view) {
    ++calls;
    return PurgeReport{};
  };
  auto service = make_admin_service(o);
  CHECK(Asked(*service, "POST", "/purge", {"Origin", "http://evil.example"}, {"x"}).status() == 403);
  CHECK(Asked(*service, "POST", "/purge", {"Origin", "null"}, {"x"}).status() == 403);
  CHECK(Asked(*service, "POST", "/purge", {"Sec-Fetch-Site", "cross-site"}, {"x"}).status() == 403);
  CHECK(Asked(*service, "POST", "/purge", {"Sec-Fetch-Site", "same-site"}, {"x"}).status() == 403);
  CHECK(calls == 0);
  CHECK(Asked(*service, "POST", "/purge", {"Sec-Fetch-Site", "none"}, {"x"}).status() == 200);
  CHECK(calls == 1);
}

Peer peer_at(std::string_view local_address, std::string_view address = "192.0.2.1") {
  Peer peer;
  peer.address = address;
  peer.local_address = local_address;
  return peer;
}

TEST_CASE("Over loopback, names without a dot are strange too, but for our own", "[admin]") {
  auto o = options();
  o.host_names = {"thismachine"};
  auto service = make_admin_service(o);
  for (const char* local : {"127.0.0.1", "127.5.5.5", "::1"}) {
    CAPTURE(local);
    CHECK(Asked(*service, "GET", "/metrics", "wpad:9180", peer_at(local)).status() == 403);
    for (const char* good : {"localhost:9180", "thismachine:9180", "127.0.0.1:9180", "[::1]:9180"})
      CHECK(Asked(*service, "GET", "/metrics", good, peer_at(local)).status() == 200);
  }
  CHECK(Asked(*service, "GET", "/metrics", "freshet:9180", peer_at("172.18.0.2")).status() == 200);
}

TEST_CASE("Through a Unix socket, which no browser opens, every name will do", "[admin]") {
  auto service = make_admin_service(options());
  for (const char* host : {"evil.example", "wpad", "localhost", ""})
    CHECK(Asked(*service, "GET", "/metrics", host, peer_at("", "unix")).status() == 200);
}

TEST_CASE("With a token, all but health asks for it", "[admin][rfc6750 3]") {
  auto o = options();
  o.token = "0123456789abcdef";
  auto service = make_admin_service(o);
  for (const char* target : {"/healthz", "/readyz"}) CHECK(Asked(*service, "GET", target).status() == 200);
  for (const char* method : {"GET", "HEAD", "POST", "OPTIONS", "CONNECT"})
    for (const char* target : {"/", "/metrics", "/purge", "/nothing", "*"}) {
      Asked asked(*service, method, target);
      CHECK(asked.status() == 401);
      CHECK(asked.field("WWW-Authenticate") == "Bearer realm=\"freshet\"");
      CHECK(asked.text().find("x_total") == std::string::npos);
      CHECK(asked.reply.outcome.reason == Reason::AuthenticationRequired);
    }
  const auto status = [&](std::vector<std::string> fields) { return Asked(*service, "GET", "/metrics", fields, {}).status(); };
  for (const char* right : {"Bearer 0123456789abcdef", "bearer 0123456789abcdef", "BEARER   0123456789abcdef"})
    CHECK(status({"Authorization", right}) == 200);
  for (const char* wrong : {"Bearer 0123456789abcdeF", "Bearer 0123456789abcde", "Bearer 0123456789abcdef0", "Bearer", "Bearer ", "", "0123456789abcdef",
                            "Basic 0123456789abcdef", "Bearer0123456789abcdef", "Bearer 0123456789abcdef0123456789abcdef", "Bearer x 0123456789abcdef"}) {
    CAPTURE(wrong);
    Asked asked(*service, "GET", "/metrics", std::vector<std::string>{"Authorization", wrong}, {});
    CHECK(asked.status() == 401);
    CHECK(asked.field("WWW-Authenticate") == "Bearer realm=\"freshet\", error=\"invalid_token\"");
    CHECK(asked.reply.outcome.reason == Reason::BadCredentials);
  }
  CHECK(status({"Authorization", "Bearer 0123456789abcdef", "Authorization", "Bearer 0123456789abcdef"}) == 401);
}

TEST_CASE("Who shows the token may use any name, which does not help a web page to purge", "[admin]") {
  int calls = 0;
  auto o = options();
  o.token = "0123456789abcdef";
  o.purge = [&](std::string_view) {
    ++calls;
    return PurgeReport{};
  };
  auto service = make_admin_service(o);
  const std::string right = "Bearer 0123456789abcdef";
  CHECK(Asked(*service, "GET", "/healthz", "evil.example").status() == 403);
  Asked named(*service, "GET", "/metrics", std::vector<std::string>{"Authorization", right}, {});
  named.ask(*service, "GET", "/metrics", "metrics.example.com");
  CHECK(named.status() == 200);
  CHECK(Asked(*service, "POST", "/purge", {"Authorization", right, "Origin", "http://localhost:9180"}, {"x"}).status() == 403);
  CHECK(Asked(*service, "POST", "/purge", {"Authorization", right, "Origin", "null", "Content-Type", "text/plain"}, {"x"}).status() == 403);
  CHECK(calls == 0);
  CHECK(Asked(*service, "POST", "/purge", {"Authorization", right}, {"x"}).status() == 200);
}

TEST_CASE("A list that says that it is too long is refused before it is read", "[admin]") {
  auto service = make_admin_service(options());
  for (const bool declared : {true, false}) {
    Asked asked(*service, "GET", "/");
    asked.request.body = std::make_unique<Pieces>(std::vector<std::string>{"FAIL"});
    if (declared) asked.request.body_length = 64 * 1024 + 1;
    asked.ask(*service, "POST", "/purge", "localhost");
    CHECK(asked.status() == (declared ? 413 : 400));
  }
}
