#include <catch2/catch.hpp>

#include "reading.hpp"
#include "support/alloc_counter.hpp"

namespace freshet {
namespace {

const std::string kCurl =
    "GET /a?b=c HTTP/1.1\r\nHost: Example.COM:80\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n";
const std::string kUpload =
    "POST http://example.com:8080/up HTTP/1.1\r\nHost: example.com:8080\r\nConnection: keep-alive, X-Hop, Upgrade\r\n"
    "X-Hop: 1\r\nX-End: 2\r\nTE: trailers\r\nExpect: 100-Continue\r\nUpgrade: websocket\r\nContent-Length: "
    "5\r\n\r\nhello";

struct Case {
  std::string_view text;
  std::string_view expected;
};

std::string head_with(std::string_view lines) { return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n"; }

// Every way to cut `text` into two reads, one byte at a time, and for short ones every way to cut it into three.
void check_splits(const std::string& text, const HeadLimits& limits = {}) {
  const std::string whole = read_request(text, {}, limits);
  INFO(text);
  CHECK(read_request(text, every_byte(text.size()), limits) == whole);
  for (std::size_t first = 1; first < text.size(); ++first) {
    if (read_request(text, {first}, limits) != whole) FAIL_CHECK("cut at " << first << " gives another result");
    if (text.size() > 64) continue;
    for (std::size_t second = first + 1; second < text.size(); ++second)
      if (read_request(text, {first, second}, limits) != whole) FAIL_CHECK("cut at " << first << ", " << second);
  }
}

}  // namespace

TEST_CASE("proxy credentials are kept apart from the fields, and only one line of them is taken", "[codec][9110-11.7.2]") {
  const auto parse = [](const std::string& text, ParsedRequest& out, Arena& arena) {
    H1RequestReader reader{HeadLimits()};
    return reader.read_head(text, out, arena);
  };
  Arena arena;
  ParsedRequest request;
  CHECK(parse(head_with("Proxy-Authorization:  Basic YTpi \r\nX-Other: 1\r\n"), request, arena).state == HeadProgress::State::Complete);
  CHECK(request.proxy_credentials == "Basic YTpi");
  CHECK(request.head.fields.size() == 1);
  CHECK(parse(head_with("X-Other: 1\r\n"), request, arena).state == HeadProgress::State::Complete);
  CHECK(request.proxy_credentials.empty());
  const HeadProgress twice = parse(head_with("Proxy-Authorization: Basic YTpi\r\nProxy-Authorization: Basic YTpi\r\n"), request, arena);
  CHECK(twice.state == HeadProgress::State::Bad);
  CHECK(twice.status == 400);
}

TEST_CASE("a request head is understood", "[codec][rfc9112-3]") {
  CHECK(read_request(kCurl) ==
        "complete, 83 bytes\nGET http example.com /a?b=c 1.1\nbody none, persistent\n"
        "User-Agent: curl/7.88.1\nAccept: */*\n");
  CHECK(read_request("GET / HTTP/1.0\r\n\r\n") == "complete, 18 bytes\nGET http  / 1.0\nbody none, then closed\n");
  CHECK(read_request("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n\x16\x03") ==
        "complete, 55 bytes\nCONNECT http a.example:443 a.example:443 1.1\nbody none, persistent\n");
  CHECK(read_request("OPTIONS * HTTP/1.1\r\nhost:a\r\n\r\n") ==
        "complete, 30 bytes\nOPTIONS http a * 1.1\nbody none, persistent\n");
  CHECK(read_request("get!#$%&'*+-.^_`|~09 / HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("complete, 44 bytes\nget!#$%&"));
}

TEST_CASE("what concerns one connection or is kept elsewhere is taken out of a request", "[codec][rfc9110-7.6.1]") {
  CHECK(read_request(kUpload) ==
        "complete, " + std::to_string(kUpload.size() - 5) +
            " bytes\nPOST http example.com:8080 /up 1.1\nbody length 5, persistent\nexpects 100\nabsolute\n"
            "upgrade websocket\nX-End: 2\n");
}

TEST_CASE("values lose surrounding white space and nothing else", "[codec][rfc9112-5.1]") {
  CHECK(read_request(head_with("a:\r\nb: \t \r\nc:x\r\nd:\t x \t y\t \r\nCaSe: \xff\x80 \"q, ;\r\n"))
            .ends_with("a: \nb: \nc: x\nd: x \t y\nCaSe: \xff\x80 \"q, ;\n"));
}

TEST_CASE("versions are accepted by RFC 9112 section 2.3", "[codec][rfc9112-2.3]") {
  const auto version = [](std::string_view text) {
    return read_request("GET / " + std::string(text) + "\r\nHost: a\r\n\r\n");
  };
  for (const char* good : {"HTTP/1.1", "HTTP/1.2", "HTTP/1.9"})
    CHECK_THAT(version(good), Catch::Matchers::Contains(" / 1.1\nbody none, persistent"));
  CHECK_THAT(version("HTTP/1.0"), Catch::Matchers::Contains(" / 1.0\nbody none, then closed"));
  for (const char* other : {"HTTP/2.0", "HTTP/0.9", "HTTP/3.0", "HTTP/3", "HTTP/2", "HTTP/9.9", "HTTP/0.0"})
    CHECK(version(other) == "505 bad-version");
  for (const char* bad :
       {"http/1.1", "HTTP/1", "HTTP/1.", "HTTP/1.10", "HTTP/11.1", "HTTP/1.1 ", " HTTP/1.1", "HTTP/1,1", "HTTP/a.1",
        "HTTP/", "HTTP", "x", "HTTP/01.1", "HTTP/ 1.1", "HTTPS/1.1", "\tHTTP/1.1", "HTTP/1.a"})
    CHECK(version(bad) == "400 bad-request-line");
}

TEST_CASE("a connection preface of HTTP/2 is answered by 505", "[codec][rfc9113-3.4]") {
  CHECK(read_request("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == "505 bad-version");
}

TEST_CASE("malformed request lines are refused", "[codec][rfc9112-3]") {
  const Case cases[] = {
      {"GET /\r\n\r\n", "400 bad-request-line"},  // HTTP/0.9
      {"GET\r\n\r\n", "400 bad-request-line"},
      {"GET  / HTTP/1.1\r\n\r\n", "400 bad-request-line"},
      {"GET /  HTTP/1.1\r\n\r\n", "400 bad-request-line"},
      {"GET / HTTP/1.1 x\r\n\r\n", "400 bad-request-line"},
      {"GET /a b HTTP/1.1\r\n\r\n", "400 bad-request-line"},
      {"GET\t/ HTTP/1.1\r\n\r\n", "400 bad-method"},
      {" GET / HTTP/1.1\r\n\r\n", "400 bad-method"},
      {"G(T / HTTP/1.1\r\n\r\n", "400 bad-method"},
      {"G\xc3T / HTTP/1.1\r\n\r\n", "400 bad-method"},
      {"GET /\rx HTTP/1.1\r\n\r\n", "400 bare-line-end"},
      {"GET / HTTP/1.1\n\n", "400 bare-line-end"},
      {"GET /\n", "400 bare-line-end"},
      {"GET / HTTP/1.1\r\r\n", "400 bad-request-line"},
      {"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad-target"},
      {"GET /\ta HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad-target"},
      {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad-target"},
      {"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 userinfo"},
      {"GET / HTTP/1.1\r\n\r\n", "400 bad-host"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400 bad-host"},
      {"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 host-mismatch"},
      {"GET ftp://b/ HTTP/1.1\r\nHost: b\r\n\r\n", "501 unsupported-scheme"},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    CHECK(read_request(c.text) == c.expected);
  }
}

TEST_CASE("malformed field lines are refused", "[codec][rfc9112-5]") {
  using namespace std::string_view_literals;
  const Case cases[] = {
      {"x\r\n", "400 bad-field"},
      {"x y: z\r\n", "400 bad-field"},
      {"x : y\r\n", "400 bad-field"},
      {"x\t: y\r\n", "400 bad-field"},
      {": y\r\n", "400 bad-field"},
      {"x(: y\r\n", "400 bad-field"},
      {"\xc3\xa4: y\r\n", "400 bad-field"},
      {"x\0: y\r\n"sv, "400 bad-field"},
      {"x: a\0b\r\n"sv, "400 bad-field"},
      {"x: a\x1f\r\n", "400 bad-field"},
      {"x: \x7f\r\n", "400 bad-field"},
      {"x: 0123456789abcdef0123456789abcdef\x0b\r\n", "400 bad-field"},
      {"x: a\rb\r\n", "400 bare-line-end"},
      {"x: a\r\r\n", "400 bare-line-end"},
      {"x\r: a\r\n", "400 bare-line-end"},
      {"x: a\n", "400 bare-line-end"},
      {"\n", "400 bare-line-end"},
      {"x: a\r\n b\r\n", "400 obs-fold"},
      {"x: a\r\n\tb: c\r\n", "400 obs-fold"},
      {"x: a\r\n \r\n", "400 obs-fold"},
      {"Content-Length: +5\r\n", "400 bad-content-length"},
      {"Content-Length: 5\r\nContent-Length: 5\r\n", "400 bad-content-length"},
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "400 length-conflict"},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "400 bad-transfer-encoding"},
      {"Transfer-Encoding: gzip, chunked\r\n", "501 bad-transfer-encoding"},
      {"Expect: 200-ok\r\n", "417 bad-expectation"},
      {"Expect: 100-continue, x\r\n", "417 bad-expectation"},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    CHECK(read_request(head_with(c.text)) == c.expected);
  }
  CHECK(read_request("GET / HTTP/1.1\r\n Host: a\r\n\r\n") == "400 obs-fold");
}

TEST_CASE("every control byte is refused in every place of a value", "[codec][rfc9110-5.5]") {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool allowed = (byte >= 0x20 && byte != 0x7f) || c == '\t';
    for (const std::size_t place : {0u, 1u, 15u, 16u, 17u, 31u, 39u}) {
      std::string value(40, 'v');
      value[place] = c;
      const std::string result = read_request(head_with("x: " + value + "\r\n"));
      INFO("byte " << byte << " at " << place << ": " << result);
      CHECK(result.starts_with("complete") == allowed);
    }
  }
}

TEST_CASE("exactly the token characters may stand in a name and in a method", "[codec][rfc9110-5.6.2]") {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool token =
        std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ").find(c) !=
        std::string_view::npos;
    const std::string name = std::string("n") + c + "n";
    INFO("byte " << byte);
    if (c != ':') CHECK(read_request(head_with(name + ": v\r\n")).starts_with("complete") == token);
    if (c != ' ') CHECK(read_request(name + " / HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("complete") == token);
  }
}

TEST_CASE("a few empty lines before the request line are skipped", "[codec][rfc9112-2.2]") {
  CHECK(read_request("\r\n" + kCurl).starts_with("complete, 85 bytes\nGET http example.com /a?b=c"));
  CHECK(read_request("\r\n\r\n\r\n\r\n" + kCurl).starts_with("complete, 91 bytes\nGET http example.com /a?b=c"));
  CHECK(read_request("\r\n\r\n\r\n\r\n\r\n" + kCurl) == "400 bad-request-line");
  CHECK(read_request("\r\n") == "need more");
  CHECK(read_request("\n" + kCurl) == "400 bare-line-end");
  CHECK(read_request("\r" + kCurl) == "400 bare-line-end");
  CHECK(read_request("\r\n\n" + kCurl) == "400 bare-line-end");
}

TEST_CASE("garbage is refused at the first byte that shows it", "[codec][rfc9112-3]") {
  using namespace std::string_view_literals;
  CHECK(read_request("\x16"sv) == "400 bad-method");  // TLS ClientHello
  CHECK(read_request("\x80") == "400 bad-method");
  CHECK(read_request("\0"sv) == "400 bad-method");
  CHECK(read_request("GE\x16"sv) == "400 bad-method");
  CHECK(read_request("GET\r") == "400 bad-request-line");
  CHECK(read_request("\rG") == "400 bare-line-end");
  CHECK(read_request(std::string(64, 'A')) == "need more");
  CHECK(read_request(std::string(65, 'A')) == "501 bad-method");
  CHECK(read_request("GET / HTTP/1.1\r") == "need more");
  CHECK(read_request("GET / HTTP/1.1  ") == "400 bad-request-line");
  CHECK(read_request("GET / HTTP/2.0\r\n") == "505 bad-version");
  CHECK(read_request("GET /\r\n") == "400 bad-request-line");  // HTTP/0.9 waits for its answer here
  CHECK(read_request("GET / HTTP/1.1\r\nx\n") == "400 bare-line-end");
}

TEST_CASE("an unfinished head is waited for at every byte", "[codec]") {
  for (const std::string& text : {kCurl, "\r\n\r\n" + kCurl})
    for (std::size_t end = 0; end < text.size(); ++end) CHECK(read_request(text.substr(0, end)) == "need more");
}

TEST_CASE("the result does not depend on how a request head is cut into reads", "[codec]") {
  using namespace std::string_view_literals;
  check_splits(kCurl);
  check_splits(kUpload);
  const std::string_view texts[] = {
      "GET / HTTP/1.1\r\nHost: a\r\nb: c\r\n\r\nGET /",
      "\r\n\r\nGET / HTTP/1.0\r\n\r\n",
      "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n",
      "GET /\r\n\r\n",
      "GET /\n\r\n",
      "GET\r\n",
      "GET\n",
      "G\rT / HTTP/1.1\r\n\r\n",
      "GE\0\n / HTTP/1.1\r\n\r\n"sv,
      "\rGET",
      "GET  / HTTP/1.1\r\n\r\n",
      "GET / x\r\n\r\n",
      "GET / HTTP/2.0\r\n\r\n",
      "GET / HTTP/1.1 and much more\n",
      "GET /\r\r HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\nb: c\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nb\r\rc\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n\n",
  };
  for (const std::string_view text : texts) check_splits(std::string(text));
  for (std::size_t bytes = 10; bytes < 60; bytes += 3) {
    HeadLimits limits;
    limits.bytes = bytes;
    limits.target_bytes = 3;
    limits.fields = 2;
    check_splits("\r\nGET /abc HTTP/1.1\r\nHost: a\r\nb: c\r\n\r\n", limits);
    check_splits("GET /ab HTTP/1.1\r\nHost: a\r\nb: c\r\n\r\n", limits);
    check_splits("GET /a HTTP/1.1\r\nHost: a\r\nb: c\r\nd:\r\n\r\n", limits);
  }
}

TEST_CASE("the target's length is limited to the byte", "[codec][rfc9112-3]") {
  HeadLimits limits;
  limits.target_bytes = 100;
  const auto read = [&](std::size_t size, std::string_view rest) {
    return read_request("GET /" + std::string(size - 1, 'a') + std::string(rest), {}, limits);
  };
  for (std::string_view rest : {" HTTP/1.1\r\nHost: a\r\n\r\n", " HTTP/1.1\r\nHost: a\r\n", " ", ""}) {
    CHECK_FALSE(read(99, rest).starts_with("4"));
    CHECK_FALSE(read(100, rest).starts_with("4"));
    CHECK(read(101, rest) == "414 target-too-long");
  }
}

TEST_CASE("the head's size is limited to the byte, complete or not", "[codec]") {
  const auto read = [](const std::string& text, std::size_t bytes) {
    HeadLimits limits;
    limits.bytes = bytes;
    return read_request(text, {}, limits);
  };
  const std::string head = head_with("x: " + std::string(200, 'y') + "\r\n");
  CHECK(read(head, head.size()).starts_with("complete"));
  CHECK(read(head, head.size() + 1).starts_with("complete"));
  CHECK(read(head, head.size() - 1) == "431 fields-too-large");
  CHECK(read(head.substr(0, 99), 100) == "need more");
  CHECK(read(head.substr(0, 100), 100) == "431 fields-too-large");
  const std::string line = "GET /" + std::string(200, 'a');
  CHECK(read(line.substr(0, 99), 100) == "need more");
  CHECK(read(line.substr(0, 100), 100) == "414 target-too-long");
  CHECK(read(head + "the body does not count", head.size()).starts_with("complete"));
}

TEST_CASE("the number of fields is limited, also before the head is complete", "[codec]") {
  HeadLimits limits;
  limits.fields = 3;
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n";
  CHECK(read_request(start + "b:\r\nc:\r\n\r\n", {}, limits).starts_with("complete"));
  CHECK(read_request(start + "b:\r\nc:\r\nd:\r\n\r\n", {}, limits) == "431 too-many-fields");
  CHECK(read_request(start + "b:\r\nc:\r\nd", {}, limits) == "need more");
  CHECK(read_request(start + "b:\r\nc:\r\nd:\r\n", {}, limits) == "431 too-many-fields");
}

TEST_CASE("a head of the largest size is scanned in linear time when it comes byte by byte", "[codec]") {
  // With the default limits, looking at all bytes again on each of 32 Ki reads would take half a gigabyte of looks.
  const std::string text =
      "GET /" + std::string(8000, 'a') + " HTTP/1.1\r\nHost: a\r\nx: " + std::string(24000, 'y') + "\r\n\r\n";
  H1RequestReader reader{HeadLimits{}};
  Arena arena;
  ParsedRequest parsed;
  HeadProgress progress;
  std::size_t end = 0;
  while (progress.state == HeadProgress::State::NeedMore && end < text.size())
    progress = reader.read_head(std::string_view(text).substr(0, ++end), parsed, arena);
  CHECK(progress.state == HeadProgress::State::Complete);
  CHECK(end == text.size());
  CHECK(parsed.head.target.size() == 8001);
}

TEST_CASE("nothing of a parsed request points into the buffer", "[codec]") {
  H1RequestReader reader{HeadLimits{}};
  Arena arena;
  ParsedRequest parsed;
  std::string buffer = kUpload;
  const HeadProgress progress = reader.read_head(buffer, parsed, arena);
  const std::string before = in_words(progress, parsed);
  buffer.assign(buffer.size(), '#');
  CHECK(in_words(progress, parsed) == before);
  buffer = "GET /x HTTP/1.1\r\nHost: lower.example\r\n\r\n";  // a target and an authority that need no change
  (void)reader.read_head(buffer, parsed, arena);
  buffer.assign(buffer.size(), '#');
  CHECK(parsed.head.target == "/x");
  CHECK(parsed.head.authority == "lower.example");
}

TEST_CASE("a reader reads pipelined requests one after another, and forgets the one before", "[codec][rfc9112-9.3.2]") {
  const std::string text = kUpload.substr(0, kUpload.size() - 5) + kCurl + "\r\n" + kCurl;
  H1RequestReader reader{HeadLimits{}};
  Arena arena;
  ParsedRequest parsed;
  std::string_view rest = text;
  std::vector<std::string> seen;
  while (!rest.empty()) {
    const HeadProgress progress = reader.read_head(rest, parsed, arena);
    REQUIRE(progress.state == HeadProgress::State::Complete);
    seen.push_back(in_words(progress, parsed));
    rest.remove_prefix(progress.consumed);
  }
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].starts_with("complete, " + std::to_string(kUpload.size() - 5)));
  CHECK(seen[1] == read_request(kCurl));
  CHECK(seen[2] == read_request("\r\n" + kCurl));
}

TEST_CASE("after reset and after a bad head the reader starts afresh", "[codec]") {
  H1RequestReader reader{HeadLimits{}};
  Arena arena;
  ParsedRequest parsed;
  CHECK(in_words(reader.read_head(kUpload.substr(0, 60), parsed, arena)) == "need more");
  reader.reset();
  CHECK(in_words(reader.read_head(kCurl, parsed, arena), parsed) == read_request(kCurl));
  CHECK(in_words(reader.read_head("GET / HTTP/1.1\r\nHost a\r\n\r\n", parsed, arena)) == "400 bad-field");
  CHECK(in_words(reader.read_head(kCurl, parsed, arena), parsed) == read_request(kCurl));
}

TEST_CASE("100-continue is expected by HTTP/1.1 requests with a body only", "[codec][rfc9110-10.1.1]") {
  const auto expects = [](std::string_view version, std::string_view lines) {
    const std::string result =
        read_request("PUT / " + std::string(version) + "\r\nHost: a\r\n" + std::string(lines) + "\r\n");
    CHECK(result.starts_with("complete"));
    CHECK_THAT(result, !Catch::Matchers::Contains("Expect"));
    return result.find("expects 100") != std::string::npos;
  };
  CHECK(expects("HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 1\r\n"));
  CHECK(expects("HTTP/1.1", "expect: 100-CONTINUE\r\nTransfer-Encoding: chunked\r\n"));
  CHECK_FALSE(expects("HTTP/1.1", "Expect: 100-continue\r\n"));
  CHECK_FALSE(expects("HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 0\r\n"));
  CHECK_FALSE(expects("HTTP/1.0", "Expect: 100-continue\r\nContent-Length: 1\r\n"));
  CHECK_FALSE(expects("HTTP/1.1", "Expect:\r\nContent-Length: 1\r\n"));
}

TEST_CASE("an upgrade is one that Connection nominates on HTTP/1.1", "[codec][rfc9110-7.8]") {
  const auto upgrade = [](std::string_view version, std::string_view lines) {
    H1RequestReader reader{HeadLimits{}};
    Arena arena;
    ParsedRequest parsed;
    const std::string text = "GET / " + std::string(version) + "\r\nHost: a\r\n" + std::string(lines) + "\r\n";
    REQUIRE(reader.read_head(text, parsed, arena).state == HeadProgress::State::Complete);
    CHECK(parsed.head.fields.empty());
    return std::string(parsed.upgrade);
  };
  CHECK(upgrade("HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n") == "websocket");
  CHECK(upgrade("HTTP/1.1", "Connection: keep-alive, upgrade\r\nUpgrade: a/1, b\r\nUpgrade: c\r\n") == "a/1, b, c");
  CHECK(upgrade("HTTP/1.1", "Upgrade: websocket\r\n").empty());
  CHECK(upgrade("HTTP/1.1", "Connection: upgrade\r\n").empty());
  CHECK(upgrade("HTTP/1.1", "Connection: upgrade\r\nUpgrade:\r\n").empty());
  CHECK(upgrade("HTTP/1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n").empty());
  CHECK(upgrade("HTTP/1.1", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n").empty());
  CHECK(upgrade("HTTP/1.1", "Connection: Upgrade\r\nUpgrade: H2C, websocket\r\n") == "websocket");
  // A quote hides nothing from us that the origin might see, whether it ends in its line or not.
  CHECK(upgrade("HTTP/1.1", "Connection: Upgrade\r\nUpgrade: \"a, h2c\r\nUpgrade: b\r\n") == "b");
  CHECK(upgrade("HTTP/1.1", "Connection: Upgrade\r\nUpgrade: \"h2c\", h2c/1, a b, c/, /d, e/f/g, h/2\r\n") == "h/2");
}

TEST_CASE("the second request on a connection is parsed without the heap", "[codec][performance]") {
  const std::string browser =
      "GET /index.html HTTP/1.1\r\nHost: www.example.com\r\nConnection: keep-alive\r\nCache-Control: max-age=0\r\n"
      "Upgrade-Insecure-Requests: 1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n"
      "Accept: text/html,application/xhtml+xml\r\nSec-Fetch-Site: none\r\nAccept-Encoding: gzip, deflate, br\r\n"
      "Accept-Language: en-GB,en;q=0.9\r\nCookie: session=0123456789abcdef\r\n\r\n";
  for (const std::string& text : {kCurl, browser}) {
    H1RequestReader reader{HeadLimits{}};
    Arena arena;
    ParsedRequest parsed;
    AllocCounter counter;
    REQUIRE(reader.read_head(text, parsed, arena).state == HeadProgress::State::Complete);
    CHECK(counter.count() > 0);  // the counter counts
    for (int i = 0; i < 3; ++i) {
      arena.reset();
      counter.restart();
      const HeadProgress progress = reader.read_head(text, parsed, arena);
      const std::size_t allocations = counter.count();
      CHECK(progress.state == HeadProgress::State::Complete);
      CHECK(allocations == 0);
    }
  }
}

TEST_CASE("P7: one field line is limited to the byte, complete or not", "[codec]") {
  HeadLimits limits;
  limits.field_bytes = 20;
  const auto read = [&](std::size_t size, std::string_view rest) {  // `size` with its line end
    return read_request("GET / HTTP/1.1\r\nHost: a\r\nx:" + std::string(size - 4, 'y') + std::string(rest), {}, limits);
  };
  for (const std::string_view rest : {"\r\n\r\n", "\r\nz: z\r\n\r\n"}) {
    CHECK_FALSE(read(20, rest).starts_with("4"));
    CHECK(read(21, rest) == "431 fields-too-large");
  }
  CHECK_FALSE(read(20, "").starts_with("4"));
  CHECK(read(30, "") == "431 fields-too-large");
  check_splits("GET / HTTP/1.1\r\nHost: a\r\nx: " + std::string(40, 'y') + "\r\n\r\n", limits);
}

TEST_CASE("P3: what CGI would take for a field of ours is dropped, and refused where it is framing or Host",
          "[codec][rfc9112-5.1]") {
  for (const std::string name : {"Content_Length", "transfer_encoding", "KEEP_ALIVE", "Proxy_Connection"}) {
    CAPTURE(name);
    CHECK(read_request(head_with(name + ": 5\r\n")) == "400 bad-field");
  }
  for (const std::string name : {"X_Forwarded_For", "user_agent", "X_Original-URL"}) {
    CAPTURE(name);
    CHECK(read_request(head_with(name + ": secret\r\n")).find("secret") == std::string::npos);
  }
  CHECK(read_request(head_with("X_Unknown: kept\r\n")).find("kept") != std::string::npos);
}

}  // namespace freshet
