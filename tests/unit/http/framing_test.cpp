#include "freshet/http/framing.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "lines.hpp"

using namespace freshet;

namespace {

std::string shown(const FramingVerdict& v) {
  if (v.error != Reason::None) {
    // A refusal leaves nothing to go on with.
    const bool clean = v.body == BodyKind::None && v.length == 0 && !v.persistent;
    return std::to_string(v.status) + " " + std::string(word(v.error)) + (clean ? "" : " with leftovers");
  }
  std::string out = v.status == 0 ? "" : "status without an error: ";
  switch (v.body) {
    case BodyKind::None:
      out += "none";
      break;
    case BodyKind::Length:
      out += "length " + std::to_string(v.length);
      break;
    case BodyKind::Chunked:
      out += "chunked";
      break;
    case BodyKind::UntilClose:
      out += "until close";
      break;
    case BodyKind::Tunnel:
      out += "tunnel";
      break;
  }
  return out + (v.persistent ? ", go on" : ", close");
}

std::string request(std::initializer_list<Line> lines, Version version = Version::Http11,
                    Method method = Method::Post) {
  const Fields fields = fields_of(lines);
  return shown(frame_request(method, version, fields));
}

std::string response(std::initializer_list<Line> lines, int status = 200, Version version = Version::Http11,
                     Method method = Method::Get) {
  const Fields fields = fields_of(lines);
  return shown(frame_response(method, status, version, fields));
}

constexpr auto kTe = "Transfer-Encoding";
constexpr auto kCl = "Content-Length";

}  // namespace

TEST_CASE("a request without length and coding has no body, whatever its method", "[http][framing][rfc9112-6.3]") {
  for (Method method : {Method::Get, Method::Post, Method::Put, Method::Connect, Method::Other}) {
    CHECK(request({}, Version::Http11, method) == "none, go on");
    CHECK(request({{"Host", "a"}, {"Content-Type", "x"}}, Version::Http11, method) == "none, go on");
  }
}

TEST_CASE("a request's Content-Length is digits on one line", "[http][framing][rfc9112-6.3]") {
  struct Case {
    const char *value, *verdict;
  };
  const Case cases[] = {
      {"0", "none, go on"},
      {"000", "none, go on"},
      {"1", "length 1, go on"},
      {" 42\t", "length 42, go on"},
      {"007", "length 7, go on"},
      {"9223372036854775807", "length 9223372036854775807, go on"},
      {"9223372036854775808", "400 bad-content-length"},
      {"18446744073709551615", "400 bad-content-length"},
      {"18446744073709551616", "400 bad-content-length"},
      {"18446744073709551617", "400 bad-content-length"},
      {"99999999999999999999999999", "400 bad-content-length"},
      {"", "400 bad-content-length"},
      {"+5", "400 bad-content-length"},
      {"-5", "400 bad-content-length"},
      {"-0", "400 bad-content-length"},
      {"5, 5", "400 bad-content-length"},
      {"5,5", "400 bad-content-length"},
      {"5,", "400 bad-content-length"},
      {",5", "400 bad-content-length"},
      {"5 5", "400 bad-content-length"},
      {"5;", "400 bad-content-length"},
      {"5.0", "400 bad-content-length"},
      {"5e1", "400 bad-content-length"},
      {"0x5", "400 bad-content-length"},
      {"5_0", "400 bad-content-length"},
      {"\"5\"", "400 bad-content-length"},
      {"five", "400 bad-content-length"},
      {"\v5", "400 bad-content-length"},
      {"5\f", "400 bad-content-length"},
      {"\xC2\xA0"
       "5",
       "400 bad-content-length"},
      {"\xD9\xA5", "400 bad-content-length"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.value);
    CHECK(request({{kCl, c.value}}) == c.verdict);
    CHECK(request({{"cONTENT-lENGTH", c.value}}) == c.verdict);
  }
  CHECK(request({{kCl, "5"}, {kCl, "5"}}) == "400 bad-content-length");
  CHECK(request({{kCl, "5"}, {"content-length", "6"}}) == "400 bad-content-length");
  CHECK(request({{kCl, "0"}, {kCl, "0"}}) == "400 bad-content-length");
  CHECK(request({{kCl, "5"}, {"X", "y"}, {kCl, ""}}) == "400 bad-content-length");
}

