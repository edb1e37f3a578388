#include "freshet/http/cache_control.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "lines.hpp"

using namespace freshet;

namespace {

std::string shown(const char* name, const std::optional<Seconds>& value) {
  if (!value) return "";
  return std::string(" ") + name + "=" + (*value == kForever ? "forever" : std::to_string(value->count()));
}

std::string shown(const RequestDirectives& d) {
  std::string out;
  if (d.no_cache) out += " no-cache";
  if (d.no_store) out += " no-store";
  if (d.only_if_cached) out += " only-if-cached";
  if (d.no_transform) out += " no-transform";
  out += shown("max-age", d.max_age) + shown("min-fresh", d.min_fresh) + shown("max-stale", d.max_stale) +
         shown("stale-if-error", d.stale_if_error);
  return out.empty() ? out : out.substr(1);
}

std::string shown(const ResponseDirectives& d) {
  std::string out;
  if (d.targeted) out += " targeted";
  if (d.no_cache) out += " no-cache";
  if (!d.no_cache_fields.empty()) out += " no-cache[" + std::string(d.no_cache_fields) + "]";
  if (d.no_store) out += " no-store";
  if (d.is_private) out += " private";
  if (!d.private_fields.empty()) out += " private[" + std::string(d.private_fields) + "]";
  if (d.is_public) out += " public";
  if (d.must_revalidate) out += " must-revalidate";
  if (d.proxy_revalidate) out += " proxy-revalidate";
  if (d.must_understand) out += " must-understand";
  if (d.immutable) out += " immutable";
  if (d.no_transform) out += " no-transform";
  out += shown("max-age", d.max_age) + shown("s-maxage", d.s_maxage) + shown("swr", d.stale_while_revalidate) +
         shown("sie", d.stale_if_error);
  return out.empty() ? out : out.substr(1);
}

std::string response(std::initializer_list<Line> lines) {
  const Fields fields = fields_of(lines);  // the views that the directives hold point into it
  static const std::vector<std::string> targets{"CDN-Cache-Control"};
  return shown(parse_response_directives(fields, targets));
}
std::string response(std::string_view value) { return response({{"Cache-Control", value}}); }
std::string request(std::initializer_list<Line> lines) { return shown(parse_request_directives(fields_of(lines))); }
std::string request(std::string_view value) { return request({{"Cache-Control", value}}); }
std::string targeted(std::string_view value) {
  return response({{"CDN-Cache-Control", value}, {"Cache-Control", "max-age=7"}, {"Expires", "x"}});
}

}  // namespace

TEST_CASE("response directives are read in any case", "[http][cache_control][rfc9111-5.2.2]") {
  CHECK(response("") == "");
  CHECK(response({}) == "");
  CHECK(response("max-age=3600") == "max-age=3600");
  CHECK(response("MaX-aGe=3600") == "max-age=3600");
  CHECK(response("foobar, max-age=3600") == "max-age=3600");
  CHECK(response("foobar=\"max-age=1\", s-maxage=5,max-age=3600,") == "max-age=3600 s-maxage=5");
  CHECK(response("public, No-Store, MUST-REVALIDATE, proxy-revalidate, must-understand, immutable, no-transform") ==
        "no-store public must-revalidate proxy-revalidate must-understand immutable no-transform");
  CHECK(response("no-cache, private") == "no-cache private");
  CHECK(response("stale-while-revalidate=10, stale-if-error=20") == "swr=10 sie=20");
  CHECK(response("max-ag=1, max-agee=1, xmax-age=1, no-stores") == "");
}

TEST_CASE("the number of a directive is digits, bare or quoted, and saturates",
          "[http][cache_control][rfc9111-1.2.2]") {
  struct Case {
    const char *value, *expected;
  };
  const Case cases[] = {
      {"max-age=0", "max-age=0"},
      {"max-age=1", "max-age=1"},
      {"max-age=003600", "max-age=3600"},
      {"max-age=2147483647", "max-age=2147483647"},
      {"max-age=2147483648", "max-age=forever"},
      {"max-age=2147483649", "max-age=forever"},
      {"max-age=99999999999", "max-age=forever"},
      {"max-age=99999999999999999999999999999999", "max-age=forever"},
      {"max-age=\"3600\"", "max-age=3600"},
      {"max-age =3600", "max-age=3600"},
      {"max-age= 3600", "max-age=3600"},
      {"max-age\t=\t3600", "max-age=3600"},
      // Malformed: already stale.
      {"max-age", "max-age=0"},
      {"max-age=", "max-age=0"},
      {"max-age=\"\"", "max-age=0"},
      {"max-age='3600'", "max-age=0"},
      {"max-age=-3600", "max-age=0"},
      {"max-age=+3600", "max-age=0"},
      {"max-age=3600.0", "max-age=0"},
      {"max-age=3600.5", "max-age=0"},
      {"max-age=a3600", "max-age=0"},
      {"max-age=3600a", "max-age=0"},
      {"max-age=3600 5", "max-age=0"},
      {"max-age=3600;a=b", "max-age=0"},
      {"max-age=\"3600", "max-age=0"},
      {"max-age=3600\"", "max-age=0"},
      {"max-age=\" 3600\"", "max-age=0"},
      {"max-age==3600", "max-age=0"},
      {"max-age=0x10", "max-age=0"},
      {"s-maxage=x", "s-maxage=0"},
      {"s-maxage", "s-maxage=0"},
      {"s-maxage=-1, max-age=5", "max-age=5 s-maxage=0"},
      {"stale-while-revalidate=x", ""},
      {"stale-if-error", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.value);
    CHECK(response(c.value) == c.expected);
  }
}

