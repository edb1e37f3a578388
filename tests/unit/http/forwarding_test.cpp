#include "freshet/http/forwarding.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "lines.hpp"

using namespace freshet;

namespace {

std::string stripped(std::initializer_list<Line> lines) {
  Fields fields = fields_of(lines);
  strip_hop_by_hop(fields);
  return shown(fields);
}

std::string trailers(std::initializer_list<Line> lines) {
  Fields fields = fields_of(lines);
  strip_forbidden_trailers(fields);
  return shown(fields);
}

std::string forwarded(std::initializer_list<Line> lines, std::string_view client, std::string_view host,
                      ForwardedOptions options = {}) {
  Fields fields = fields_of(lines);
  append_forwarded(fields, client, "http", host, options);
  return shown(fields);
}

constexpr ForwardedOptions kOnlyX{true, false};
constexpr ForwardedOptions kOnlyForwarded{false, true};

}  // namespace

TEST_CASE("the hop-by-hop fields never pass", "[http][forwarding][rfc9110-7.6.1]") {
  CHECK(stripped({{"Connection", "close"},
                  {"Keep-Alive", "timeout=5"},
                  {"Proxy-Connection", "keep-alive"},
                  {"TE", "trailers"},
                  {"Transfer-Encoding", "chunked"},
                  {"Upgrade", "h2c"},
                  {"HTTP2-Settings", "x"},
                  {"Proxy-Authorization", "Basic x"},
                  {"Proxy-Authenticate", "Basic"},
                  {"Proxy-Authentication-Info", "x"},
                  {"Host", "a"},
                  {"Trailer", "X"}}) == "Host: a|Trailer: X");
  CHECK(stripped({{"kEEP-aLIVE", "x"}, {"cONNECTION", ""}}) == "");
  CHECK(stripped({}) == "");
}

TEST_CASE("the fields that Connection nominates do not pass either", "[http][forwarding][rfc9110-7.6.1]") {
  CHECK(stripped({{"Connection", "X-Own"}, {"x-own", "1"}, {"X-Owned", "2"}, {"X-OWN", "3"}}) == "X-Owned: 2");
  CHECK(stripped({{"x-b", "1"}, {"Connection", "close, X-A ,,\tX-B"}, {"X-A", "2"}, {"c", "3"}}) == "c: 3");
  CHECK(stripped({{"Connection", "a"}, {"a", "1"}, {"b", "2"}, {"c", "3"}, {"connection", "b"}}) == "c: 3");
  CHECK(stripped({{"Connection", "Referer, Trailer"}, {"Referer", "x"}, {"Trailer", "y"}, {"Via", "z"}}) == "Via: z");
  CHECK(stripped({{"Connection", "close"}, {"Close", "1"}, {"Keep-Alive", "2"}}) == "Close: 1");
  CHECK(stripped({{"Connection", "X-A"}, {"Proxy-Connection", "X-B"}, {"X-A", "1"}, {"X-B", "2"}}) == "X-B: 2");
}

TEST_CASE("quotes in Connection hide nothing", "[http][forwarding][rfc9110-7.6.1]") {
  CHECK(stripped({{"Connection", "\"x, a, y\""}, {"a", "1"}, {"b", "2"}}) == "b: 2");
  CHECK(stripped({{"Connection", "\"x, a"}, {"a", "1"}, {"b", "2"}}) == "b: 2");
}

TEST_CASE("a nomination cannot remove what a message lives by", "[http][forwarding][rfc9110-7.6.1]") {
  const std::initializer_list<Line> lines = {
      {"Connection",
       "host, authorization, cookie, set-cookie, cache-control, cdn-cache-control, content-length, content-type, "
       "content-encoding, content-range, vary, age, expires, date, etag, range, if-none-match, pragma"},
      {"Host", "a"},
      {"Authorization", "b"},
      {"Cookie", "c"},
      {"Set-Cookie", "d"},
      {"Cache-Control", "e"},
      {"CDN-Cache-Control", "f"},
      {"Content-Length", "5"},
      {"Content-Type", "g"},
      {"Content-Encoding", "h"},
      {"Content-Range", "i"},
      {"Vary", "j"},
      {"Age", "1"},
      {"Expires", "k"},
      {"Date", "l"},
      {"ETag", "m"},
      {"Range", "n"},
      {"If-None-Match", "o"},
      {"Pragma", "p"}};
  Fields fields = fields_of(lines);
  strip_hop_by_hop(fields);
  CHECK(fields.size() == lines.size() - 1);
}

