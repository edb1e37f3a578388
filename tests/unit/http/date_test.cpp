#include "freshet/http/date.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <string>

using namespace freshet;

namespace {

constexpr std::int64_t kNow = 1'790'000'000;  // in September 2026

std::string formatted(std::int64_t seconds) {
  std::array<char, kHttpDateSize> text{};
  format_http_date(seconds, text);
  return {text.data(), text.size()};
}

}  // namespace

TEST_CASE("the three forms of a date are read", "[http][date][rfc9110-5.6.7]") {
  struct Case {
    const char* text;
    std::int64_t seconds;
  };
  const Case cases[] = {
      {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
      {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
      {"Sun Nov  6 08:49:37 1994", 784111777},
      {"Sun Nov 06 08:49:37 1994", 784111777},
      {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
      {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
      {"Tue, 19 Jan 2038 03:14:08 GMT", 2147483648},
      {"Sun, 21 Nov 2286 04:46:39 GMT", 10000039599},
      {"Tue, 29 Feb 2000 12:00:00 GMT", 951825600},
      {"Thu, 29 Feb 2024 23:59:59 GMT", 1709251199},
      {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
      {"Sat, 01 Jan 0000 00:00:00 GMT", -62167219200},
      {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},  // a leap second
      {"Thursday, 18-Aug-50 02:01:18 GMT", 2544400878},
      {"Thu Aug  8 02:01:18 2050", 2543536878},
      {"Wednesday, 09-Nov-99 23:12:40 GMT", 942189160},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(parse_http_date(c.text, kNow) == c.seconds);
  }
}

TEST_CASE("letters may have any case", "[http][date][rfc9110-5.6.7]") {
  for (const char* text :
       {"THU, 18 Aug 2050 02:01:18 GMT", "Thu, 18 AUG 2050 02:01:18 GMT", "Thu, 18 Aug 2050 02:01:18 gMT",
        "thu, 18 aug 2050 02:01:18 gmt", "tHURSDAY, 18-aUG-50 02:01:18 gmt", "THU AUG 18 02:01:18 2050"}) {
    CAPTURE(text);
    CHECK(parse_http_date(text, kNow) == 2544400878);
  }
}

TEST_CASE("the day of the week need not be right", "[http][date][rfc9110-5.6.7]") {
  CHECK(parse_http_date("Mon, 06 Nov 1994 08:49:37 GMT", kNow) == 784111777);
}

TEST_CASE("anything else is no date", "[http][date][rfc9110-5.6.7]") {
  for (const char* text : {
           "",
           "0",
           "-1",
           "784111777",
           "Thu",
           "Thu,",
           "Thu, 18 Aug 2050 02:01:18 UTC",
           "Thu, 18 Aug 2050 02:01:18 AEST",
           "Thu, 18 Aug 2050 02:01:18 +0000",
           "Thu, 18 Aug 2050 02:01:18",
           "Thu, 18 Aug 2050 02:01:18 ",
           "Thu, 18 Aug 50 02:01:18 GMT",
           "Thu, 18 Aug 02050 02:01:18 GMT",
           "Thu 18 Aug 2050 02:01:18 GMT",
           "Thu, 18  Aug  2050 02:01:18 GMT",
           "Thu,  18 Aug 2050 02:01:18 GMT",
           "Thu,18 Aug 2050 02:01:18 GMT",
           "Thu, 18-Aug-2050 02:01:18 GMT",
           "Thu, 18 Aug 2050 02.01.18 GMT",
           "Thu, 18 Aug 2050 2:01:18 GMT",
           "Thu, 18 Aug 2050 02:1:18 GMT",
           "Thu, 18 Aug 2050 02:01 GMT",
           "Thu, 8 Aug 2050 02:01:18 GMT",
           "Thu, 18 August 2050 02:01:18 GMT",
           "Thu, 18 Foo 2050 02:01:18 GMT",
           "Foo, 18 Aug 2050 02:01:18 GMT",
           " Thu, 18 Aug 2050 02:01:18 GMT",
           "Thu, 18 Aug 2050 02:01:18 GMT ",
           "Thu, 18 Aug 2050 02:01:18 GMT, x",
           "Thu, 18 Aug 2050 02:01:18 GMT; length=5",
           "Thu, 18 Aug 2050 24:00:00 GMT",
           "Thu, 18 Aug 2050 02:60:18 GMT",
           "Thu, 18 Aug 2050 02:01:61 GMT",
           "Thu, 00 Aug 2050 02:01:18 GMT",
           "Thu, 32 Aug 2050 02:01:18 GMT",
           "Thu, 31 Apr 2050 02:01:18 GMT",
           "Thu, 30 Feb 2000 02:01:18 GMT",
           "Tue, 29 Feb 2023 02:01:18 GMT",
           "Mon, 29 Feb 1900 02:01:18 GMT",
           "Thu, 18 Aug +050 02:01:18 GMT",
           "Thu, 18 Aug -050 02:01:18 GMT",
           "18 Aug 2050 02:01:18 GMT",
           "Thursday, 18 Aug 2050 02:01:18 GMT",
           "Thursday, 18-Aug-2050 02:01:18 GMT",
           "Thursday, 18-Aug-50 02:01:18 UTC",
           "Thursday 18-Aug-50 02:01:18 GMT",
           "Thurs, 18-Aug-50 02:01:18 GMT",
           "Thu, 18-Aug-50 02:01:18 GMT",
           "Thu Aug 8 02:01:18 2050",
           "Thu Aug   8 02:01:18 2050",
           "Thu Aug  0 02:01:18 2050",
           "Thu Aug 18 02:01:18 2050 GMT",
           "Thu Aug 18 02:01:18 50",
           "Thu Aug 18 2050 02:01:18",
           "2050-08-18T02:01:18Z",
       }) {
    CAPTURE(text);
    CHECK_FALSE(parse_http_date(text, kNow));
  }
}

TEST_CASE("every cut and every changed byte of a date is refused or read as another date, without a crash",
          "[http][date][rfc9110-5.6.7]") {
  for (const std::string good :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    for (std::size_t i = 0; i < good.size(); ++i) {
      CHECK_FALSE(parse_http_date(good.substr(0, i), kNow));
      CHECK_FALSE(parse_http_date(good.substr(i + 1), kNow));
      CHECK_FALSE(parse_http_date(std::string(good).insert(i, 1, '\0'), kNow));
      std::string changed = good;
      for (char c : {'\0', '\xFF', ':', '/'}) {
        changed[i] = c;
        if (changed != good) CHECK_FALSE(parse_http_date(changed, kNow));
      }
    }
  }
}

TEST_CASE("a year of two digits is at most fifty years ahead", "[http][date][rfc9110-5.6.7]") {
  const auto year_of = [](std::int64_t seconds) { return formatted(seconds).substr(12, 4); };
  const auto read = [&](const char* text, std::int64_t now) { return year_of(*parse_http_date(text, now)); };
  const std::int64_t now = *parse_http_date("Mon, 23 Nov 2026 12:00:00 GMT", 0);
  CHECK(read("Monday, 23-Nov-26 12:00:00 GMT", now) == "2026");
  CHECK(read("Monday, 01-Jan-76 00:00:00 GMT", now) == "2076");
  CHECK(read("Monday, 23-Nov-76 12:00:00 GMT", now) == "2076");
  CHECK(read("Monday, 23-Nov-76 12:00:01 GMT", now) == "1976");
  CHECK(read("Monday, 31-Dec-76 00:00:00 GMT", now) == "1976");
  CHECK(read("Monday, 01-Jan-77 00:00:00 GMT", now) == "1977");
  CHECK(read("Monday, 01-Jan-99 00:00:00 GMT", now) == "1999");
  CHECK(read("Monday, 01-Jan-00 00:00:00 GMT", now) == "2000");
  const std::int64_t late = *parse_http_date("Mon, 23 Nov 2090 12:00:00 GMT", 0);
  CHECK(read("Monday, 01-Jan-10 00:00:00 GMT", late) == "2110");
  CHECK(read("Monday, 01-Jan-41 00:00:00 GMT", late) == "2041");
  const std::int64_t leap = *parse_http_date("Thu, 29 Feb 2024 12:00:00 GMT", 0);
  CHECK(read("Friday, 28-Feb-74 12:00:00 GMT", leap) == "2074");
}

TEST_CASE("dates are written as IMF-fixdate", "[http][date][rfc9110-5.6.7]") {
  CHECK(formatted(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(formatted(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(formatted(-1) == "Wed, 31 Dec 1969 23:59:59 GMT");
  CHECK(formatted(951782400) == "Tue, 29 Feb 2000 00:00:00 GMT");
  CHECK(formatted(253402300799) == "Fri, 31 Dec 9999 23:59:59 GMT");
  CHECK(formatted(-62167219200) == "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST_CASE("what is written is read back, day by day and second by second", "[http][date][rfc9110-5.6.7]") {
  for (std::int64_t t = -62167219200; t <= 253402300799; t += 86400 * 37 + 12345) {
    REQUIRE(parse_http_date(formatted(t), kNow) == t);
  }
  for (std::int64_t t = 1709164800; t < 1709164800 + 2 * 86400; t += 59)
    REQUIRE(parse_http_date(formatted(t), kNow) == t);
}