TEST_CASE("the first of a repeated directive counts", "[http][cache_control][rfc9111-4.2.1]") {
  CHECK(response("max-age=1800, max-age=1") == "max-age=1800");
  CHECK(response("max-age=1, max-age=1800") == "max-age=1");
  CHECK(response({{"Cache-Control", "max-age=1800"}, {"cache-control", "max-age=1"}}) == "max-age=1800");
  CHECK(response({{"Cache-Control", "max-age=1"}, {"Cache-Control", "max-age=1800"}}) == "max-age=1");
  CHECK(response("max-age=x, max-age=1800") == "max-age=0");
  CHECK(response("stale-if-error=x, stale-if-error=5") == "");
  CHECK(response({{"Cache-Control", "public"}, {"Cache-Control", "no-store"}}) == "no-store public");
}

TEST_CASE("quoted text holds no directives", "[http][cache_control][rfc9111-5.2]") {
  CHECK(response("extension=\"max-age=3600\", max-age=1") == "max-age=1");
  CHECK(response("extension=\"a, max-age=3600, b\"") == "");
  CHECK(response("extension=\"a\\\", max-age=3600, b\"") == "");
  CHECK(response("max-age=1, extension=\"max-age=3600\"") == "max-age=1");
}

TEST_CASE("a quote that is not closed does not hide a prohibition", "[http][cache_control][rfc9111-5.2]") {
  CHECK(response("extension=\"a, no-store") == "no-store");
  CHECK(response("max-age=\"5, private") == "private max-age=0");
  CHECK(response("no-cache=\"a, no-store") == "no-cache no-store");
}

TEST_CASE("a missing comma does not hide a prohibition", "[http][cache_control][rfc9111-4.2.1]") {
  CHECK(response("private max-age=60") == "private");
  CHECK(response("max-age=60 private") == "private max-age=0");
  CHECK(response("no-cache no-store\tmust-revalidate proxy-revalidate") ==
        "no-cache no-store must-revalidate proxy-revalidate");
  CHECK(response("PRIVATE; max-age=60") == "private");
  CHECK(response("no-store;max-age=60, public") == "no-store public");
  CHECK(response("x=y;no-store") == "no-store");
  CHECK(response("max-age=60 no-cache=x") == "no-cache max-age=0");
  // Permissions have to be well-formed, and quoted text is text.
  CHECK(response("public immutable max-age=60") == "");
  CHECK(response("extension=\"a; private no-store\"") == "");
  CHECK(response("max-age=60, privately no-stores") == "max-age=60");
}

TEST_CASE("no-cache and private may be limited to some fields",
          "[http][cache_control][rfc9111-5.2.2.4][rfc9111-5.2.2.7]") {
  CHECK(response("no-cache=\"a\"") == "no-cache[a]");
  CHECK(response("no-cache=\"a, B-c\"") == "no-cache[a, B-c]");
  CHECK(response("no-cache=a") == "no-cache[a]");
  CHECK(response("private=\"Set-Cookie\", max-age=5") == "private[Set-Cookie] max-age=5");
  CHECK(response("no-cache = \"a\"") == "no-cache[a]");
  // Whatever cannot be read counts as the whole.
  CHECK(response("no-cache=") == "no-cache");
  CHECK(response("no-cache=\"\"") == "no-cache");
  CHECK(response("no-cache=\" , \"") == "no-cache");
  CHECK(response("no-cache=\"a b\"") == "no-cache");
  CHECK(response("no-cache=\"a\\b\"") == "no-cache");
  CHECK(response("no-cache='a'") == "no-cache['a']");  // ' is a tchar: an odd field name, but a name
  CHECK(response("private=\"a") == "private");
  CHECK(response("no-cache=\"a\", no-cache") == "no-cache");
  CHECK(response("no-cache, no-cache=\"a\"") == "no-cache");
  CHECK(response("private=\"a\", private=\"b\"") == "private");
  CHECK(response("private=\"a\", private=\"b\", private=\"c\"") == "private");
}