TEST_CASE("a message with nothing to strip keeps its wire form", "[http][forwarding]") {
  Fields fields = fields_of({{"Host", "a"}, {"X", "y"}});
  strip_hop_by_hop(fields);
  CHECK(fields.view().wire() == "Host: a\r\nX: y\r\n");
}

TEST_CASE("trailers may not change what the header section settled", "[http][forwarding][rfc9110-6.5.1]") {
  CHECK(trailers({{"X-Checksum", "1"},
                  {"Content-Length", "5"},
                  {"Transfer-Encoding", "chunked"},
                  {"Host", "evil"},
                  {"Authorization", "x"},
                  {"Cookie", "x"},
                  {"Set-Cookie", "x"},
                  {"Cache-Control", "no-store"},
                  {"Content-Type", "x"},
                  {"Trailer", "x"},
                  {"Connection", "close"},
                  {"TE", "x"},
                  {"Via", "x"},
                  {"X-Forwarded-For", "1.2.3.4"},
                  {"Server-Timing", "y"}}) == "X-Checksum: 1|Server-Timing: y");
}

TEST_CASE("versions have their names", "[http][forwarding][rfc9110-7.6.3]") {
  CHECK(version_token(Version::Http10) == "1.0");
  CHECK(version_token(Version::Http11) == "1.1");
  CHECK(version_token(Version::Http2) == "2");
  CHECK(version_token(Version::Http3) == "3");
}

TEST_CASE("our member comes last in Via", "[http][forwarding][rfc9110-7.6.3]") {
  const auto via = [](std::initializer_list<Line> lines, Version version) {
    Fields fields = fields_of(lines);
    append_via(fields, version, "freshet");
    return shown(fields);
  };
  CHECK(via({}, Version::Http11) == "Via: 1.1 freshet");
  CHECK(via({{"Via", "1.0 a"}, {"X", "y"}, {"via", "2 b (c)"}}, Version::Http10) ==
        "X: y|Via: 1.0 a, 2 b (c), 1.0 freshet");
  CHECK(via({{"Via", ""}}, Version::Http3) == "Via: 3 freshet");
}

TEST_CASE("a name is counted in Via where it stands as a recipient", "[http][forwarding][rfc9110-7.6.3]") {
  const auto count = [](std::initializer_list<Line> lines) { return count_in_via(fields_of(lines), "freshet"); };
  CHECK(count({}) == 0);
  CHECK(count({{"Via", "1.1 freshet"}}) == 1);
  CHECK(count({{"Via", "1.1 FRESHET"}}) == 1);
  CHECK(count({{"Via", "HTTP/1.1 freshet"}}) == 1);
  CHECK(count({{"Via", "1.0 a, 1.1\tfreshet (comment), 1.1 freshet(x)"}}) == 2);
  CHECK(count({{"Via", "1.1 freshet"}, {"X", "1.1 freshet"}, {"via", "1.1 freshet"}}) == 2);
  CHECK(count({{"Via", "1.1 freshet2, 1.1 my-freshet, freshet, 1.1 a freshet, freshet 1.1"}}) == 0);
  CHECK(count({{"Via", "1.1 freshet:8080"}}) == 0);
  CHECK(count({{"Via", "1.1 a (freshet)"}}) == 0);
  CHECK(count({{"Via", "1.1"}}) == 0);
  CHECK(count({{"Via", ""}}) == 0);
}

