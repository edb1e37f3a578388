#include <boost/json/src.hpp>
#include <catch2/catch.hpp>

#include "freshet/metrics/access_log.hpp"

using namespace freshet;
using namespace std::chrono_literals;

namespace {

AccessRecord example() {
  AccessRecord r;
  r.received = WallTime(1700000000123ms);  // 2023-11-14T22:13:20.123Z
  r.duration = 4567us;
  r.client = "192.0.2.7";
  r.method = "GET";
  r.scheme = "http";
  r.authority = "example.com";
  r.target = "/a?b=c";
  r.version = "HTTP/1.1";
  r.referer = "http://example.com/";
  r.user_agent = "curl/7.88.1";
  r.status = 200;
  r.response_bytes = 1234;
  r.cache_result = "miss";
  r.reason = "nothing-stored";
  r.cache_status = "freshet; fwd=uri-miss; stored";
  r.upstream_address = "198.51.100.1:80";
  r.upstream_status = 200;
  r.upstream_time = 2500us;
  r.content_type = "text/html; charset=utf-8";
  r.listener = "127.0.0.1:3128";
  return r;
}

std::string line(const AccessRecord& r, AccessLogFormat format) {
  std::string out;
  format_access_record(r, format, out);
  return out;
}
std::string combined(const AccessRecord& r) { return line(r, AccessLogFormat::Combined); }
std::string squid(const AccessRecord& r) { return line(r, AccessLogFormat::Squid); }
boost::json::object json(const AccessRecord& r) {
  const std::string text = line(r, AccessLogFormat::Json);
  INFO(text);
  CHECK(text.back() == '\n');
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  return boost::json::parse(text.substr(0, text.size() - 1)).as_object();
}

}  // namespace

TEST_CASE("A combined line looks as Apache and nginx write it", "[metrics][access-log]") {
  AccessRecord r = example();
  CHECK(combined(r) ==
        "192.0.2.7 - - [14/Nov/2023:22:13:20 +0000] \"GET /a?b=c HTTP/1.1\" 200 1234 \"http://example.com/\" \"curl/7.88.1\"\n");
  r.absolute_form = true;
  r.user = "joe";
  r.referer = r.user_agent = {};
  r.response_bytes = 0;
  r.status = 304;
  CHECK(combined(r) == "192.0.2.7 - joe [14/Nov/2023:22:13:20 +0000] \"GET http://example.com/a?b=c HTTP/1.1\" 304 - \"-\" \"-\"\n");
  r.method = "CONNECT";
  r.target = r.authority = "example.com:443";
  CHECK(combined(r).find("\"CONNECT example.com:443 HTTP/1.1\"") != std::string::npos);
  r.method = "OPTIONS";
  r.target = "*";
  r.absolute_form = false;
  CHECK(combined(r).find("\"OPTIONS * HTTP/1.1\"") != std::string::npos);
  r.absolute_form = true;  // RFC 9112 3.2.4: the absolute-form of "*" has no path
  CHECK(combined(r).find("\"OPTIONS http://example.com:443 HTTP/1.1\"") != std::string::npos);
}

TEST_CASE("A request that could not be read leaves a dash, and never an incomplete line", "[metrics][access-log]") {
  AccessRecord r;
  r.received = WallTime(0ms);
  r.status = 400;
  r.reason = "bad-request-line";
  CHECK(combined(r) == "- - - [01/Jan/1970:00:00:00 +0000] \"-\" 400 - \"-\" \"-\"\n");
  CHECK(squid(r) == "0.000      0 - NONE_NONE/400 0 - error:bad-request-line - HIER_NONE/- -\n");
  CHECK(json(r)["status"].as_int64() == 400);
  r.method = "GET";
  CHECK(combined(r).find("\"GET -\"") != std::string::npos);
}

TEST_CASE("Times come out right at the edges of the calendar", "[metrics][access-log]") {
  AccessRecord r = example();
  const std::pair<std::int64_t, const char*> times[] = {
      {951782399999, "[28/Feb/2000:23:59:59 +0000]"},  {951782400000, "[29/Feb/2000:00:00:00 +0000]"},
      {1709164800000, "[29/Feb/2024:00:00:00 +0000]"}, {1735689599000, "[31/Dec/2024:23:59:59 +0000]"},
      {1735689600000, "[01/Jan/2025:00:00:00 +0000]"}, {4102444800000, "[01/Jan/2100:00:00:00 +0000]"}};
  for (const auto& [milliseconds, text] : times) {
    r.received = WallTime(Milliseconds(milliseconds));
    CHECK(combined(r).find(text) != std::string::npos);
  }
}

