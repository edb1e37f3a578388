#include <catch2/catch.hpp>

#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

TEST_CASE("the first route whose host and path match decides", "[scenario][routing]") {
  ProxyOptions options = Pipeline::default_options();
  options.upstreams = {"app", "images"};
  options.listeners[0].routes = {{"img.example.com", "/thumbs/", 1}, {"*.deep.example", "", 1}, {"", "", 0}};
  Pipeline p(options);
  struct Row {
    const char* url;
    int upstream;
  };
  const Row rows[] = {{"http://img.example.com/thumbs/a", 1}, {"http://img.example.com/a", 0},
                      {"http://x.deep.example/", 1},          {"http://deep.example/", 0},
                      {"http://other/thumbs/", 0},            {"http://img.example.com:81/thumbs/b", 1}};
  for (const Row& row : rows) {
    INFO(row.url);
    p.ask(row.url);
    CHECK(p.origin.seen.back().upstream == row.upstream);
  }
}

TEST_CASE("P5: where a route looks at the path, nobody climbs out of it", "[scenario][routing][3986-5.2.4]") {
  ProxyOptions options = Pipeline::default_options();
  options.listeners[0].routes = {{"only.example", "/public/", 0}};
  Pipeline p(options);
  for (const std::string path : {"../admin", "a/../../admin", "%2e%2e/admin", "%2E./admin", "..%2fadmin", "a%2f..%2F..%2fadmin", "..%5cadmin", "..;/admin", ".", "..",
                                 "a/./b", "..?x"}) {
    CAPTURE(path);
    const Got got = p.ask("http://only.example/public/" + path);
    CHECK(got.status == 400);
    CHECK(got.close);
  }
  CHECK(p.origin.seen.empty());
  for (const std::string path : {"a..b", "...", ".htaccess", "a.", "%2e%2e%2e", "x?/../y", "%41"}) {
    CAPTURE(path);
    CHECK(p.ask("http://only.example/public/" + path).status == 200);
  }
}

TEST_CASE("a reverse listener is no open proxy", "[scenario][routing][P20]") {
  ProxyOptions options = Pipeline::default_options();
  options.listeners[0].routes = {{"only.example", "", 0}};
  Pipeline p(options);
  CHECK(p.ask("http://other.example/").status == 404);
  CHECK(p.ask("https://only.example/").status == 421);
  const Got connect = p.ask({"CONNECT", "http://only.example:443"});
  CHECK(connect.status == 405);
  CHECK(connect.close);
  CHECK(p.origin.seen.empty());
}

TEST_CASE("a forward listener tunnels to allowed ports only, and closes after a refusal", "[scenario][routing][9931]") {
  Pipeline p;
  p.origin.answer = [](const Seen&) {
    Answer answer;
    answer.tunnel = true;
    return answer;
  };
  Ask good("CONNECT", "http://a.example:443");
  good.listener = 1;
  CHECK(p.ask(good).tunnel);
  CHECK(p.ask(good).took_place);
  good.place = false;
  const Got too_many = p.ask(good);
  CHECK(too_many.status == 503);
  CHECK(too_many.close);
  CHECK(too_many.field("Retry-After") == "1");
  CHECK(too_many.outcome.reason == Reason::TooManyTunnels);
  Ask bad("CONNECT", "http://a.example:25");
  bad.listener = 1;
  const Got refused = p.ask(bad);
  CHECK(refused.status == 403);
  CHECK(refused.close);
  CHECK_FALSE(refused.took_place);
  CHECK(refused.outcome.reason == Reason::PortRefused);
  CHECK(p.origin.seen.size() == 2);
}

TEST_CASE("a request that has been here before ends with 508", "[scenario][routing][P25]") {
  Pipeline p;
  const Got got = p.ask({"http://a.example/x", {{"Via", "1.1 other, 1.1 freshet-test"}}});
  CHECK(got.status == 508);
  CHECK(p.origin.seen.empty());
  CHECK(p.ask({"http://a.example/x", {{"Via", "1.1 freshet"}}}).status == 200);
}

