#include "freshet/http/range.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace freshet;

namespace {

// "first+size first+size", "416" or "ignore".
std::string decide(std::string_view field, std::uint64_t size, std::size_t max_parts = 16) {
  const RangeVerdict v = decide_range(field, size, max_parts);
  if (v.kind != RangeKind::Satisfiable && !v.parts.empty()) return "leftovers";
  if (v.kind == RangeKind::Ignore) return "ignore";
  if (v.kind == RangeKind::Unsatisfiable) return "416";
  std::string out;
  for (const ByteRange& part : v.parts)
    out += (out.empty() ? "" : " ") + std::to_string(part.first) + "+" + std::to_string(part.size);
  return out;
}

}  // namespace

TEST_CASE("a byte range is resolved against the size of the representation", "[http][range][rfc9110-14.1.2]") {
  struct Case {
    const char* field;
    std::uint64_t size;
    const char* expected;
  };
  const Case cases[] = {
      {"bytes=0-0", 10, "0+1"},
      {"bytes=0-9", 10, "0+10"},
      {"bytes=0-10", 10, "0+10"},
      {"bytes=9-9", 10, "9+1"},
      {"bytes=9-", 10, "9+1"},
      {"bytes=2-5", 10, "2+4"},
      {"bytes=0-", 10, "0+10"},
      {"bytes=-1", 10, "9+1"},
      {"bytes=-10", 10, "0+10"},
      {"bytes=-11", 10, "0+10"},
      {"BYTES=1-2", 10, "1+2"},
      {"bytes=01-002", 10, "1+2"},
      {"bytes= 1-2 ", 10, "1+2"},
      {"bytes=1-99999999999999999999999", 10, "1+9"},
      {"bytes=-99999999999999999999999", 10, "0+10"},
      {"bytes=0-18446744073709551615", UINT64_MAX, "0+18446744073709551615"},
      {"bytes=18446744073709551614-", UINT64_MAX, "18446744073709551614+1"},
      {"bytes=10-", 10, "416"},
      {"bytes=10-20", 10, "416"},
      {"bytes=99999999999999999999999-", 10, "416"},
      {"bytes=18446744073709551615-", UINT64_MAX, "416"},
      {"bytes=-0", 10, "416"},
      {"bytes=-000", 10, "416"},
      {"bytes=0-", 0, "416"},
      {"bytes=0-0", 0, "416"},
      {"bytes=-0", 0, "416"},
      {"bytes=-5", 0, "ignore"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.field, c.size);
    CHECK(decide(c.field, c.size) == c.expected);
  }
}

TEST_CASE("a malformed Range and other units are ignored", "[http][range][rfc9110-14.2]") {
  for (const char* field : {"",
                            "bytes",
                            "bytes=",
                            "bytes= ",
                            "bytes=,",
                            "bytes=-",
                            "bytes=--1",
                            "bytes=a-b",
                            "bytes=1",
                            "bytes=1-2-3",
                            "bytes=2-1",
                            "bytes=99999999999999999999-5",
                            "bytes=1 -2",
                            "bytes=1- 2",
                            "bytes=+1-2",
                            "bytes=1-+2",
                            "bytes=0x1-2",
                            "bytes=1-2;",
                            "bytes=1.0-2",
                            "bytes =1-2",
                            " bytes=1-2",
                            "bytes:1-2",
                            "items=1-2",
                            "byte=1-2",
                            "bytess=1-2",
                            "none",
                            "bytes=1-2,x",
                            "bytes=1-2,5-4",
                            "bytes=x,1-2",
                            "bytes=1-2 3-4",
                            "bytes=\"1-2\""}) {
    CAPTURE(field);
    CHECK(decide(field, 10) == "ignore");
  }
}

TEST_CASE("a list of ranges keeps its order and leaves out what cannot be satisfied", "[http][range][rfc9110-14.2]") {
  CHECK(decide("bytes=0-1,4-5", 10) == "0+2 4+2");
  CHECK(decide("bytes=4-5 ,\t0-1", 10) == "4+2 0+2");
  CHECK(decide("bytes=,,0-1,, ,4-5,", 10) == "0+2 4+2");
  CHECK(decide("bytes=0-1,20-30,-1", 10) == "0+2 9+1");
  CHECK(decide("bytes=20-,30-40,-0", 10) == "416");
  CHECK(decide("bytes=0-0,-0", 10) == "0+1");
  CHECK(decide("bytes=20-,-5", 0) == "ignore");
}