TEST_CASE("A squid line has Squid's native columns", "[metrics][access-log]") {
  AccessRecord r = example();
  CHECK(squid(r) ==
        "1700000000.127      4 192.0.2.7 TCP_MISS/200 1234 GET http://example.com/a?b=c - HIER_DIRECT/198.51.100.1 text/html\n");
  r.duration = 1234567ms;
  r.upstream_address = {};
  r.user = "joe doe";
  r.cache_result = "hit";
  r.content_type = {};
  CHECK(squid(r) == "1700001234.690 1234567 192.0.2.7 TCP_HIT/200 1234 GET http://example.com/a?b=c joe\\x20doe HIER_NONE/- -\n");
  r.method = "CONNECT";
  r.target = r.authority = "example.com:443";
  r.cache_result = "none";
  r.upstream_address = "[2001:db8::1]:443";
  CHECK(squid(r).find(" TCP_TUNNEL/200 1234 CONNECT example.com:443 joe\\x20doe HIER_DIRECT/2001:db8::1 -\n") != std::string::npos);
  r.upstream_address = "2001:db8::1";
  CHECK(squid(r).find("HIER_DIRECT/2001:db8::1 ") != std::string::npos);
}

TEST_CASE("Squid's result codes say what the cache did", "[metrics][access-log]") {
  struct Row {
    const char *cache, *reason, *method;
    int status;
    const char *upstream, *code;
  };
  const Row rows[] = {
      {"hit", "fresh", "GET", 200, "", "TCP_HIT/200"},
      {"hit", "fresh", "GET", 304, "", "TCP_IMS_HIT/304"},
      {"stale", "stale-allowed", "GET", 200, "", "TCP_STALE_HIT/200"},
      {"stale", "stale-if-error", "GET", 200, "10.0.0.1:80", "TCP_REFRESH_FAIL_OLD/200"},
      {"revalidated", "revalidated", "GET", 200, "10.0.0.1:80", "TCP_REFRESH_UNMODIFIED/200"},
      {"miss", "nothing-stored", "GET", 200, "10.0.0.1:80", "TCP_MISS/200"},
      {"miss", "client-closed", "GET", 200, "10.0.0.1:80", "TCP_MISS_ABORTED/200"},
      {"expired", "stale", "GET", 200, "10.0.0.1:80", "TCP_REFRESH_MODIFIED/200"},
      {"expired", "request-no-cache", "GET", 200, "10.0.0.1:80", "TCP_CLIENT_REFRESH_MISS/200"},
      {"bypass", "method", "POST", 200, "10.0.0.1:80", "TCP_MISS/200"},
      {"bypass", "none", "GET", 101, "10.0.0.1:80", "TCP_TUNNEL/101"},
      {"uncacheable", "no-store", "GET", 200, "10.0.0.1:80", "TCP_MISS/200"},
      {"collapsed", "collapsed", "GET", 200, "", "TCP_CF_HIT/200"},
      {"error", "dns-failed", "GET", 502, "", "TCP_MISS/502"},
      {"none", "none", "CONNECT", 200, "10.0.0.1:443", "TCP_TUNNEL/200"},
      {"none", "connection-refused", "CONNECT", 502, "10.0.0.1:443", "TCP_TUNNEL/502"},
      {"none", "dns-failed", "CONNECT", 502, "", "NONE_NONE/502"},
      {"none", "private-address", "CONNECT", 403, "", "TCP_DENIED/403"},
      {"none", "port-refused", "CONNECT", 403, "", "TCP_DENIED/403"},
      {"none", "private-address", "GET", 403, "", "TCP_DENIED/403"},
      {"none", "bad-host", "GET", 400, "", "NONE_NONE/400"},
      {"", "", "GET", 7, "", "NONE_NONE/007"},
  };
  for (const Row& row : rows) {
    AccessRecord r = example();
    r.cache_result = row.cache;
    r.reason = row.reason;
    r.method = row.method;
    r.status = row.status;
    r.upstream_address = row.upstream;
    INFO(squid(r));
    CHECK(squid(r).find(std::string(" ") + row.code + " ") != std::string::npos);
  }
}

TEST_CASE("A JSON line is one object with everything that is known", "[metrics][access-log]") {
  AccessRecord r = example();
  r.user = "joe";
  r.request_bytes = 17;
  CHECK(line(r, AccessLogFormat::Json) ==
        R"({"ts":1700000000.123,"duration":0.004567,"status":200,"bytes":1234,"request_bytes":17,"method":"GET","scheme":"http",)"
        R"("host":"example.com","uri":"/a?b=c","proto":"HTTP/1.1","remote":"192.0.2.7","user":"joe","referer":"http://example.com/",)"
        R"("user_agent":"curl/7.88.1","content_type":"text/html; charset=utf-8","cache":"miss","reason":"nothing-stored",)"
        R"("cache_status":"freshet; fwd=uri-miss; stored","upstream":"198.51.100.1:80","upstream_status":200,)"
        R"("upstream_time":0.002500,"listener":"127.0.0.1:3128"})"
        "\n");
  r.upstream_address = {};
  const auto object = json(r);
  CHECK_FALSE(object.contains("upstream"));
  CHECK_FALSE(object.contains("upstream_status"));
  CHECK_FALSE(object.contains("upstream_time"));
  CHECK(object.contains("listener"));
}

TEST_CASE("Clocks that were set back give zero, not nonsense", "[metrics][access-log]") {
  AccessRecord r = example();
  r.duration = -5s;
  r.upstream_time = -1ns;
  r.status = -1;
  CHECK(json(r)["duration"].as_double() == 0);
  CHECK(json(r)["status"].as_int64() == 0);
  CHECK(squid(r).find("1700000000.123      0 ") == 0);
}

