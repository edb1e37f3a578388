#include "freshet/http/conditional.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "freshet/http/date.hpp"
#include "lines.hpp"

using namespace freshet;

namespace {

constexpr std::int64_t kNow = 1'790'000'000;
constexpr auto kModified = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::int64_t kModifiedAt = 784111777;

Validators stored(std::string_view etag, std::optional<std::int64_t> last_modified = {},
                  std::optional<std::int64_t> date = {}) {
  return {etag, last_modified, date};
}
bool not_modified(std::initializer_list<Line> lines, const Validators& validators) {
  return is_not_modified(fields_of(lines), validators, kNow);
}
bool applies(std::initializer_list<Line> lines, const Validators& validators) {
  return range_applies(fields_of(lines), validators, kNow);
}

}  // namespace

TEST_CASE("entity tags are compared as RFC 9110 shows", "[http][conditional][rfc9110-8.8.3.2]") {
  struct Case {
    const char *a, *b;
    bool strong, weak;
  };
  const Case cases[] = {
      {"W/\"1\"", "W/\"1\"", false, true},
      {"W/\"1\"", "W/\"2\"", false, false},
      {"W/\"1\"", "\"1\"", false, true},
      {"\"1\"", "\"1\"", true, true},
      {"\"1\"", "\"2\"", false, false},
      {"\"a\"", "\"A\"", false, false},
      {"\"\"", "\"\"", true, true},
      {"W/\"\"", "\"\"", false, true},
      // Malformed ones equal nothing but themselves.
      {"1", "1", true, true},
      {"1", "\"1\"", false, false},
      {"\"1", "\"1", true, true},
      {"W/1", "W/1", false, true},
      {"W/1", "1", false, false},
      {"w/\"1\"", "w/\"1\"", false, true},
      {"w/\"1\"", "\"1\"", false, false},
      {"w/\"1\"", "W/\"1\"", false, false},
      // No tag is not a tag.
      {"", "", false, false},
      {"", "\"1\"", false, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.a, c.b);
    CHECK(strong_match(c.a, c.b) == c.strong);
    CHECK(strong_match(c.b, c.a) == c.strong);
    CHECK(weak_match(c.a, c.b) == c.weak);
    CHECK(weak_match(c.b, c.a) == c.weak);
  }
}

TEST_CASE("If-None-Match finds the stored tag anywhere in its list", "[http][conditional][rfc9110-13.1.2]") {
  const auto hits = [](std::string_view field, std::string_view etag) {
    return not_modified({{"If-None-Match", field}}, stored(etag));
  };
  CHECK(hits("\"a\"", "\"a\""));
  CHECK(hits("W/\"a\"", "\"a\""));
  CHECK(hits("\"a\"", "W/\"a\""));
  CHECK(hits("\"x\", \"a\"", "\"a\""));
  CHECK(hits("\"a\", \"x\"", "\"a\""));
  CHECK(hits("\"x\",W/\"a\" ,\"y\"", "\"a\""));
  CHECK(hits(", ,\"a\",", "\"a\""));
  CHECK(hits("*", "\"a\""));
  CHECK(hits("*", ""));
  CHECK(hits("a", "a"));
  CHECK(hits("x, a", "a"));
  CHECK(hits("\"a", "\"a"));
  CHECK(hits("\"a, b\"", "\"a, b\""));
  CHECK(hits("\"a\\\", \"b\"", "\"b\""));  // a backslash escapes nothing in an entity tag
  CHECK_FALSE(hits("\"b\"", "\"a\""));
  CHECK_FALSE(hits("\"a\"", ""));
  CHECK_FALSE(hits("", ""));
  CHECK_FALSE(hits("a", "\"a\""));
  CHECK_FALSE(hits("\"a\"", "a"));
  CHECK_FALSE(hits("\"x, \"a\"", "x"));
  CHECK_FALSE(hits("\"*\"", "\"a\""));
  CHECK_FALSE(hits("\"x\", *", "\"a\""));
  CHECK(not_modified({{"If-None-Match", "\"x\""}, {"if-none-match", "\"a\""}}, stored("\"a\"")));
}

