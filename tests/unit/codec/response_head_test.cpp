#include <catch2/catch.hpp>

#include "reading.hpp"
#include "support/alloc_counter.hpp"

namespace freshet {
namespace {

const std::string kOk =
    "HTTP/1.1 200 OK\r\nServer: nginx\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\n"
    "Content-Length: 12\r\nContent-Type: text/plain\r\n\r\nhello, world";

std::string head_with(std::string_view lines) { return "HTTP/1.1 200 OK\r\n" + std::string(lines) + "\r\n"; }

void check_splits(const std::string& text, const HeadLimits& limits = {}) {
  const std::string whole = read_response(text, {}, limits);
  INFO(text);
  CHECK(read_response(text, every_byte(text.size()), limits) == whole);
  for (std::size_t first = 1; first < text.size(); ++first) {
    if (read_response(text, {first}, limits) != whole) FAIL_CHECK("cut at " << first << " gives another result");
    if (text.size() > 64) continue;
    for (std::size_t second = first + 1; second < text.size(); ++second)
      if (read_response(text, {first, second}, limits) != whole) FAIL_CHECK("cut at " << first << ", " << second);
  }
}

}  // namespace

TEST_CASE("a response head is understood", "[codec][rfc9112-4]") {
  CHECK(read_response(kOk) == "complete, " + std::to_string(kOk.size() - 12) +
                                  " bytes\n200 1.1\nbody length 12, persistent\ndeclared 12\n"
                                  "Server: nginx\nContent-Type: text/plain\n");
  CHECK(read_response(head_with("Transfer-Encoding: chunked\r\nDate: x\r\n"))
            .ends_with("200 1.1\nbody chunked, persistent\nDate: x\n"));
  CHECK(read_response("HTTP/1.0 404 Not Found\r\n\r\n") ==
        "complete, 26 bytes\n404 1.0\nbody until close, then closed\n");
}

TEST_CASE("status lines are read by RFC 9112 section 4", "[codec][rfc9112-4]") {
  const auto line = [](std::string_view text) {
    return read_response(std::string(text) + "\r\nContent-Length: 0\r\n\r\n");
  };
  CHECK_THAT(line("HTTP/1.1 200 "), Catch::Matchers::Contains("200 1.1"));
  CHECK_THAT(line("HTTP/1.1 200"), Catch::Matchers::Contains("200 1.1"));
  CHECK_THAT(line("HTTP/1.1 299 \xff a\tb"), Catch::Matchers::Contains("299 1.1"));
  CHECK_THAT(line("HTTP/1.0 999 x"), Catch::Matchers::Contains("999 1.0"));
  CHECK_THAT(line("HTTP/1.7 600 x"), Catch::Matchers::Contains("600 1.1"));
  CHECK_THAT(line("HTTP/1.1 100 Continue"), Catch::Matchers::Contains("100 1.1"));
  for (const char* bad : {"HTTP/1.1 099 x",
                          "HTTP/1.1 000 x",
                          "HTTP/1.1 20 OK",
                          "HTTP/1.1 2000 OK",
                          "HTTP/1.1 200OK",
                          "HTTP/1.1  200 OK",
                          "HTTP/1.1\t200 OK",
                          "HTTP/2 200 OK",
                          "HTTP/2.0 200 OK",
                          "HTTP/1 200 OK",
                          "HTTP/1.11 200 OK",
                          "http/1.1 200 OK",
                          "ICY 200 OK",
                          "HTTP/1.1",
                          "HTTP/1.1 ",
                          "",
                          "\r\nHTTP/1.1 200 OK",
                          " HTTP/1.1 200 OK",
                          "HTTP/1.1 200 O\x01K",
                          "HTTP/1.1 2x0 OK",
                          "HTTP/1.1 200 O\rK",
                          "HTTP/1.1 200 OK\r",
                          "HTTP/1.1 -20 OK",
                          "HTTP/1.x 200 OK",
                          "<html>"}) {
    INFO(bad);
    CHECK(line(bad) == "502 bad-response");
  }
}

TEST_CASE("what is not HTTP is refused at the first byte that shows it", "[codec]") {
  CHECK(read_response("S") == "502 bad-response");
  CHECK(read_response("HTTP/2") == "502 bad-response");
  CHECK(read_response("HTTP/1.") == "need more");
  CHECK(read_response("\n") == "502 bad-response");
}

TEST_CASE("malformed response fields are refused", "[codec][rfc9112-5]") {
  using namespace std::string_view_literals;
  for (const std::string_view bad :
       {"x\r\n"sv, ": y\r\n"sv, "x y: z\r\n"sv, "x: a\0b\r\n"sv, "x: a\x01\r\n"sv, "x: a\n"sv, "x: a\rb\r\n"sv,
        " x: y\r\n"sv, "\tx: y\r\n"sv, " : y\r\n"sv, "x: a\r\n b\x02\r\n"sv, "x: a\r\n b\rc\r\n"sv, "x \r\n"sv,
        "Content-Length: 1x\r\n"sv, "Content-Length: 1\r\nContent-Length: 2\r\n"sv, "Content-Length: 1\r\n 2\r\n"sv}) {
    INFO(bad);
    CHECK(read_response(head_with(bad)) == "502 bad-response");
  }
}

TEST_CASE("one line that is written oddly changes nothing about the others", "[codec][rfc9112-5]") {
  const auto fields = [](std::string_view lines) {
    const std::string result = read_response(head_with("Content-Length: 0\r\n" + std::string(lines)));
    REQUIRE(result.starts_with("complete"));
    return result.substr(result.find("declared 0\n") + 11);
  };
  const std::string plain = fields("A: 1\r\nB: 2\r\nC: \r\nD: 4 5\r\n");
  CHECK(plain == "A: 1\nB: 2\nC: \nD: 4 5\n");
  for (const char* odd : {"A:1\r\nB: 2\r\nC: \r\nD: 4 5\r\n", "A: 1\r\nB: 2 \r\nC: \r\nD: 4 5\r\n",
                          "A: 1\r\nB:\t2\r\nC: \r\nD: 4 5\r\n", "A: 1\r\nB: 2\r\nC:\r\nD: 4 5\r\n",
                          "A: 1\r\nB: 2\r\nC:   \r\nD:  4 5\r\n", "A: 1\r\nB: 2\r\nC: \r\nD: 4\r\n 5\r\n",
                          "A : 1\r\nB: 2\r\nC: \r\nD: 4 5\t\r\n"}) {
    INFO(odd);
    CHECK(fields(odd) == plain);
  }
}

TEST_CASE("a folded response field is joined by one space", "[codec][rfc9112-5.2]") {
  const auto fields = [](std::string_view lines) {
    const std::string result = read_response(head_with("Content-Length: 0\r\n" + std::string(lines)));
    REQUIRE(result.starts_with("complete"));
    return result.substr(result.find("declared 0\n") + 11);
  };
  CHECK(fields("a: b\r\n c\r\nd: e\r\n") == "a: b c\nd: e\n");
  CHECK(fields("a: b \t\r\n\t \tc  d \r\n e\r\n") == "a: b c  d e\n");
  CHECK(fields("a:\r\n b\r\n") == "a: b\n");
  CHECK(fields("a: b\r\n \r\n") == "a: b\n");
  CHECK(fields("a: b\r\n c: d\r\n") == "a: b c: d\n");
  CHECK_THAT(read_response(head_with("Transfer-Encoding:\r\n chunked\r\n")), Catch::Matchers::Contains("body chunked"));
}

TEST_CASE("white space before the colon of a response field is dropped", "[codec][rfc9112-5.1]") {
  CHECK_THAT(read_response(head_with("Content-Length : 3\r\nx \t: y\r\n")),
             Catch::Matchers::EndsWith("body length 3, persistent\ndeclared 3\nx: y\n"));
}

TEST_CASE("the declared length is kept where it means something", "[codec][rfc9110-8.6]") {
  const auto read = [](std::string_view start, std::string_view lines, Method method = Method::Get) {
    const std::string result = read_response(std::string(start) + "\r\n" + std::string(lines) + "\r\n", {}, {}, method);
    CHECK_THAT(result, !Catch::Matchers::Contains("Content-Length"));
    const auto at = result.find("body");
    return at == std::string::npos ? result : result.substr(at);
  };
  const char* five = "Content-Length: 5\r\n";
  CHECK(read("HTTP/1.1 200 OK", five, Method::Head) == "body none, persistent\ndeclared 5\n");
  CHECK(read("HTTP/1.1 304 x", five) == "body none, persistent\ndeclared 5\n");
  CHECK(read("HTTP/1.1 200 OK", "Content-Length: 5, 5\r\nContent-Length: 5\r\n") ==
        "body length 5, persistent\ndeclared 5\n");
  CHECK(read("HTTP/1.1 204 x", five) == "body none, then closed\n");
  CHECK(read("HTTP/1.1 103 x", five) == "body none, then closed\n");
  CHECK(read("HTTP/1.1 200 OK", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") == "502 bad-response");
  CHECK(read("HTTP/1.1 200 OK", five, Method::Connect) == "body tunnel, then closed\n");
  CHECK(read("HTTP/1.1 407 x", five, Method::Connect) == "body length 5, persistent\ndeclared 5\n");
  CHECK(read("HTTP/1.1 200 OK", "Content-Length: 0\r\n") == "body none, persistent\ndeclared 0\n");
}

TEST_CASE("101 carries the upgrade, other answers do not", "[codec][rfc9110-7.8]") {
  CHECK(read_response("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
                      "websocket\r\nSec-WebSocket-Accept: x\r\n\r\n")
            .ends_with("101 1.1\nbody tunnel, then closed\nupgrade websocket\nSec-WebSocket-Accept: x\n"));
  CHECK_THAT(read_response("HTTP/1.1 426 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n"),
             Catch::Matchers::EndsWith("declared 0\n"));
}

TEST_CASE("a response head that is too large is refused as such", "[codec]") {
  const std::string text = head_with("a: b\r\nc: d\r\n");
  HeadLimits limits;
  limits.bytes = text.size();
  CHECK(read_response(text, {}, limits).starts_with("complete"));
  limits.bytes = text.size() - 1;
  CHECK(read_response(text, {}, limits) == "502 response-fields-too-large");
  limits.bytes = 12;
  CHECK(read_response(text.substr(0, 11), {}, limits) == "need more");
  CHECK(read_response(text.substr(0, 12), {}, limits) == "502 response-fields-too-large");
  limits = {};
  limits.fields = 2;
  CHECK(read_response(text, {}, limits).starts_with("complete"));
  limits.fields = 1;
  CHECK(read_response(text, {}, limits) == "502 response-fields-too-large");
}

TEST_CASE("the result does not depend on how a response head is cut into reads", "[codec]") {
  check_splits(kOk);
  for (const char* text :
       {"HTTP/1.1 200\r\na: b\r\n c\r\n\r\nrest", "HTTP/1.1 200 O\nK\r\n\r\n", "HTTP/1.1 200 OK\r\na: b\nc\r\n\r\n",
        "HTTP/1.1 200 OK\r\n a: b\r\n\r\n", "HTTX/1.1 200 OK\r\n\r\n", "HTTP/1.1 100 \r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\na\r: b\r\n\r\n"})
    check_splits(text);
  HeadLimits limits;
  limits.fields = 1;
  for (limits.bytes = 10; limits.bytes < 50; limits.bytes += 3)
    check_splits("HTTP/1.1 200 OK\r\na: b\r\nc: d\r\n\r\n", limits);
}

TEST_CASE("interim responses and the final one are read one after another", "[codec][rfc9110-15.2]") {
  const std::string text = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + kOk;
  H1ResponseReader reader{HeadLimits{}};
  ParsedResponse parsed;
  const HeadProgress first = reader.read_head(text, Method::Get, parsed);
  CHECK(in_words(first, parsed).ends_with("103 1.1\nbody none, persistent\nLink: </x>\n"));
  const HeadProgress second = reader.read_head(std::string_view(text).substr(first.consumed), Method::Get, parsed);
  CHECK(in_words(second, parsed) == read_response(kOk));
}

TEST_CASE("the second response on a connection is parsed without the heap", "[codec][performance]") {
  const std::string text =
      head_with("Server: x\r\nConnection: keep-alive\r\nContent-Length: 3\r\nETag: \"x\"\r\nDate: y\r\n");
  H1ResponseReader reader{HeadLimits{}};
  ParsedResponse parsed;
  REQUIRE(reader.read_head(text, Method::Get, parsed).state == HeadProgress::State::Complete);
  AllocCounter counter;
  const HeadProgress progress = reader.read_head(text, Method::Get, parsed);
  const std::size_t allocations = counter.count();
  CHECK(progress.state == HeadProgress::State::Complete);
  CHECK(allocations == 0);
}

}  // namespace freshet