TEST_CASE("No byte that a client sends can break a line of text", "[metrics][access-log]") {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string evil = {'x', static_cast<char>(byte), 'y'};
    AccessRecord r = example();
    r.user = r.method = r.target = r.version = r.referer = r.user_agent = r.reason = evil;
    r.authority = r.client = r.upstream_address = r.content_type = evil;
    r.absolute_form = true;
    for (const std::string& text : {combined(r), squid(r)}) {
      INFO("byte " << byte << ": " << text);
      CHECK(std::count(text.begin(), text.end(), '\n') == 1);
      CHECK(std::all_of(text.begin(), text.end() - 1, [](char c) { return c >= 0x20 && c < 0x7f; }));
    }
    const std::string quoted = combined(r);
    CHECK(std::count(quoted.begin(), quoted.end(), '"') == 6);
    const std::string columns = squid(r);
    CHECK(columns.find("  ") == std::string("1700000000.127").size());  // only the padding of the duration
    CHECK(json(r)["method"].is_string());
  }
}

TEST_CASE("Bytes that are not printable ASCII are written as hexadecimal", "[metrics][access-log]") {
  AccessRecord r = example();
  r.user_agent = "a\"b\\c\x01\x7f\xc3\xa9";
  CHECK(combined(r).find("\"a\\x22b\\x5Cc\\x01\\x7F\\xC3\\xA9\"\n") != std::string::npos);
}

TEST_CASE("JSON strings are valid UTF-8 whatever came", "[metrics][access-log][rfc8259 7]") {
  const std::pair<std::string, std::string> rows[] = {
      {"plain", "plain"},
      {"\"\\/", R"(\"\\/)"},
      {"\n\r\t\b\x1f", R"(\n\r\t\u0008\u001f)"},
      {std::string("\0", 1), R"(\u0000)"},
      {"\x7f", R"(\u007f)"},
      {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
      {"\xc2\x9b", R"(\u009b)"},                              // C1: a terminal takes it for ESC [
      {"\xe2\x80\xa8\xe2\x80\xa9", R"(\u2028\u2029)"},        // line separators
      {"\xff", R"(\ufffd)"},
      {"\xe9t\xe9", R"(\ufffdt\ufffd)"},                      // Latin-1
      {"\xc0\xaf", R"(\ufffd\ufffd)"},                        // overlong
      {"\xe0\x80\xaf", R"(\ufffd\ufffd\ufffd)"},
      {"\xed\xa0\x80", R"(\ufffd\ufffd\ufffd)"},              // a surrogate
      {"\xf4\x90\x80\x80", R"(\ufffd\ufffd\ufffd\ufffd)"},    // beyond U+10FFFF
      {"\xf0\x9f\x98", R"(\ufffd\ufffd\ufffd)"},              // cut short
      {"\xe2\x82", R"(\ufffd\ufffd)"},
      {"\xc3", R"(\ufffd)"},
      {"\xc3\"", R"(\ufffd\")"},
  };
  for (const auto& [raw, escaped] : rows) {
    AccessRecord r = example();
    r.user_agent = raw;
    INFO(escaped);
    CHECK(line(r, AccessLogFormat::Json).find("\"user_agent\":\"" + escaped + "\"") != std::string::npos);
    json(r);
  }
}

TEST_CASE("Userinfo is never logged", "[metrics][access-log]") {
  for (const char* target : {"http://joe:secret@example.com/a", "http://joe:secret@example.com", "//joe:secret@example.com/a",
                             "joe:secret@example.com:443", "http://x@joe:secret@example.com/", "HTTP://joe:secret@example.com?a",
                             "http:///joe:secret@example.com/a", "http:\\\\joe:secret@example.com", "secret@"}) {
    for (bool absolute : {false, true}) {
      AccessRecord r = example();
      r.target = target;
      r.authority = absolute ? "joe:secret@example.com" : "";
      r.referer = target;
      r.absolute_form = absolute;
      for (auto format : {AccessLogFormat::Combined, AccessLogFormat::Squid, AccessLogFormat::Json}) {
        INFO(line(r, format));
        CHECK(line(r, format).find("secret") == std::string::npos);
      }
    }
  }
  AccessRecord r = example();
  r.target = "/~joe@example.com/a?mail=joe@example.com";  // a path may hold an @
  CHECK(combined(r).find("GET /~joe@example.com/a?mail=joe@example.com HTTP") != std::string::npos);
  r.target = "http://joe:secret@example.com/@a";
  CHECK(combined(r).find("GET http://example.com/@a HTTP") != std::string::npos);
  r.target = "http://example.com/@a";
  CHECK(combined(r).find("GET http://example.com/@a HTTP") != std::string::npos);
}

TEST_CASE("Lines are appended to what is there", "[metrics][access-log]") {
  std::string out = "before\n";
  format_access_record(example(), AccessLogFormat::Json, out);
  CHECK(out.starts_with("before\n{\"ts\""));
}