TEST_CASE("If-None-Match takes precedence over If-Modified-Since", "[http][conditional][rfc9110-13.2.2]") {
  CHECK_FALSE(
      not_modified({{"If-None-Match", "\"b\""}, {"If-Modified-Since", kModified}}, stored("\"a\"", kModifiedAt)));
  CHECK(not_modified({{"If-None-Match", "\"a\""}, {"If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"}},
                     stored("\"a\"", kModifiedAt)));
  CHECK_FALSE(not_modified({{"If-None-Match", ""}, {"If-Modified-Since", kModified}}, stored("\"a\"", kModifiedAt)));
}

TEST_CASE("If-Modified-Since is compared with Last-Modified, or Date where there is none",
          "[http][conditional][rfc9111-4.3.2]") {
  const auto since = [](std::string_view field, const Validators& v) {
    return not_modified({{"If-Modified-Since", field}}, v);
  };
  CHECK(since(kModified, stored("", kModifiedAt)));
  CHECK(since(kModified, stored("", kModifiedAt - 1)));
  CHECK_FALSE(since(kModified, stored("", kModifiedAt + 1)));
  CHECK(since("Sunday, 06-Nov-94 08:49:37 GMT", stored("", kModifiedAt)));
  CHECK(since("Sun Nov  6 08:49:37 1994", stored("", kModifiedAt)));
  CHECK(since(kModified, stored("", {}, kModifiedAt)));
  CHECK_FALSE(since(kModified, stored("", {}, kModifiedAt + 3000)));
  CHECK_FALSE(since(kModified, stored("", kModifiedAt + 1, kModifiedAt - 5)));
  CHECK_FALSE(since(kModified, stored("\"a\"")));
  CHECK_FALSE(since("yesterday", stored("", kModifiedAt)));
  CHECK_FALSE(since("", stored("", kModifiedAt)));
  CHECK_FALSE(
      not_modified({{"If-Modified-Since", kModified}, {"If-Modified-Since", kModified}}, stored("", kModifiedAt)));
  CHECK_FALSE(not_modified({}, stored("\"a\"", kModifiedAt, kModifiedAt)));
}

TEST_CASE("Range applies without If-Range, or with one that matches strongly", "[http][conditional][rfc9110-13.1.5]") {
  CHECK(applies({}, stored("\"a\"")));
  CHECK(applies({}, stored("")));
  CHECK(applies({{"If-Range", "\"a\""}}, stored("\"a\"")));
  CHECK_FALSE(applies({{"If-Range", "\"a\""}}, stored("\"b\"")));
  CHECK_FALSE(applies({{"If-Range", "W/\"a\""}}, stored("W/\"a\"")));
  CHECK_FALSE(applies({{"If-Range", "W/\"a\""}}, stored("\"a\"")));
  CHECK_FALSE(applies({{"If-Range", "\"a\""}}, stored("")));
  CHECK_FALSE(applies({{"If-Range", "\"a\", \"b\""}}, stored("\"a\"")));
  CHECK_FALSE(applies({{"If-Range", "*"}}, stored("\"a\"")));
  CHECK_FALSE(applies({{"If-Range", ""}}, stored("")));
  CHECK_FALSE(applies({{"If-Range", "\"a\""}, {"If-Range", "\"a\""}}, stored("\"a\"")));
}

TEST_CASE("a date in If-Range has to be Last-Modified, and older than Date",
          "[http][conditional][rfc9110-13.1.5][rfc9110-8.8.2.2]") {
  const Line line{"If-Range", kModified};
  CHECK(applies({line}, stored("\"a\"", kModifiedAt, kModifiedAt + 1)));
  CHECK_FALSE(applies({line}, stored("\"a\"", kModifiedAt, kModifiedAt)));
  CHECK_FALSE(applies({line}, stored("\"a\"", kModifiedAt)));
  CHECK_FALSE(applies({line}, stored("\"a\"", kModifiedAt - 1, kModifiedAt + 100)));
  CHECK_FALSE(applies({line}, stored("\"a\"", kModifiedAt + 1, kModifiedAt + 100)));
  CHECK_FALSE(applies({line}, stored("\"a\"", {}, kModifiedAt)));
}