TEST_CASE("no open quote or comment in front of our member hides a loop", "[http][forwarding][rfc9110-7.6.3]") {
  for (const char* hostile : {"1.1 \"a", "1.1 a (b", "\"", "(", "1.1 a (\\", "1.1 a,", ",,"}) {
    Fields fields = fields_of({{"Via", hostile}});
    append_via(fields, Version::Http11, "freshet");
    CAPTURE(hostile);
    CHECK(count_in_via(fields, "freshet") == 1);
  }
}

TEST_CASE("the fields about the client are added", "[http][forwarding][rfc7239]") {
  CHECK(forwarded({}, "1.2.3.4", "h:80") ==
        "X-Forwarded-For: 1.2.3.4|X-Forwarded-Proto: http|X-Forwarded-Host: h:80|"
        "Forwarded: for=1.2.3.4;host=\"h:80\";proto=http");
  CHECK(forwarded({}, "::1", "h", kOnlyForwarded) == "Forwarded: for=\"[::1]\";host=h;proto=http");
  CHECK(forwarded({}, "::1", "[::1]:80", kOnlyForwarded) == "Forwarded: for=\"[::1]\";host=\"[::1]:80\";proto=http");
  CHECK(forwarded({}, "::1", "h", kOnlyX) == "X-Forwarded-For: ::1|X-Forwarded-Proto: http|X-Forwarded-Host: h");
  CHECK(forwarded({}, "1.2.3.4", "", kOnlyForwarded) == "Forwarded: for=1.2.3.4;proto=http");
  CHECK(
      forwarded({}, "", "h") ==
      "X-Forwarded-For: unknown|X-Forwarded-Proto: http|X-Forwarded-Host: h|Forwarded: for=unknown;host=h;proto=http");
  CHECK(forwarded({{"A", "b"}}, "1.2.3.4", "h", {false, false}) == "A: b");
}

TEST_CASE("the addresses are appended to those of earlier proxies, the rest is replaced",
          "[http][forwarding][rfc7239-5.2]") {
  CHECK(forwarded({{"X-Forwarded-For", "9.9.9.9"},
                   {"x-forwarded-for", "8.8.8.8"},
                   {"X-Forwarded-Host", "evil"},
                   {"X-Forwarded-Proto", "https"},
                   {"X-Forwarded-Port", "1"},
                   {"X-Forwarded-Whatever", "x"},
                   {"Front-End-Https", "on"},
                   {"x-forwarded-proto", "ftp"}},
                  "1.2.3.4", "h",
                  kOnlyX) == "X-Forwarded-For: 9.9.9.9, 8.8.8.8, 1.2.3.4|X-Forwarded-Proto: http|X-Forwarded-Host: h");
  CHECK(forwarded({{"X-Forwarded-Host", "evil"}}, "1.2.3.4", "", kOnlyX) ==
        "X-Forwarded-For: 1.2.3.4|X-Forwarded-Proto: http");
  CHECK(forwarded({{"Forwarded", "for=a"}, {"X", "y"}, {"forwarded", "for=\"[::2]:1\""}}, "1.2.3.4", "h",
                  kOnlyForwarded) == "X: y|Forwarded: for=a, for=\"[::2]:1\", for=1.2.3.4;host=h;proto=http");
}

TEST_CASE("a client cannot make our member of Forwarded a part of its own", "[http][forwarding][rfc7239-8]") {
  CHECK(forwarded({{"Forwarded", "for=\"evil"}}, "1.2.3.4", "h", kOnlyForwarded) ==
        "Forwarded: for=1.2.3.4;host=h;proto=http");
  CHECK(forwarded({{"Forwarded", "for=\"evil\\\""}, {"Forwarded", "for=a"}}, "1.2.3.4", "h", kOnlyForwarded) ==
        "Forwarded: for=a, for=1.2.3.4;host=h;proto=http");
  CHECK(forwarded({{"Forwarded", "for=\"a\\\\\""}}, "1.2.3.4", "h", kOnlyForwarded) ==
        "Forwarded: for=\"a\\\\\", for=1.2.3.4;host=h;proto=http");
}