TEST_CASE("an argument lifts no prohibition and spoils a permission", "[http][cache_control][rfc9111-5.2.2]") {
  CHECK(response("no-store=1, must-revalidate=x, proxy-revalidate=\"y\", no-transform=") ==
        "no-store must-revalidate proxy-revalidate no-transform");
  CHECK(response("public=1, must-understand=0, immutable=x") == "");
}

TEST_CASE("Pragma and Surrogate-Control of a response mean nothing", "[http][cache_control][rfc9111-5.4]") {
  CHECK(response({{"Pragma", "no-cache"}}) == "");
  CHECK(response({{"Pragma", "no-cache"}, {"Cache-Control", "max-age=1"}}) == "max-age=1");
  CHECK(response({{"Surrogate-Control", "max-age=100"}, {"Cache-Control", "max-age=1"}}) == "max-age=1");
}

TEST_CASE("CDN-Cache-Control replaces Cache-Control", "[http][cache_control][rfc9213-2.2]") {
  CHECK(targeted("max-age=3600") == "targeted max-age=3600");
  CHECK(targeted("foobar, max-age=3600") == "targeted max-age=3600");
  CHECK(targeted("foo") == "targeted");
  CHECK(targeted("max-age=0") == "targeted max-age=0");
  CHECK(targeted("max-age=2147483648") == "targeted max-age=forever");
  CHECK(targeted("max-age=99999999999") == "targeted max-age=forever");
  CHECK(targeted("max-age=-1") == "targeted max-age=0");
  CHECK(targeted("s-maxage=5;why=\"not\", max-age=6") == "targeted max-age=6 s-maxage=5");
  CHECK(targeted("private") == "targeted private");
  CHECK(targeted("no-cache") == "targeted no-cache");
  CHECK(targeted("no-store") == "targeted no-store");
  CHECK(targeted("no-store=?0, public=?1") == "targeted public");
  CHECK(targeted("private=?0, max-age=1") == "targeted max-age=1");
  CHECK(targeted("private=\"a, b\"") == "targeted private[a, b]");
  CHECK(targeted("no-cache=a") == "targeted no-cache[a]");
  CHECK(targeted("no-cache=(\"a\" \"b\")") == "targeted no-cache");
  CHECK(targeted("private=1") == "targeted private");
  CHECK(targeted("stale-while-revalidate=1, stale-if-error=2, must-revalidate") ==
        "targeted must-revalidate swr=1 sie=2");
}

TEST_CASE("a later key of CDN-Cache-Control replaces an earlier one", "[http][cache_control][rfc9651-4.2.2]") {
  CHECK(targeted("max-age=1, max-age=2") == "targeted max-age=2");
  CHECK(targeted("no-store, no-store=?0") == "targeted");
  CHECK(response({{"CDN-Cache-Control", "max-age=1"}, {"CDN-Cache-Control", "max-age=2, private"}}) ==
        "targeted private max-age=2");
}

TEST_CASE("a CDN-Cache-Control that is no dictionary of the right types is ignored",
          "[http][cache_control][rfc9213-2.1]") {
  for (const char* bad :
       {"", "   ", "MaX-aGe=3600", "max-age =100", "max-age= 100", "max-age=10000, &&&&&", "max-age=\"10000\"",
        "max-age=1.0", "max-age", "max-age=", "max-age=abc", "max-age=1,", ", max-age=1", "max-age=1 private",
        "no-store=1", "no-store=\"x\"", "public=a", "No-Store", "max-age=1000000000000000"}) {
    CAPTURE(bad);
    CHECK(targeted(bad) == "max-age=7");
  }
  CHECK(response({{"CDN-Cache-Control", "max-age=1"}, {"CDN-Cache-Control", "&"}}) == "");
  CHECK(response({{"CDN-Cache-Control", "max-age=1"}, {"CDN-Cache-Control", ""}}) == "");
  CHECK(response({{"CDN-Cache-Control", "max-age=x"}, {"Cache-Control", "no-store"}}) == "no-store");
}

