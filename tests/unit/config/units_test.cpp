#include "freshet/config/units.hpp"

#include <catch2/catch.hpp>

using namespace freshet;

TEST_CASE("A duration is digits and a unit, or a bare 0", "[config]") {
  const struct {
    const char* text;
    std::int64_t milliseconds;  // -1: refused
  } rows[] = {{"500ms", 500},
              {"30s", 30'000},
              {"5m", 300'000},
              {"1h", 3'600'000},
              {"1d", 86'400'000},
              {"0", 0},
              {"0s", 0},
              {"007s", 7'000},
              {"", -1},
              {"s", -1},
              {"30", -1},
              {"30 s", -1},
              {" 30s", -1},
              {"30s ", -1},
              {"-1s", -1},
              {"+1s", -1},
              {"1.5s", -1},
              {"30S", -1},
              {"30sec", -1},
              {"1h30m", -1},
              {"4611686018427387904ms", 4611686018427387904},
              {"4611686018427387905ms", -1},
              {"18446744073709551615d", -1},
              {"18446744073709551616s", -1},
              {"99999999999999999999999999s", -1}};
  for (const auto& row : rows) {
    INFO(row.text);
    const auto value = parse_duration(row.text);
    REQUIRE(value.has_value() == (row.milliseconds >= 0));
    if (value) REQUIRE(value->count() == row.milliseconds);
  }
}

TEST_CASE("A size is digits and perhaps a binary or a decimal unit", "[config]") {
  const struct {
    const char* text;
    std::optional<Bytes> bytes;
  } rows[] = {{"0", 0},
              {"1000", 1000},
              {"1000B", 1000},
              {"1KiB", 1024},
              {"64KiB", 65'536},
              {"256MiB", 268'435'456},
              {"1GiB", 1'073'741'824},
              {"1TiB", 1'099'511'627'776},
              {"10kB", 10'000},
              {"10MB", 10'000'000},
              {"3GB", 3'000'000'000},
              {"2TB", 2'000'000'000'000},
              {"4194304TiB", 1ULL << 62},
              {"4194305TiB", {}},
              {"18446744073709551616", {}},
              {"", {}},
              {"MiB", {}},
              {"1mib", {}},
              {"1M", {}},
              {"1KB", {}},
              {"-1", {}},
              {"1.5GiB", {}},
              {"1 GiB", {}}};
  for (const auto& row : rows) {
    INFO(row.text);
    REQUIRE(parse_size(row.text) == row.bytes);
  }
}

TEST_CASE("Durations and sizes are written in their largest exact unit, and read back the same", "[config]") {
  REQUIRE(format_duration(Milliseconds{0}) == "0s");
  REQUIRE(format_duration(Milliseconds{1}) == "1ms");
  REQUIRE(format_duration(Milliseconds{1500}) == "1500ms");
  REQUIRE(format_duration(Milliseconds{90'000}) == "90s");
  REQUIRE(format_duration(Milliseconds{120'000}) == "2m");
  REQUIRE(format_duration(Milliseconds{86'400'000}) == "1d");
  REQUIRE(format_size(0) == "0");
  REQUIRE(format_size(1000) == "1000");
  REQUIRE(format_size(1023) == "1023");
  REQUIRE(format_size(1024) == "1KiB");
  REQUIRE(format_size(1536) == "1536");
  REQUIRE(format_size(268'435'456) == "256MiB");
  for (std::uint64_t value : {1ULL, 999ULL, 1000ULL, 1024ULL, 60'000ULL, 86'400'000ULL, 1ULL << 40}) {
    REQUIRE(parse_duration(format_duration(Milliseconds{static_cast<std::int64_t>(value)}))->count() ==
            static_cast<std::int64_t>(value));
    REQUIRE(parse_size(format_size(value)) == value);
  }
}
