// When a client is too slow: only by the time that is spent waiting for it.
#include "../../../src/frontend/pace.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace freshet;

namespace {

SteadyTime at(int milliseconds) { return SteadyTime() + Milliseconds(milliseconds); }

/// From `begin` to `end` the client is waited for, and has moved `moved` bytes in all at the end.
struct Wait {
  int begin, end;
  std::uint64_t moved;
};

/// "" as long as it is fast enough, else when it was found to be too slow.
std::string judge(std::uint64_t rate, int window, const std::vector<Wait>& waits) {
  Pace pace({rate, Milliseconds(window)});
  std::uint64_t moved = 0;
  for (const Wait& wait : waits) {
    pace.begin(at(wait.begin), moved);
    moved = wait.moved;
    pace.end(at(wait.end));
    if (pace.window_is_full(at(wait.end)) && pace.was_too_slow(at(wait.end), moved)) return std::to_string(wait.end);
  }
  return {};
}

}  // namespace

TEST_CASE("A client is judged when it has been waited for a whole window, by what it moved meanwhile",
          "[frontend][P14][P15]") {
  struct Row {
    const char* name;
    std::uint64_t rate;
    std::vector<Wait> waits;
    std::string slow_at;
  };
  const Row rows[] = {
      {"a window that is not full says nothing", 100, {{0, 9999, 0}}, ""},
      {"a full one with too little", 100, {{0, 10000, 999}}, "10000"},
      {"a full one with just enough", 100, {{0, 10000, 1000}}, ""},
      {"a wait longer than the window has to bring more", 100, {{0, 20000, 1999}}, "20000"},
      {"many short waits are one long one", 100, {{0, 4000, 300}, {4000, 8000, 600}, {8000, 12000, 900}}, "12000"},
      {"time between waits does not count", 100, {{0, 4000, 0}, {900000, 905000, 0}}, ""},
      {"but does not reset it either", 100, {{0, 4000, 0}, {900000, 906000, 999}}, "906000"},
      {"what moved between waits counts for the client",
       100,
       {{0, 4000, 0}, {5000, 9000, 5000}, {9000, 13000, 5000}},
       ""},
      {"a good window does not pay for the next", 100, {{0, 10000, 1000000}, {10000, 20000, 1000500}}, "20000"},
      {"a rate of nothing is no limit", 0, {{0, 1000000000, 0}}, ""},
      {"the largest rate and window do not overflow", 1u << 30, {{0, 86400000, 1}}, "86400000"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(judge(row.rate, row.slow_at == "86400000" ? 86400000 : 10000, row.waits) == row.slow_at);
  }
}

TEST_CASE("A pace tells how long a wait may last, and begins anew after each judgement", "[frontend]") {
  Pace pace({100, Milliseconds(10000)});
  pace.begin(at(0), 0);
  CHECK(pace.left() == Milliseconds(10000));
  pace.end(at(2500));
  pace.begin(at(5000), 0);
  CHECK(pace.left() == Milliseconds(7500));
  CHECK(!pace.window_is_full(at(12499)));
  CHECK(pace.window_is_full(at(12500)));
  CHECK(!pace.was_too_slow(at(12500), 1000));
  CHECK(!pace.window_is_full(at(22499)));
  CHECK(pace.window_is_full(at(22500)));
  CHECK(pace.was_too_slow(at(22500), 1999));
  pace.lift();
  CHECK(!pace.limits());
  CHECK(!pace.window_is_full(at(99000)));
}