TEST_CASE("more bytes than the whole are ignored", "[http][range][rfc9110-14.2]") {
  CHECK(decide("bytes=0-4,5-9", 10) == "0+5 5+5");
  CHECK(decide("bytes=0-4,0-4", 10) == "0+5 0+5");
  CHECK(decide("bytes=0-4,0-5", 10) == "ignore");
  CHECK(decide("bytes=0-,0-", 10) == "ignore");
  CHECK(decide("bytes=0-9,-1", 10) == "ignore");
  CHECK(decide("bytes=0-,0-,0-", UINT64_MAX) == "ignore");
}

TEST_CASE("more parts than allowed are ignored, unsatisfiable ones included", "[http][range][rfc9110-14.2]") {
  CHECK(decide("bytes=0-0,1-1", 10, 2) == "0+1 1+1");
  CHECK(decide("bytes=0-0,1-1,2-2", 10, 2) == "ignore");
  CHECK(decide("bytes=0-0,50-,60-", 10, 2) == "ignore");
  CHECK(decide("bytes=0-0", 10, 1) == "0+1");
  CHECK(decide("bytes=0-0", 10, 0) == "ignore");
  std::string many = "bytes=0-";
  for (int i = 0; i < 1000; ++i) many += ",0-";
  CHECK(decide(many, 10) == "ignore");
}

TEST_CASE("every range of a small representation is the slice it names", "[http][range][rfc9110-14.1.2]") {
  const std::string text = "0123456";
  const auto slice = [&](const std::string& field) -> std::string {
    const auto v = decide_range(field, text.size(), 1);
    if (v.kind == RangeKind::Unsatisfiable) return "416";
    if (v.kind == RangeKind::Ignore) return "ignore";
    return text.substr(v.parts[0].first, v.parts[0].size);
  };
  for (std::size_t first = 0; first < 10; ++first) {
    CHECK(slice("bytes=" + std::to_string(first) + "-") == (first < 7 ? text.substr(first) : "416"));
    CHECK(slice("bytes=-" + std::to_string(first)) == (first == 0 ? "416" : first < 7 ? text.substr(7 - first) : text));
    for (std::size_t last = 0; last < 10; ++last) {
      const std::string field = "bytes=" + std::to_string(first) + "-" + std::to_string(last);
      const std::string expected = last < first ? "ignore" : first >= 7 ? "416" : text.substr(first, last - first + 1);
      CAPTURE(field);
      CHECK(slice(field) == expected);
    }
  }
}

TEST_CASE("Content-Range of a part is read", "[http][range][rfc9110-14.4]") {
  struct Case {
    const char* text;
    std::uint64_t first, last;
    std::optional<std::uint64_t> complete;
  };
  const Case cases[] = {
      {"bytes 0-0/1", 0, 0, 1},
      {"bytes 4-9/10", 4, 9, 10},
      {"BYTES 4-9/100", 4, 9, 100},
      {"bytes 4-9/*", 4, 9, {}},
      {"bytes 0-18446744073709551613/18446744073709551615", 0, UINT64_MAX - 2, UINT64_MAX},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto range = parse_content_range(c.text);
    REQUIRE(range);
    CHECK(range->first == c.first);
    CHECK(range->last == c.last);
    CHECK(range->complete == c.complete);
  }
  for (const char* bad : {"",
                          "bytes",
                          "bytes ",
                          "bytes */10",
                          "bytes */*",
                          "bytes 4-9",
                          "bytes 4-9/",
                          "bytes 9-4/10",
                          "bytes 4-10/10",
                          "bytes 4-9/9",
                          "bytes 4-9/0",
                          "bytes -9/10",
                          "bytes 4-/10",
                          "bytes 4/10",
                          "bytes=4-9/10",
                          "bytes  4-9/10",
                          "bytes 4 -9/10",
                          "bytes 4-9 /10",
                          "bytes 4-9/ 10",
                          "bytes 4-9/10 ",
                          "bytes 4-9/10/11",
                          "bytes 4-9-10/11",
                          "bytes 4-9/1*",
                          "items 4-9/10",
                          "bytes a-b/10",
                          "bytes 0-18446744073709551615/*",
                          "bytes 0-18446744073709551616/*",
                          "bytes 0-1/99999999999999999999999",
                          "bytes +4-9/10",
                          "bytes 4/9-10"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_content_range(bad));
  }
}