TEST_CASE("a field whose name only resembles Content-Length has no say", "[http][framing][rfc9112-6.3]") {
  CHECK(request({{"Content_Length", "5"}, {"XContent-Length", "6"}, {"Content-Lengt", "7"}}) == "none, go on");
}

TEST_CASE("a request's only coding is chunked", "[http][framing][rfc9112-6.1]") {
  struct Case {
    const char *value, *verdict;
  };
  const Case cases[] = {
      {"chunked", "chunked, go on"},
      {"CHUNKED", "chunked, go on"},
      {" Chunked\t", "chunked, go on"},
      // Could be framed, if we had the other coding.
      {"gzip, chunked", "501 bad-transfer-encoding"},
      {"gzip,chunked", "501 bad-transfer-encoding"},
      {"gzip;level=9, chunked", "501 bad-transfer-encoding"},
      {"a;b=\"c, d\", chunked", "501 bad-transfer-encoding"},
      {"identity, chunked", "501 bad-transfer-encoding"},
      {"deflate, gzip, chunked", "501 bad-transfer-encoding"},
      // The end of the body would be anybody's guess.
      {"", "400 bad-transfer-encoding"},
      {"gzip", "400 bad-transfer-encoding"},
      {"identity", "400 bad-transfer-encoding"},
      {"xchunked", "400 bad-transfer-encoding"},
      {"chunkedx", "400 bad-transfer-encoding"},
      {"chunked, chunked", "400 bad-transfer-encoding"},
      {"gzip, chunked, chunked", "400 bad-transfer-encoding"},
      {"chunked, gzip", "400 bad-transfer-encoding"},
      {"chunked, identity", "400 bad-transfer-encoding"},
      {"chunked;a=b", "400 bad-transfer-encoding"},
      {"chunked;", "400 bad-transfer-encoding"},
      {"\"chunked\"", "400 bad-transfer-encoding"},
      {"'chunked'", "400 bad-transfer-encoding"},
      {"chunked foo", "400 bad-transfer-encoding"},
      {"foo chunked", "400 bad-transfer-encoding"},
      {"\vchunked", "400 bad-transfer-encoding"},
      {"chunked\f", "400 bad-transfer-encoding"},
      {"\x01"
       "chunked",
       "400 bad-transfer-encoding"},
      {"chunked\xFF", "400 bad-transfer-encoding"},
      {"@, chunked", "400 bad-transfer-encoding"},
      {"gzip;, chunked", "501 bad-transfer-encoding"},
      {"gzip;=1, chunked", "400 bad-transfer-encoding"},
      {"gzip;a, chunked", "400 bad-transfer-encoding"},
      {"gzip;a=, chunked", "400 bad-transfer-encoding"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.value);
    CHECK(request({{kTe, c.value}}) == c.verdict);
    CHECK(request({{"tRANSFER-eNCODING", c.value}}) == c.verdict);
    CHECK(request({{kTe, c.value}}, Version::Http10).substr(0, 3) == "400");
  }
  // "exactly" also means: no list, even of one.
  CHECK(request({{kTe, "chunked,"}}).find("bad-transfer-encoding") != std::string::npos);
  CHECK(request({{kTe, ",chunked"}}).find("bad-transfer-encoding") != std::string::npos);
}

TEST_CASE("two Transfer-Encoding lines are refused, whatever they say", "[http][framing][rfc9112-6.1]") {
  for (const char* other : {"chunked", "identity", "", "gzip", "xchunked"}) {
    CAPTURE(other);
    CHECK(request({{kTe, "chunked"}, {kTe, other}}) == "400 bad-transfer-encoding");
    CHECK(request({{kTe, other}, {"transfer-encoding", "chunked"}}) == "400 bad-transfer-encoding");
  }
}

TEST_CASE("a request with both a length and a coding is refused", "[http][framing][rfc9112-6.1]") {
  for (const char* coding : {"chunked", "CHUNKED", "xchunked", "identity", "gzip, chunked", ""}) {
    for (const char* length : {"0", "5", "abc", ""}) {
      CAPTURE(coding, length);
      CHECK(request({{kTe, coding}, {kCl, length}}) == "400 length-conflict");
      CHECK(request({{kCl, length}, {kTe, coding}}) == "400 length-conflict");
      CHECK(request({{kCl, length}, {kTe, coding}}, Version::Http10) == "400 length-conflict");
    }
  }
  CHECK(request({{kTe, "chunked"}}, Version::Http10) == "400 bad-transfer-encoding");
}

