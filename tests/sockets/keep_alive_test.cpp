#include <catch2/catch.hpp>

#include "support/live_proxy.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr const char* kCacheable = "Cache-Control: max-age=60\r\nETag: \"v1\"\r\n";

std::string name_target(const Message& request) { return make_response("body of " + request.target(), kCacheable); }

}  // namespace

TEST_CASE("a miss is fetched and a hit is not, on one kept-alive connection", "[sockets][9111-4]") {
  LiveOrigin origin{LiveOrigin::Answer(name_target)};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  const Message miss = client.get("/x");
  CHECK(miss.status() == 200);
  CHECK(miss.body == "body of /x");
  CHECK(miss.field("Cache-Status").starts_with("freshet; fwd=uri-miss; fwd-status=200; stored; ttl="));
  for (int i = 0; i < 10; ++i) {
    const Message hit = client.get("/x");
    CHECK(hit.status() == 200);
    CHECK(hit.body == "body of /x");
    CHECK(hit.field("Cache-Status").starts_with("freshet; hit; ttl="));
    CHECK(hit.field("Age") != "");
  }
  CHECK(origin.requests() == 1);
  CHECK(origin.connections() == 1);
  CHECK(proxy.sum([](const WorkerCounters& c) { return c.listener[0].connections_accepted.get(); }) == 1);
}

TEST_CASE("pipelined requests are answered in their order, hits and misses mixed", "[sockets][9112-9.3.2]") {
  LiveOrigin origin{LiveOrigin::Answer(name_target)};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  client.get("/0");
  std::string all;
  for (int i = 0; i < 40; ++i) all += get_request("/" + std::to_string(i % 2 ? i : 0));
  client.send(all);
  for (int i = 0; i < 40; ++i) {
    const Message got = client.response();
    REQUIRE(got.status() == 200);
    CHECK(got.body == "body of /" + std::to_string(i % 2 ? i : 0));
  }
  CHECK(origin.requests() == 21);
}

TEST_CASE("an HTTP/1.0 client gets a whole answer without chunks, and the end of the connection", "[sockets][9112-9.3]") {
  LiveOrigin origin{LiveOrigin::Answer([](const Message&) {
    return std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: no-store\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  })};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  const Message got = client.ask("GET /x HTTP/1.0\r\nHost: a.example\r\n\r\n");
  CHECK(got.status() == 200);
  CHECK(got.field("Transfer-Encoding") == "");
  CHECK(got.body == "hello");
  CHECK(got.complete);
  CHECK(client.wire().ended());
  CHECK_FALSE(client.wire().was_reset());
}

TEST_CASE("an HTTP/1.0 client may keep its connection", "[sockets][9112-9.3]") {
  LiveOrigin origin{LiveOrigin::Answer(name_target)};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  for (int i = 0; i < 3; ++i) {
    const Message got = client.ask("GET /x HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n");
    CHECK(got.body == "body of /x");
    CHECK(got.field("Connection") == "keep-alive");
  }
}

TEST_CASE("HEAD, ranges and conditions are answered from the store", "[sockets][9110-9.3.2][9110-14][9110-13]") {
  LiveOrigin origin{LiveOrigin::Answer([](const Message&) { return make_response("0123456789", kCacheable); })};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  CHECK(client.get("/x").body == "0123456789");
  const Message head = client.ask("HEAD /x HTTP/1.1\r\nHost: a.example\r\n\r\n");
  CHECK(head.status() == 200);
  CHECK(head.field("Content-Length") == "10");
  const Message part = client.get("/x", "Range: bytes=2-4\r\n");
  CHECK(part.status() == 206);
  CHECK(part.field("Content-Range") == "bytes 2-4/10");
  CHECK(part.body == "234");
  const Message same = client.get("/x", "If-None-Match: \"v1\"\r\n");
  CHECK(same.status() == 304);
  CHECK(same.field("ETag") == "\"v1\"");
  const Message beyond = client.get("/x", "Range: bytes=10-\r\n");
  CHECK(beyond.status() == 416);
  CHECK(beyond.field("Content-Range") == "bytes */10");
  CHECK(client.get("/x").body == "0123456789");
  CHECK(origin.requests() == 1);
}

TEST_CASE("HEAD of what is not stored leaves the connections usable", "[sockets][9110-9.3.2]") {
  LiveOrigin origin{LiveOrigin::Answer([](const Message& request) {
    if (request.method() != "HEAD") return name_target(request);
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nCache-Control: max-age=60\r\n\r\n");
  })};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  const Message head = client.ask("HEAD /x HTTP/1.1\r\nHost: a.example\r\n\r\n");
  CHECK(head.field("Content-Length") == "1000");
  CHECK(client.get("/x").body == "body of /x");
  CHECK(origin.connections() == 1);
}

TEST_CASE("a large body reaches a client that reads slowly, and is a hit for the next", "[sockets]") {
  std::string large;
  while (large.size() < (8u << 20)) large += "line " + std::to_string(large.size()) + "\n";
  LiveOrigin origin{LiveOrigin::Answer([&](const Message&) { return make_response(large, kCacheable); })};
  LiveProxy proxy(reverse_to({origin.port()}));
  Client client(proxy.port());
  for (int i = 0; i < 2; ++i) {
    const Message got = client.get("/x");
    CHECK(got.complete);
    CHECK((got.body == large));
  }
  CHECK(origin.requests() == 1);
}