TEST_CASE("the first targeted field that is there, not empty and well-formed decides",
          "[http][cache_control][rfc9213-2.2]") {
  struct Row {
    std::vector<std::string> targets;
    std::vector<std::pair<std::string_view, std::string_view>> lines;
    const char* expected;
  };
  const std::vector<Row> rows = {{{"A", "B"}, {{"B", "max-age=2"}, {"A", "max-age=1"}}, "targeted max-age=1"},
                                 {{"B", "A"}, {{"B", "max-age=2"}, {"A", "max-age=1"}}, "targeted max-age=2"},
                                 {{"A", "B"}, {{"B", "max-age=2"}}, "targeted max-age=2"},
                                 {{"A", "B"}, {{"A", "max-age=1, &"}, {"B", "max-age=2"}}, "targeted max-age=2"},
                                 {{"A", "B"}, {{"A", ""}, {"B", "max-age=2"}}, "targeted max-age=2"},
                                 {{"A", "B"}, {{"A", "max-age=1.5"}, {"B", "max-age=2"}}, "targeted max-age=2"},
                                 {{"A", "B"}, {{"A", "unknown"}, {"B", "max-age=2"}}, "targeted"},
                                 {{"A", "B"}, {{"A", ""}, {"B", "&"}, {"Cache-Control", "max-age=3"}}, "max-age=3"},
                                 {{"freshet-cache-control"},
                                  {{"Freshet-Cache-Control", "private"}, {"Cache-Control", "public"}},
                                  "targeted private"},
                                 {{"cdn-cache-control"}, {{"CDN-Cache-Control", "private"}}, "targeted private"},
                                 {{"A"}, {{"CDN-Cache-Control", "private"}, {"Cache-Control", "public"}}, "public"},
                                 {{}, {{"CDN-Cache-Control", "private"}, {"Cache-Control", "public"}}, "public"}};
  for (const Row& row : rows) {
    Fields fields;
    for (const auto& [name, value] : row.lines) fields.add(name, value);
    INFO(row.lines.front().first << ": " << row.lines.front().second);
    CHECK(shown(parse_response_directives(fields, row.targets)) == row.expected);
  }
}

TEST_CASE("request directives are read, malformed numbers in the strictest way",
          "[http][cache_control][rfc9111-5.2.1]") {
  struct Case {
    const char *value, *expected;
  };
  const Case cases[] = {
      {"", ""},
      {"nothing-to-see-here", ""},
      {"no-cache, no-store, only-if-cached, no-transform", "no-cache no-store only-if-cached no-transform"},
      {"NO-CACHE", "no-cache"},
      {"no-cache=\"a\"", "no-cache"},
      {"max-age=0", "max-age=0"},
      {"max-age=\"10\"", "max-age=10"},
      {"max-age = 10", "max-age=10"},
      {"max-age=99999999999", "max-age=forever"},
      {"max-age", "max-age=0"},
      {"max-age=x", "max-age=0"},
      {"max-age=1, max-age=2", "max-age=1"},
      {"min-fresh=10", "min-fresh=10"},
      {"min-fresh=x", "min-fresh=forever"},
      {"min-fresh", "min-fresh=forever"},
      {"max-stale", "max-stale=forever"},
      {"max-stale=10", "max-stale=10"},
      {"max-stale=", ""},
      {"max-stale=x", ""},
      {"max-stale=x, max-stale", ""},
      {"stale-if-error=60", "stale-if-error=60"},
      {"stale-if-error=x", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.value);
    CHECK(request(c.value) == c.expected);
  }
}

TEST_CASE("Pragma: no-cache counts in a request without Cache-Control", "[http][cache_control][rfc9111-5.4]") {
  CHECK(request({{"Pragma", "no-cache"}}) == "no-cache");
  CHECK(request({{"Pragma", "foo, No-Cache"}}) == "no-cache");
  CHECK(request({{"Pragma", "foo"}, {"Pragma", "no-cache"}}) == "no-cache");
  CHECK(request({{"Pragma", "foo"}}) == "");
  CHECK(request({{"Pragma", "no-cache"}, {"Cache-Control", "max-stale=1"}}) == "max-stale=1");
  CHECK(request({{"Pragma", "no-cache"}, {"Cache-Control", ""}}) == "");
  CHECK(request({{"CDN-Cache-Control", "no-cache"}}) == "");
}

TEST_CASE("a targeted field of very many members is ignored, on however many lines", "[http][cache_control][rfc9213]") {
  const auto directives = [](std::size_t lines) {
    Fields fields;
    fields.add("Cache-Control", "max-age=1");
    for (std::size_t line = 0; line < lines; ++line) {
      std::string value = "max-age=9";
      for (int i = 0; i < 300; ++i) value += ", a" + std::to_string(line * 1000 + i);
      fields.add("CDN-Cache-Control", value);
    }
    const std::vector<std::string> targets = {"CDN-Cache-Control"};
    return parse_response_directives(fields, targets);
  };
  CHECK(directives(3).max_age == Seconds{9});
  CHECK(directives(4).max_age == Seconds{1});
}
