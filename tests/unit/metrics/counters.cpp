#include "freshet/metrics/counters.hpp"

#include <catch2/catch.hpp>
#include <chrono>

using namespace freshet;
using namespace std::chrono_literals;

TEST_CASE("A duration is counted in the first bucket whose bound it does not exceed", "[metrics]") {
  for (std::size_t i = 0; i < DurationHistogram::kBounds.size(); ++i) {
    const auto bound = std::chrono::nanoseconds(static_cast<std::int64_t>(DurationHistogram::kBounds[i] * 1e9 + 0.5));
    DurationHistogram at, below, above;
    at.observe(bound);
    below.observe(bound - 1ns);
    above.observe(bound + 1ns);
    INFO("bound " << DurationHistogram::kBounds[i]);
    CHECK(at.bucket(i) == 1);
    CHECK(below.bucket(i) == 1);
    CHECK(above.bucket(i) == 0);
    CHECK(above.bucket(i + 1) == 1);
    CHECK(at.sum_nanoseconds() == static_cast<std::uint64_t>(bound.count()));
  }
}

TEST_CASE("Durations of zero, below zero and beyond all bounds are counted too", "[metrics]") {
  DurationHistogram histogram;
  histogram.observe(0ns);
  histogram.observe(-5s);
  histogram.observe(100h);
  CHECK(histogram.bucket(0) == 2);
  CHECK(histogram.bucket(DurationHistogram::kBounds.size()) == 1);
  CHECK(histogram.sum_nanoseconds() == static_cast<std::uint64_t>(std::chrono::nanoseconds(100h).count()));
}

TEST_CASE("Status codes fall into five classes, and all else into a sixth", "[metrics]") {
  CHECK(code_class(100) == 0);
  CHECK(code_class(199) == 0);
  CHECK(code_class(200) == 1);
  CHECK(code_class(599) == 4);
  for (int odd : {0, 99, 600, 999, -1}) CHECK(code_class(odd) == 5);
}

TEST_CASE("There is one element for each upstream and one for forward requests", "[metrics]") {
  WorkerCounters counters(2, 3);
  CHECK(counters.listener.size() == 2);
  CHECK(counters.upstream.size() == 4);
  counters.forward().failures.add(2);
  counters.forward().failures.subtract();
  CHECK(counters.upstream[3].failures.get() == 1);
}