TEST_CASE("CONNECT has no content", "[http][framing][rfc9110-9.3.6]") {
  for (const Method method : {Method::Connect, Method::Trace}) {  // RFC 9110 9.3.8 for TRACE
    CHECK(request({{kCl, "0"}}, Version::Http11, method) == "none, go on");
    CHECK(request({{kCl, "5"}}, Version::Http11, method) == "400 bad-content-length");
    CHECK(request({{kTe, "chunked"}}, Version::Http11, method) == "400 bad-transfer-encoding");
  }
}

TEST_CASE("a request says whether the connection goes on", "[http][framing][rfc9112-9.3]") {
  struct Case {
    Version version;
    std::vector<Line> lines;
    bool persistent;
  };
  const Case cases[] = {
      {Version::Http11, {}, true},
      {Version::Http11, {{"Connection", "close"}}, false},
      {Version::Http11, {{"connection", "CLOSE"}}, false},
      {Version::Http11, {{"Connection", "keep-alive"}}, true},
      {Version::Http11, {{"Connection", "keep-alive, close"}}, false},
      {Version::Http11, {{"Connection", "foo ,\tClose ,bar"}}, false},
      {Version::Http11, {{"Connection", "foo"}, {"Connection", "close"}}, false},
      {Version::Http11, {{"Connection", "closed"}}, true},
      {Version::Http11, {{"Connection", "\"x, close"}}, false},
      {Version::Http11, {{"Connection", "\"x, close, y\""}}, false},
      {Version::Http11, {{"Connection", ""}}, true},
      {Version::Http11, {{"Connection", "upgrade"}, {"Upgrade", "websocket"}}, true},
      {Version::Http11, {{"Proxy-Connection", "close"}}, false},
      {Version::Http11, {{"Keep-Alive", "close"}}, true},
      {Version::Http10, {}, false},
      {Version::Http10, {{"Connection", "keep-alive"}}, true},
      {Version::Http10, {{"Connection", "Keep-Alive"}}, true},
      {Version::Http10, {{"Connection", "keep-alive, close"}}, false},
      {Version::Http10, {{"Connection", "close"}, {"Connection", "keep-alive"}}, false},
      {Version::Http10, {{"Proxy-Connection", "Keep-Alive"}}, true},
      {Version::Http10, {{"Proxy-Connection", "Keep-Alive"}, {"Connection", "close"}}, false},
      {Version::Http10, {{"Keep-Alive", "timeout=5"}}, false},
  };
  for (const Case& c : cases) {
    Fields fields;
    for (const Line& line : c.lines) fields.add(line.name, line.value);
    CAPTURE(static_cast<int>(c.version), freshet::shown(fields));
    CHECK(frame_request(Method::Get, c.version, fields).persistent == c.persistent);
    fields.add(FieldId::ContentLength, "5");
    CHECK(frame_request(Method::Get, c.version, fields).persistent == c.persistent);
  }
}

TEST_CASE("some responses never have a body", "[http][framing][rfc9112-6.3]") {
  for (int status : {100, 102, 103, 199, 204, 304}) {
    CAPTURE(status);
    CHECK(response({}, status) == "none, go on");
    CHECK(response({{kCl, "0"}}, status) == "none, go on");
    CHECK(response({{"Connection", "close"}}, status) == "none, close");
    CHECK(response({{kTe, "chunked"}, {kCl, "10"}}, status) == "none, close");
  }
  // RFC 9110 8.6 and RFC 9112 6.1: who speaks of content in a 1xx or 204 may send some.
  for (int status : {100, 102, 103, 199, 204}) {
    CAPTURE(status);
    for (const char* said : {"10", "x", "1, 2", "00"}) CHECK(response({{kCl, said}}, status) == "none, close");
    CHECK(response({{kCl, "0"}, {kCl, "0"}}, status) == "none, close");
    CHECK(response({{kTe, "chunked"}}, status) == "none, close");
    CHECK(response({{kTe, "junk"}}, status) == "none, close");
  }
  CHECK(response({{kCl, "10"}}, 304) == "none, go on");
  CHECK(response({{kTe, "chunked"}}, 304) == "none, go on");
  for (int status : {200, 206, 404, 500, 999}) {
    CHECK(response({{kCl, "10"}}, status, Version::Http11, Method::Head) == "none, go on");
    CHECK(response({}, status, Version::Http11, Method::Head) == "none, go on");
    CHECK(response({{kTe, "chunked"}}, status, Version::Http11, Method::Head) == "none, go on");
    CHECK(response({}, status, Version::Http10, Method::Head) == "none, close");
  }
}