TEST_CASE("P7: of what a client says in Forwarded only for= is kept", "[http][forwarding][rfc7239-8]") {
  const std::string ours = "for=1.2.3.4;host=h;proto=http";
  const auto line = [](const char* came) { return forwarded({{"Forwarded", came}}, "1.2.3.4", "h", kOnlyForwarded); };
  CHECK(line("host=evil;proto=https;by=x") == "Forwarded: " + ours);
  CHECK(line("host=evil;for=a;proto=https") == "Forwarded: for=a, " + ours);
  CHECK(line("For=a;host=evil, FOR=\"b,;\";by=c") == "Forwarded: for=a, for=\"b,;\", " + ours);
  CHECK(line("for=a b;host=evil") == "Forwarded: " + ours);
  CHECK(line("for, for=, junk") == "Forwarded: " + ours);
}

TEST_CASE("P7: fields that may steer an origin past the key", "[http][forwarding]") {
  struct Case {
    const char *name, *value;
    bool reverse, as_they_come, of_client;
  };
  // On a reverse listener; on one that leaves these fields alone; on a forward listener.
  const Case cases[] = {
      {"User-Agent", "x", false, false, false},
      {"X-Forwarded-For", "6.6.6.6", false, false, false},
      {"X-HTTP-Method-Override", "DELETE", true, true, true},
      {"x-original-url", "/evil", true, true, true},
      {"X-Rewrite-URL", "/evil", true, true, true},
      {"X-Host", "h", true, true, true},
      {"X-Forwarded-Host", "evil", false, true, true},
      {"X-Forwarded-Host", "H", false, false, false},
      {"X-Forwarded-Proto", "https", false, false, true},
      {"X-Forwarded-Proto", "http", false, false, false},
      {"X-Forwarded-Port", "1", false, false, true},
      {"Front-End-Https", "on", false, false, true},
      {"Forwarded", "for=6.6.6.6", false, false, false},
      {"Forwarded", "for=x;host=evil", false, true, true},
      {"Forwarded", "for=x, host=\"h\";proto=http", false, false, false},
      {"Forwarded", "host=\"evil", false, true, true},
      {"Forwarded", "proto=https", false, false, true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name, c.value);
    RequestHead head;
    head.authority = "h";
    head.scheme = "http";
    head.fields = fields_of({{"Accept", "x"}, {c.name, c.value}});
    CHECK(may_steer_origin(head, {true, true}, false) == c.reverse);
    CHECK(may_steer_origin(head, {false, false}, false) == c.as_they_come);
    CHECK(may_steer_origin(head, {true, true}, true) == c.of_client);
  }
}

TEST_CASE("Max-Forwards is counted down to nought", "[http][forwarding][rfc9110-7.6.2]") {
  struct Case {
    const char *before, *after;
    bool answer_here, malformed;
  };
  const Case cases[] = {
      {"0", "0", true, false},
      {"00", "00", true, false},
      {"1", "0", false, false},
      {"10", "9", false, false},
      {"18446744073709551615", "18446744073709551614", false, false},
      {"99999999999999999999999", "18446744073709551614", false, false},
      {"", "", false, true},
      {"-1", "-1", false, true},
      {"+1", "+1", false, true},
      {"1, 1", "1, 1", false, true},
      {"x", "x", false, true},
  };
  for (const Case& c : cases) {
    Fields fields = fields_of({{"Max-Forwards", c.before}});
    const MaxForwards verdict = apply_max_forwards(fields);
    CAPTURE(c.before);
    CHECK(shown(fields) == "Max-Forwards: " + std::string(c.after));
    CHECK(verdict.answer_here == c.answer_here);
    CHECK(verdict.malformed == c.malformed);
  }
  Fields none;
  CHECK_FALSE(apply_max_forwards(none).answer_here);
  CHECK(none.empty());
  Fields twice = fields_of({{"Max-Forwards", "1"}, {"Max-Forwards", "0"}});
  CHECK(apply_max_forwards(twice).malformed);
  CHECK(twice.size() == 2);
}
