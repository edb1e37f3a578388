#include "freshet/http/target.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace freshet;

namespace {

// What a request asks for, and what comes of it: "scheme authority target", with '!' behind it for absolute-form, or
// "status word" of the refusal.
std::string decide(Method method, std::string_view raw, std::optional<std::string_view> host,
                   Version version = Version::Http11, std::size_t host_count = 99) {
  Arena arena;
  if (host_count == 99) host_count = host ? 1 : 0;
  const TargetVerdict v = decide_target(method, raw, host, host_count, version, "http", arena);
  if (v.error != Reason::None) return std::to_string(v.status) + " " + std::string(word(v.error));
  std::string out(v.scheme);
  out.append(" ").append(v.authority).append(" ").append(v.target);
  return v.status == 0 ? out + (v.absolute ? "!" : "") : "status without an error";
}

std::string normal(std::string_view text, std::string_view scheme = "http") {
  Arena arena;
  const auto authority = normalise_authority(text, scheme, arena);
  return authority ? std::string(*authority) : "refused";
}

constexpr std::optional<std::string_view> kNoHost;

}  // namespace

TEST_CASE("an authority is split into host and port", "[http][target][rfc3986-3.2]") {
  struct Case {
    const char *text, *host;
    int port;
  };
  const Case cases[] = {
      {"a", "a", 0},
      {"Example.COM", "Example.COM", 0},
      {"example.com:1", "example.com", 1},
      {"example.com:65535", "example.com", 65535},
      {"example.com:", "example.com", 0},
      {"example.com:0080", "example.com", 80},
      {"example.com.", "example.com", 0},
      {"example.com.:81", "example.com", 81},
      {"127.0.0.1:8080", "127.0.0.1", 8080},
      {"999.1", "999.1", 0},
      {"my_host-1~x", "my_host-1~x", 0},
      {"123456789.123456789.123456789.123456789.123456789.123456789.",
       "123456789.123456789.123456789.123456789.123456789.123456789", 0},
      {"[::1]", "[::1]", 0},
      {"[::1]:", "[::1]", 0},
      {"[2001:DB8::A]:443", "[2001:DB8::A]", 443},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto authority = split_authority(c.text);
    REQUIRE(authority);
    CHECK(authority->host == c.host);
    CHECK(authority->port == c.port);
  }
}

TEST_CASE("an odd authority is refused", "[http][target][rfc3986-3.2]") {
  for (const char* text : {"",
                           ":",
                           ":80",
                           ".",
                           "..",
                           ".a",
                           "a..b",
                           "a..",
                           "a:0",
                           "a:00",
                           "a:65536",
                           "a:99999999999999999999",
                           "a:-1",
                           "a:+1",
                           "a: 1",
                           "a:1 ",
                           "a:8a",
                           "a:0x50",
                           "a:1:2",
                           "a b",
                           " a",
                           "a ",
                           "a\tb",
                           "user@a",
                           "u:p@a",
                           "a@",
                           "a/b",
                           "a?b",
                           "a#b",
                           "a%41",
                           "a,b",
                           "a;b",
                           "a'b",
                           "a!b",
                           "a$b",
                           "a&b",
                           "a(b)",
                           "a*b",
                           "a+b",
                           "a=b",
                           "%",
                           "a\\b",
                           "a\"b",
                           "a<b",
                           "a|b",
                           "a^b",
                           "a`b",
                           "a{b}",
                           "a[b]",
                           "\xC3\xA4",
                           "a\x7f",
                           "a\x01",
                           "[]",
                           "[",
                           "]",
                           "[::1",
                           "::1",
                           "1::2:80",
                           "[::1]a",
                           "[::1]80",
                           "[::1]:0",
                           "[::1]:65536",
                           "[::1].",
                           "[::1%25lo]",
                           "[fe80::1%eth0]",
                           "[v1.a]",
                           "[::g]",
                           "[:::]",
                           "[1]"}) {
    CAPTURE(text);
    CHECK_FALSE(split_authority(text));
    CHECK(normal(text) == "refused");
  }
  CHECK_FALSE(split_authority(std::string_view("a\0b", 3)));
}