TEST_CASE("a length that is no number is an error where it would be handed on", "[http][framing][rfc9112-6.3]") {
  CHECK(response({{kCl, "x"}}, 200, Version::Http11, Method::Head) == "502 bad-content-length");
  CHECK(response({{kCl, "1, 2"}}, 304) == "502 bad-content-length");
  CHECK(response({{kCl, "x"}}, 204) == "none, close");
  CHECK(response({{kCl, "x"}}, 103) == "none, close");
}

TEST_CASE("101 and a successful CONNECT turn the connection into a tunnel", "[http][framing][rfc9112-6.3]") {
  CHECK(response({}, 101) == "tunnel, close");
  CHECK(response({{kCl, "5"}, {"Upgrade", "websocket"}}, 101) == "tunnel, close");
  for (int status : {200, 201, 204, 299}) {
    CAPTURE(status);
    CHECK(response({}, status, Version::Http11, Method::Connect) == "tunnel, close");
    CHECK(response({{kCl, "5"}}, status, Version::Http11, Method::Connect) == "tunnel, close");
    CHECK(response({{kTe, "chunked"}}, status, Version::Http11, Method::Connect) == "tunnel, close");
    CHECK(response({{kTe, "gzip, chunked"}, {kCl, "x"}}, status, Version::Http10, Method::Connect) == "tunnel, close");
  }
  CHECK(response({{kCl, "5"}}, 407, Version::Http11, Method::Connect) == "length 5, go on");
  CHECK(response({}, 300, Version::Http11, Method::Connect) == "until close, close");
  CHECK(response({}, 199, Version::Http11, Method::Connect) == "none, go on");
}

TEST_CASE("a response's codings decide how it is read", "[http][framing][rfc9112-6.3]") {
  struct Case {
    const char *value, *verdict;
  };
  const Case cases[] = {
      {"chunked", "chunked, go on"},
      {"Chunked", "chunked, go on"},
      {"chunked,", "chunked, go on"},
      {"", "until close, close"},
      {"gzip", "until close, close"},
      {"identity", "until close, close"},
      {"xchunked", "until close, close"},
      {"junk junk", "until close, close"},
      {"\"chunked\"", "until close, close"},
      {"gzip, chunked", "502 bad-transfer-encoding"},
      {"chunked, gzip", "502 bad-transfer-encoding"},
      {"chunked, chunked", "502 bad-transfer-encoding"},
      {"chunked;a=b", "502 bad-transfer-encoding"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.value);
    CHECK(response({{kTe, c.value}}) == c.verdict);
  }
  CHECK(response({{kTe, "chunked"}, {kTe, "chunked"}}) == "502 bad-transfer-encoding");
  CHECK(response({{kTe, "gzip"}, {kTe, "chunked"}}) == "502 bad-transfer-encoding");
  CHECK(response({{kTe, "gzip"}, {kTe, "br"}}) == "until close, close");
  CHECK(response({{kTe, "chunked"}, {"Connection", "close"}}) == "chunked, close");
}

TEST_CASE("P3: a response with both a length and a coding is an error where there is a body",
          "[http][framing][rfc9112-6.3]") {
  CHECK(response({{kTe, "chunked"}, {kCl, "5"}}) == "502 length-conflict");
  CHECK(response({{kCl, "5"}, {kTe, "chunked"}}) == "502 length-conflict");
  CHECK(response({{kCl, "0"}, {kTe, "chunked"}}) == "502 length-conflict");
  CHECK(response({{kCl, "x"}, {kTe, "chunked"}}) == "502 length-conflict");
  CHECK(response({{kCl, "5"}, {kTe, "junk"}}) == "502 length-conflict");
  CHECK(response({{kCl, "5"}, {kTe, "chunked"}}, 200, Version::Http11, Method::Head) == "none, close");
  CHECK(response({{kCl, "5"}, {kTe, "chunked"}}, 304) == "none, close");
}