TEST_CASE("what goes to the origin says who passed it on", "[scenario][9110-7.6.3][7239]") {
  Pipeline p;
  p.ask({"http://a.example/x", {{"Via", "1.0 first"}, {"X-Forwarded-For", "10.1.1.1"}}});
  const Seen& reverse = p.origin.seen.back();
  CHECK(reverse.field("Via") == "1.0 first, 1.1 freshet-test");
  CHECK(reverse.field("X-Forwarded-For") == "10.1.1.1, 192.0.2.7");
  CHECK(reverse.field("X-Forwarded-Proto") == "http");
  CHECK(reverse.field("X-Forwarded-Host") == "a.example");
  CHECK(reverse.field("Forwarded") == "for=192.0.2.7;host=a.example;proto=http");
  Ask forward("http://a.example/x");
  forward.listener = 1;
  p.ask(forward);
  CHECK(p.origin.seen.back().field("X-Forwarded-For").empty());
  CHECK(p.origin.seen.back().field("Forwarded").empty());
}

TEST_CASE("TRACE and OPTIONS end here when Max-Forwards has run out", "[scenario][9110-7.6.2]") {
  Pipeline p;
  const Got trace = p.ask({"TRACE", "http://a.example/x", {{"Max-Forwards", "0"}, {"Cookie", "secret"}, {"X-Y", "z"}}});
  CHECK(trace.status == 200);
  CHECK(trace.field("Content-Type") == "message/http");
  CHECK(trace.body == "TRACE /x HTTP/1.1\r\nHost: a.example\r\nMax-Forwards: 0\r\nX-Y: z\r\n\r\n");
  CHECK(p.ask({"OPTIONS", "http://a.example/x", {{"Max-Forwards", "0"}}}).field("Allow").find("GET") == 0);
  CHECK(p.origin.seen.empty());
  p.ask({"OPTIONS", "http://a.example/x", {{"Max-Forwards", "3"}}});
  CHECK(p.origin.seen.back().field("Max-Forwards") == "2");
  CHECK(p.ask({"TRACE", "http://a.example/x", {{"Max-Forwards", "x"}}}).status == 400);
}

TEST_CASE("unknown methods, bodies and upgrades go past the cache", "[scenario][9110-9]") {
  Pipeline p;
  p.ask("http://a.example/x");
  p.ask({"PURR", "http://a.example/y"});
  CHECK(p.origin.seen.back().method == "PURR");
  Ask with_body("GET", "http://a.example/x");
  with_body.body = "q";
  const Got got = p.ask(with_body);
  CHECK(got.outcome.cache == CacheResult::Bypass);
  CHECK(got.cache_status == "freshet; fwd=bypass; fwd-status=200; detail=request-body");
  Ask upgrade("http://a.example/x");
  upgrade.upgrade = "websocket";
  CHECK_FALSE(p.ask(upgrade).at_once);
  CHECK(p.origin.seen.size() == 4);
}

TEST_CASE("P7: a field that may steer the origin keeps a request away from the cache", "[scenario][9111-4]") {
  Pipeline p;
  p.ask("http://a.example/x");
  const Got got = p.ask({"http://a.example/x", {{"X-HTTP-Method-Override", "DELETE"}}});
  CHECK_FALSE(got.at_once);
  CHECK(got.cache_status == "freshet; fwd=bypass; fwd-status=200; detail=override-field");
  CHECK(p.origin.seen.size() == 2);
  CHECK(p.ask("http://a.example/x").at_once);
  p.ask({"http://a.example/y", {{"X-Original-URL", "/evil"}}});
  CHECK_FALSE(p.ask("http://a.example/y").at_once);
  for (const char* method : {"QUERY", "POST"}) {
    Ask ask(method, "http://a.example/z");
    ask.fields.push_back({"X-HTTP-Method", "GET"});
    CHECK(p.ask(ask).cache_status == "freshet; fwd=bypass; fwd-status=200; detail=override-field");
  }
}

TEST_CASE("OPTIONS * on a forward listener is about the proxy itself", "[scenario][9110-9.3.7]") {
  Pipeline p;
  Ask options("OPTIONS", "http://a.example/");
  options.listener = 1;
  options.url = "http://*";
  options.absolute_form = false;
  options.target = "*";
  const Got got = p.ask(options);
  CHECK(got.status == 200);
  CHECK(got.field("Allow").find("GET") == 0);
  CHECK(p.origin.seen.empty());
}

TEST_CASE("HTTP/1.0 without Host means the address that was dialled", "[scenario][9112-3.2]") {
  Pipeline p;
  Ask bare("GET", "http:///x");
  CHECK(p.ask(bare).status == 200);
  CHECK(p.origin.seen.back().authority == "192.0.2.1:8080");
  CHECK(p.ask(bare).at_once);
  bare.listener = 1;
  CHECK(p.ask(bare).status == 400);
}