TEST_CASE("an IPv6 literal has eight groups, or fewer and one double colon", "[http][target][rfc3986-3.2.2]") {
  for (const char* good : {"::", "::1", "1::", "1::2", "1:2:3:4:5:6:7:8", "::2:3:4:5:6:7:8",
                           "1:2:3:4:5:6:7::", "1::3:4:5:6:7:8", "1:2:3::6:7:8", "ABCD:ef01::", "::ffff:127.0.0.1",
                           "64:ff9b::1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "::1.2.3.4", "::5:6:1.2.3.4", "0000::0001"}) {
    CAPTURE(good);
    CHECK(split_authority("[" + std::string(good) + "]"));
  }
  for (const char* bad : {":",
                          ":::",
                          "1",
                          "1:2",
                          "1:2:3:4:5:6:7",
                          "1:2:3:4:5:6:7:8:9",
                          "1:2:3:4:5:6:7:8::",
                          "::1:2:3:4:5:6:7:8",
                          "1::2::3",
                          ":1::2",
                          "1::2:",
                          ":1:2:3:4:5:6:7",
                          "1:2:3:4:5:6:7:",
                          "12345::",
                          "::g",
                          "::-1",
                          "::1.2.3",
                          "::1.2.3.4.5",
                          "::1.2.3.256",
                          "::01.2.3.4",
                          "::1.2.3.4:5",
                          "1.2.3.4",
                          "1:2:3:4:5:6:7:1.2.3.4",
                          "::1..2.3",
                          "::1.2.3.",
                          "::.1.2.3",
                          ":: 1"}) {
    CAPTURE(bad);
    CHECK_FALSE(split_authority("[" + std::string(bad) + "]"));
  }
}

TEST_CASE("a normalised authority has lower case, no trailing dot and no default port",
          "[http][target][rfc9110-4.2.3]") {
  CHECK(normal("a") == "a");
  CHECK(normal("A.Example.COM:80") == "a.example.com");
  CHECK(normal("a:80") == "a");
  CHECK(normal("a:443") == "a:443");
  CHECK(normal("a:443", "https") == "a");
  CHECK(normal("a:80", "https") == "a:80");
  CHECK(normal("a:80", "ftp") == "a:80");
  CHECK(normal("a:") == "a");
  CHECK(normal("a.") == "a");
  CHECK(normal("a.:80") == "a");
  CHECK(normal("A.:8080") == "a:8080");
  CHECK(normal("a:0080") == "a");
  CHECK(normal("a:08080") == "a:8080");
  CHECK(normal("[2001:DB8::A]:80") == "[2001:db8::a]");
  CHECK(normal("[::1]:8080") == "[::1]:8080");
  CHECK(default_port("http") == 80);
  CHECK(default_port("HTTPS") == 443);
  CHECK(default_port("ftp") == 0);
  CHECK(default_port("") == 0);
}

TEST_CASE("an authority that is normal already is not copied", "[http][target]") {
  Arena arena;
  for (const char* text :
       {"example.com", "example.com:8080", "example.com:80", "example.com.", "example.com:", "[::1]:81"}) {
    const std::string_view view(text);
    CHECK(normalise_authority(view, "http", arena)->data() == view.data());
  }
  CHECK(arena.held() == 0);
}

TEST_CASE("the origin-form takes its authority from Host", "[http][target][rfc9112-3.2.1]") {
  CHECK(decide(Method::Get, "/", "a") == "http a /");
  CHECK(decide(Method::Get, "/p?q=1", "A.b:80") == "http a.b /p?q=1");
  CHECK(decide(Method::Get, "/", "a:8080") == "http a:8080 /");
  CHECK(decide(Method::Get, "//evil/x", "a") == "http a //evil/x");
  CHECK(decide(Method::Get, "/http://b/", "a") == "http a /http://b/");
  CHECK(decide(Method::Get, "/a@b", "a") == "http a /a@b");
  CHECK(decide(Method::Options, "/", "a") == "http a /");
  CHECK(decide(Method::Other, "/", "a") == "http a /");
}

TEST_CASE("P5: a name longer than any in the DNS is no authority", "[http][target][rfc1035-2.3.4]") {
  CHECK(split_authority(std::string(255, 'a')));
  CHECK_FALSE(split_authority(std::string(256, 'a')));
  CHECK(decide(Method::Get, "/", std::string(256, 'a').c_str()) == "400 bad-host");
}

TEST_CASE("P5, P8: what some read as another path is refused in the path, and passes in the query",
          "[http][target][rfc3986-2]") {
  for (const char* path : {"/\\", "/a\\..\\b", "/\"", "/<b>", "/a%00.css", "/%00"}) {
    CAPTURE(path);
    CHECK(decide(Method::Get, path, "a") == "400 bad-target");
    CHECK(decide(Method::Get, "http://a" + std::string(path), "a") == "400 bad-target");
    const std::string query = "/?" + std::string(path);
    CHECK(decide(Method::Get, query, "a") == "http a " + query);
  }
  CHECK(decide(Method::Get, "/%2500", "a") == "http a /%2500");
}

TEST_CASE("bytes that browsers send raw pass in path and query", "[http][target][rfc3986-2]") {
  for (const char* target : {"/|", "/{}", "/[]", "/^", "/`", "/?|\"<>{}[]^`\\", "/%zz", "/%"}) {
    CAPTURE(target);
    CHECK(decide(Method::Get, target, "a") == "http a " + std::string(target));
    CHECK(decide(Method::Get, "http://a" + std::string(target), "a") == "http a " + std::string(target) + "!");
  }
}

TEST_CASE("fragments, spaces, control and non-ASCII bytes are refused in every form", "[http][target][rfc9112-3.2]") {
  for (const int byte : {0, 1, 9, 10, 11, 12, 13, 31, 32, 35, 127, 128, 0xC3, 255}) {
    const std::string bad(1, static_cast<char>(byte));
    CAPTURE(byte);
    for (const std::string& target : {"/" + bad, "/a" + bad + "b", "/?" + bad, bad + "/", bad, "http://a/" + bad,
                                      "http://a" + bad, "http:" + bad + "//a/", "*" + bad})
      for (Method method : {Method::Get, Method::Options, Method::Connect})
        CHECK(decide(method, target, "a") == "400 bad-target");
  }
  CHECK(decide(Method::Get, "", "a") == "400 bad-target");
}

TEST_CASE("the absolute-form names scheme and authority itself", "[http][target][rfc9112-3.2.2]") {
  CHECK(decide(Method::Get, "http://a/p?q", "a") == "http a /p?q!");
  CHECK(decide(Method::Get, "HTTP://A.b:80/P", "a.B") == "http a.b /P!");
  CHECK(decide(Method::Get, "https://a:443/", "a") == "https a /!");
  CHECK(decide(Method::Get, "hTTps://a:80/", "a:80") == "https a:80 /!");
  CHECK(decide(Method::Get, "http://a", "a") == "http a /!");
  CHECK(decide(Method::Get, "http://a?x", "a") == "http a /?x!");
  CHECK(decide(Method::Get, "http://a?", "a") == "http a /?!");
  CHECK(decide(Method::Get, "http://a?x/y@z", "a") == "http a /?x/y@z!");
  CHECK(decide(Method::Get, "http://[::1]:8080/", "[::1]:8080") == "http [::1]:8080 /!");
  CHECK(decide(Method::Get, "http://a//b", "a") == "http a //b!");
  CHECK(decide(Method::Get, "http://a/", kNoHost, Version::Http10) == "http a /!");
}

TEST_CASE("an absolute target that names no valid place is refused", "[http][target][rfc9110-4.2]") {
  CHECK(decide(Method::Get, "http://", "a") == "400 bad-target");
  CHECK(decide(Method::Get, "http:///p", "a") == "400 bad-target");
  CHECK(decide(Method::Get, "http://?q", "a") == "400 bad-target");
  CHECK(decide(Method::Get, "http://:80/", "a") == "400 bad-target");
  CHECK(decide(Method::Get, "http://a:0/", "a") == "400 bad-target");
  CHECK(decide(Method::Get, "http://a:x/", "a") == "400 bad-target");
  CHECK(decide(Method::Get, "http://a%2e/", "a") == "400 bad-target");
  CHECK(decide(Method::Get, "http://a\\b/", "a") == "400 bad-target");
  CHECK(decide(Method::Get, "http://[::1/", "a") == "400 bad-target");
  CHECK(decide(Method::Get, "http:/a", "a") == "400 bad-target");
  CHECK(decide(Method::Get, "http:a", "a") == "400 bad-target");
  CHECK(decide(Method::Get, "://a/", "a") == "400 bad-target");
  CHECK(decide(Method::Get, "1http://a/", "a") == "400 bad-target");
  CHECK(decide(Method::Get, "ht tp://a/", "a") == "400 bad-target");
  CHECK(decide(Method::Get, "a?b://c/", "a") == "400 bad-target");
  CHECK(decide(Method::Get, "mailto:a@b", "a") == "400 bad-target");
  CHECK(decide(Method::Get, "ftp://a/", "a") == "501 unsupported-scheme");
  CHECK(decide(Method::Get, "ws://a/", "a") == "501 unsupported-scheme");
  CHECK(decide(Method::Get, "httpx://a/", "a") == "501 unsupported-scheme");
  CHECK(decide(Method::Get, "http://u@a/", "a") == "400 userinfo");
  CHECK(decide(Method::Get, "http://u:p@a/", "a") == "400 userinfo");
  CHECK(decide(Method::Get, "http://@a/", "a") == "400 userinfo");
  CHECK(decide(Method::Get, "http://a@b?c", "b") == "400 userinfo");
}

TEST_CASE("an absolute target and Host have to agree", "[http][target][rfc9112-3.2.2]") {
  CHECK(decide(Method::Get, "http://a/", "b") == "400 host-mismatch");
  CHECK(decide(Method::Get, "http://a/", "a:81") == "400 host-mismatch");
  CHECK(decide(Method::Get, "http://a:81/", "a") == "400 host-mismatch");
  CHECK(decide(Method::Get, "http://a/", "") == "400 host-mismatch");
  CHECK(decide(Method::Get, "https://a/", "a:80") == "400 host-mismatch");
  CHECK(decide(Method::Get, "http://a/", "a:443") == "400 host-mismatch");
  CHECK(decide(Method::Get, "http://a/", "b", Version::Http10) == "400 host-mismatch");
  CHECK(decide(Method::Get, "http://a:80/", "A.") == "http a /!");
  CHECK(decide(Method::Get, "http://A./", "a:80") == "http a /!");
  CHECK(decide(Method::Get, "https://a/", "a:443") == "https a /!");
}

TEST_CASE("HTTP/1.1 needs exactly one valid Host, HTTP/1.0 at most one", "[http][target][rfc9112-3.2]") {
  for (const auto& [method, raw] : {std::pair{Method::Get, "/"}, std::pair{Method::Get, "http://a/"},
                                    std::pair{Method::Options, "*"}, std::pair{Method::Connect, "a:443"}}) {
    CAPTURE(raw);
    CHECK(decide(method, raw, kNoHost) == "400 bad-host");
    CHECK(decide(method, raw, "a", Version::Http11, 2) == "400 bad-host");
    CHECK(decide(method, raw, "a", Version::Http10, 2) == "400 bad-host");
    CHECK(decide(method, raw, "u@a") == "400 bad-host");
    CHECK(decide(method, raw, "a b") == "400 bad-host");
    CHECK(decide(method, raw, "a/b") == "400 bad-host");
    CHECK(decide(method, raw, "a:b") == "400 bad-host");
    CHECK(decide(method, raw, "a:b", Version::Http10) == "400 bad-host");
  }
  CHECK(decide(Method::Get, "/", "") == "400 bad-host");
  CHECK(decide(Method::Get, "/", "", Version::Http10) == "400 bad-host");
  CHECK(decide(Method::Get, "/x", kNoHost, Version::Http10) == "http  /x");
  CHECK(decide(Method::Get, "/x", "A", Version::Http10) == "http a /x");
  CHECK(decide(Method::Options, "*", kNoHost, Version::Http10) == "http  *");
}

TEST_CASE("the authority-form is for CONNECT alone, and has a port", "[http][target][rfc9112-3.2.3]") {
  CHECK(decide(Method::Connect, "a:443", "a:443") == "http a:443 a:443");
  CHECK(decide(Method::Connect, "A.B.:80", "other") == "http a.b:80 a.b:80");
  CHECK(decide(Method::Connect, "[::1]:22", "x") == "http [::1]:22 [::1]:22");
  CHECK(decide(Method::Connect, "a:443", kNoHost, Version::Http10) == "http a:443 a:443");
  CHECK(decide(Method::Connect, "a:0443", "a") == "http a:443 a:443");
  for (const char* bad : {"a", "a:", "a:0", "a:65536", ":443", "/", "/a:443", "*", "http://a:443/", "http://a:443",
                          "a:443/", "a:443?x", "[::1]", "::1:443", "a:443:443", "a,b:x"}) {
    CAPTURE(bad);
    CHECK(decide(Method::Connect, bad, "a") == "400 bad-target");
  }
  CHECK(decide(Method::Connect, "u@a:443", "a") == "400 userinfo");
  CHECK(decide(Method::Get, "a:443", "a") == "400 bad-target");
  CHECK(decide(Method::Get, "a", "a") == "400 bad-target");
}

TEST_CASE("the asterisk-form is for OPTIONS alone", "[http][target][rfc9112-3.2.4]") {
  CHECK(decide(Method::Options, "*", "A:80") == "http a *");
  CHECK(decide(Method::Options, "http://a", "a") == "http a *!");
  CHECK(decide(Method::Options, "http://a:8080", "a:8080") == "http a:8080 *!");
  CHECK(decide(Method::Options, "http://a/", "a") == "http a /!");
  CHECK(decide(Method::Options, "http://a?", "a") == "http a /?!");
  CHECK(decide(Method::Options, "**", "a") == "400 bad-target");
  CHECK(decide(Method::Options, "*/", "a") == "400 bad-target");
  for (Method method : {Method::Get, Method::Head, Method::Post, Method::Trace, Method::Other})
    CHECK(decide(method, "*", "a") == "400 bad-target");
}

TEST_CASE("the default scheme decides which port is the default", "[http][target][rfc9110-4.2]") {
  Arena arena;
  const auto v = decide_target(Method::Get, "/", "a:443", 1, Version::Http11, "https", arena);
  CHECK(v.scheme == "https");
  CHECK(v.authority == "a");
}