TEST_CASE("a chunked response in HTTP/1.0 is read but its connection is not used again",
          "[http][framing][rfc9112-6.1]") {
  CHECK(response({{kTe, "chunked"}, {"Connection", "keep-alive"}}, 200, Version::Http10) == "chunked, close");
}

TEST_CASE("equal lengths of a response count as one, different ones are an error", "[http][framing][rfc9112-6.3]") {
  struct Case {
    const char *value, *verdict;
  };
  const Case cases[] = {
      {"0", "none, go on"},
      {"5", "length 5, go on"},
      {"5, 5", "length 5, go on"},
      {"5,5 ,\t5", "length 5, go on"},
      {"5, 05", "length 5, go on"},
      {"9223372036854775807", "length 9223372036854775807, go on"},
      {"9223372036854775808", "502 bad-content-length"},
      {"99999999999999999999", "502 bad-content-length"},
      {"5, 6", "502 bad-content-length"},
      {"5, ", "502 bad-content-length"},
      {"5,,5", "502 bad-content-length"},
      {",5", "502 bad-content-length"},
      {"", "502 bad-content-length"},
      {"-1", "502 bad-content-length"},
      {"+1", "502 bad-content-length"},
      {"1 1", "502 bad-content-length"},
      {"abc", "502 bad-content-length"},
      {"5, abc", "502 bad-content-length"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.value);
    CHECK(response({{kCl, c.value}}) == c.verdict);
  }
  CHECK(response({{kCl, "5"}, {kCl, "5"}}) == "length 5, go on");
  CHECK(response({{kCl, "5"}, {kCl, "6"}}) == "502 bad-content-length");
  CHECK(response({{kCl, "5"}, {kCl, ""}}) == "502 bad-content-length");
}

TEST_CASE("a response without length and coding lasts until the connection closes", "[http][framing][rfc9112-6.3]") {
  for (int status : {200, 206, 404, 500, 599, 999}) {
    CHECK(response({}, status) == "until close, close");
    CHECK(response({{"Connection", "keep-alive"}}, status) == "until close, close");
  }
}

TEST_CASE("a response says whether the connection goes on", "[http][framing][rfc9112-9.3]") {
  CHECK(response({{kCl, "1"}, {"Connection", "close"}}) == "length 1, close");
  CHECK(response({{kCl, "1"}, {"Connection", "a, CLOSE"}}) == "length 1, close");
  CHECK(response({{kCl, "1"}}, 200, Version::Http10) == "length 1, close");
  CHECK(response({{kCl, "1"}, {"Connection", "Keep-Alive"}}, 200, Version::Http10) == "length 1, go on");
  CHECK(response({{kCl, "1"}, {"Proxy-Connection", "keep-alive"}}, 200, Version::Http10) == "length 1, close");
}

TEST_CASE("P3: a length padded with more zeros than any number needs is refused", "[http][framing][rfc9110-8.6]") {
  CHECK(request({{kCl, "005"}}) == "length 5, go on");
  CHECK(request({{kCl, std::string(18, '0') + "5"}}) == "length 5, go on");
  CHECK(request({{kCl, std::string(19, '0') + "5"}}) == "400 bad-content-length");
  CHECK(response({{kCl, std::string(19, '0') + "5"}}) == "502 bad-content-length");
}

TEST_CASE("more options in Connection than anybody needs are refused", "[http][framing][rfc9110-7.6.1]") {
  const auto options = [](std::size_t count) {
    std::string list = "x";
    while (--count > 0) list += ",x";
    return list;
  };
  CHECK(request({{"Connection", options(64).c_str()}}) == "none, go on");
  CHECK(request({{"Connection", options(65).c_str()}}) == "400 bad-field");
  CHECK(request({{"Connection", options(40).c_str()}, {"Connection", options(40).c_str()}}) == "400 bad-field");
  CHECK(response({{kCl, "1"}, {"Connection", options(64).c_str()}}) == "length 1, go on");
  CHECK(response({{kCl, "1"}, {"Connection", options(65).c_str()}}) == "502 bad-field");
}
