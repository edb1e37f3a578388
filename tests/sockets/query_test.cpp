#include <catch2/catch.hpp>

#include "support/live_proxy.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

std::string query(std::string_view fields) {
  return "QUERY /x HTTP/1.1\r\nHost: a.example\r\nContent-Type: a/b\r\n" + std::string(fields) + "\r\n";
}

std::string answer(const Message& request) {
  return make_response(request.method() + " " + request.body + " " + request.trailers, "Cache-Control: max-age=60\r\n");
}

}  // namespace

TEST_CASE("a client that expects 100 before its QUERY gets it, and a hit later",
          "[sockets][query][9110-10.1.1][10008]") {
  LiveOrigin origin{LiveOrigin::Answer([](const Message& request) {
    return request.field("Expect").empty() ? answer(request) : make_response("unexpected");
  })};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  for (const char* status : {"freshet; fwd=uri-miss", "freshet; hit"}) {
    client.send(query("Content-Length: 3\r\nExpect: 100-continue\r\n"));
    const auto interim = read_head(client.wire());
    REQUIRE(interim);
    CHECK(interim->start_line() == "HTTP/1.1 100 Continue");
    client.send("one");
    const Message got = client.response();
    CHECK(got.status() == 200);
    CHECK(got.body == "QUERY one ");
    CHECK(got.field("Cache-Status").starts_with(status));
  }
  CHECK(origin.requests() == 1);
}

TEST_CASE("chunked content asks the same question", "[sockets][query][10008-2.7]") {
  LiveOrigin origin{LiveOrigin::Answer(answer)};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  CHECK(client.ask(query("Transfer-Encoding: chunked\r\n") + "1\r\no\r\n2\r\nne\r\n0\r\n\r\n").body == "QUERY one ");
  CHECK(client.ask(query("Content-Length: 3\r\n") + "one").field("Cache-Status").starts_with("freshet; hit"));
  CHECK(origin.requests() == 1);
}

TEST_CASE("a QUERY with trailers is not cached, and keeps them", "[sockets][query][9112-7.1.2]") {
  LiveOrigin origin{LiveOrigin::Answer(answer)};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  for (int i = 0; i < 2; ++i) {
    const Message got = client.ask(query("Transfer-Encoding: chunked\r\n") + "3\r\none\r\n0\r\nX-Sum: 42\r\n\r\n");
    CHECK(got.body.starts_with("QUERY one "));
    CHECK(got.body.find("X-Sum: 42") != std::string::npos);
  }
  CHECK(origin.requests() == 2);
}

TEST_CASE("a QUERY larger than the limit arrives whole", "[sockets][query]") {
  LiveOrigin origin{LiveOrigin::Answer([](const Message& request) {
    return make_response(std::to_string(request.body.size()), "Cache-Control: max-age=60\r\n");
  })};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  const std::string large(100'000, 'x');
  CHECK(client.ask(query("Content-Length: 100000\r\n") + large).body == "100000");
  CHECK(client.ask(query("Transfer-Encoding: chunked\r\n") + "186a0\r\n" + large + "\r\n0\r\n\r\n").body == "100000");
  CHECK(origin.requests() == 2);
}

TEST_CASE("a client that leaves in the middle of its QUERY asks nothing", "[sockets][query]") {
  LiveOrigin origin{LiveOrigin::Answer(answer)};
  LiveProxy proxy(reverse_to({origin.port()}));
  {
    Client client(proxy.port());
    client.send(query("Content-Length: 10\r\n") + "part");
  }
  CHECK(comes_true([&] { return proxy.connections() == 0; }));
  CHECK(origin.requests() == 0);
}
