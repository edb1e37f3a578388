#include "freshet/net/deadline_wheel.hpp"

#include <algorithm>
#include <functional>
#include <random>

namespace freshet {
namespace {

constexpr SteadyTime kStart{std::chrono::seconds(1000)};
SteadyTime at(long milliseconds) { return kStart + Milliseconds(milliseconds); }

/// A deadline that does what the test says when it expires.
struct Alarm {
  explicit Alarm(DeadlineWheel& wheel) : deadline(wheel, &Alarm::expired, this) {}
  static void expired(void* self) noexcept {
    auto& alarm = *static_cast<Alarm*>(self);
    ++alarm.rings;
    if (alarm.then) alarm.then();
  }
  Deadline deadline;
  int rings = 0;
  std::function<void()> then;
};

TEST_CASE("a deadline expires at its time and not before, and only once", "[net][deadline]") {
  DeadlineWheel wheel(kStart, Milliseconds(50));
  Alarm alarm(wheel);
  alarm.deadline.arm(Milliseconds(500));
  CHECK(alarm.deadline.armed());
  CHECK(wheel.armed() == 1);
  wheel.advance(at(499));
  CHECK(alarm.rings == 0);
  wheel.advance(at(500));
  CHECK(alarm.rings == 1);
  CHECK_FALSE(alarm.deadline.armed());
  CHECK(wheel.armed() == 0);
  wheel.advance(at(200000));
  CHECK(alarm.rings == 1);
}

TEST_CASE("times are rounded up to the tick", "[net][deadline]") {
  struct Row {
    long armed_at, after, last_quiet, first_ringing;
  };
  const Row row = GENERATE(Row{0, 1, 49, 50}, Row{0, 49, 49, 50}, Row{0, 50, 49, 50}, Row{0, 51, 99, 100},
                           Row{30, 10, 49, 50}, Row{30, 20, 49, 50}, Row{30, 21, 99, 100}, Row{60, 0, 99, 100},
                           Row{50, 0, 99, 100}, Row{0, 0, 49, 50}, Row{0, -5, 49, 50}, Row{0, 51200, 51199, 51200},
                           Row{0, 51250, 51249, 51250}, Row{0, 102400, 102399, 102400});
  CAPTURE(row.armed_at, row.after);
  DeadlineWheel wheel(kStart, Milliseconds(50));
  wheel.advance(at(row.armed_at));
  Alarm alarm(wheel);
  alarm.deadline.arm(Milliseconds(row.after));
  wheel.advance(at(row.last_quiet));
  CHECK(alarm.rings == 0);
  wheel.advance(at(row.first_ringing));
  CHECK(alarm.rings == 1);
}

TEST_CASE("arming again moves a deadline, disarming and destroying it silence it", "[net][deadline]") {
  DeadlineWheel wheel(kStart);
  Alarm moved(wheel), silenced(wheel);
  auto destroyed = std::make_unique<Alarm>(wheel);
  moved.deadline.arm(Milliseconds(100));
  silenced.deadline.arm(Milliseconds(100));
  destroyed->deadline.arm(Milliseconds(100));
  CHECK(wheel.armed() == 3);
  moved.deadline.arm(Milliseconds(1000));
  silenced.deadline.disarm();
  silenced.deadline.disarm();
  destroyed.reset();
  CHECK(wheel.armed() == 1);
  wheel.advance(at(999));
  CHECK(moved.rings == 0);
  wheel.advance(at(1000));
  CHECK(moved.rings == 1);
  CHECK(silenced.rings == 0);
}

TEST_CASE("a deadline that lies many turns ahead waits for its own turn", "[net][deadline]") {
  DeadlineWheel wheel(kStart, Milliseconds(1));
  Alarm near(wheel), far(wheel);
  near.deadline.arm(Milliseconds(5));
  far.deadline.arm(Milliseconds(5 + 3 * 1024));
  for (long t = 1; t < 5 + 3 * 1024; ++t) wheel.advance(at(t));
  CHECK(near.rings == 1);
  CHECK(far.rings == 0);
  wheel.advance(at(5 + 3 * 1024));
  CHECK(far.rings == 1);
}

TEST_CASE("one call can jump over days", "[net][deadline]") {
  DeadlineWheel wheel(kStart, Milliseconds(50));
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (int i = 1; i <= 3000; ++i) {
    alarms.push_back(std::make_unique<Alarm>(wheel));
    alarms.back()->deadline.arm(Milliseconds(i * 977));
  }
  Alarm beyond(wheel);
  beyond.deadline.arm(std::chrono::hours(24 * 30));
  wheel.advance(kStart + std::chrono::hours(24 * 29));
  CHECK(std::all_of(alarms.begin(), alarms.end(), [](const auto& alarm) { return alarm->rings == 1; }));
  CHECK(beyond.rings == 0);
  CHECK(wheel.armed() == 1);
  wheel.advance(kStart + std::chrono::hours(24 * 30));
  CHECK(beyond.rings == 1);
}

TEST_CASE("the longest wait that can be said does not overflow", "[net][deadline]") {
  DeadlineWheel wheel(kStart);
  Alarm alarm(wheel);
  alarm.deadline.arm(Milliseconds::max());
  wheel.advance(kStart + std::chrono::hours(24 * 365));
  CHECK(alarm.rings == 0);
  CHECK(alarm.deadline.armed());
}

TEST_CASE("time that goes backwards changes nothing", "[net][deadline]") {
  DeadlineWheel wheel(kStart);
  wheel.advance(at(5000));
  Alarm alarm(wheel);
  alarm.deadline.arm(Milliseconds(100));
  wheel.advance(at(10));
  CHECK(alarm.rings == 0);
  wheel.advance(at(5100));
  CHECK(alarm.rings == 1);
}

TEST_CASE("a callback may arm its own deadline again, which waits for a later call", "[net][deadline]") {
  DeadlineWheel wheel(kStart, Milliseconds(50));
  Alarm alarm(wheel);
  alarm.then = [&alarm] { alarm.deadline.arm(Milliseconds(0)); };
  alarm.deadline.arm(Milliseconds(50));
  wheel.advance(at(5000));
  CHECK(alarm.rings == 1);
  wheel.advance(at(5049));
  CHECK(alarm.rings == 1);
  wheel.advance(at(5050));
  CHECK(alarm.rings == 2);
}

TEST_CASE("a callback may disarm, move and destroy others that are due in the same call", "[net][deadline]") {
  DeadlineWheel wheel(kStart, Milliseconds(50));
  // Whichever of the three comes first stops the other two, in every way there is.
  const int way = GENERATE(0, 1, 2);
  std::vector<std::unique_ptr<Alarm>> alarms;
  int rings = 0;
  for (int i = 0; i < 3; ++i) alarms.push_back(std::make_unique<Alarm>(wheel));
  for (std::size_t i = 0; i < 3; ++i) {
    alarms[i]->then = [&, i] {
      ++rings;
      for (std::size_t other = 0; other < 3; ++other) {
        if (other == i || !alarms[other]) continue;
        if (way == 0) alarms[other]->deadline.disarm();
        if (way == 1) alarms[other]->deadline.arm(Milliseconds(1000));
        if (way == 2) alarms[other].reset();
      }
    };
    alarms[i]->deadline.arm(Milliseconds(i == 0 ? 50 : 100));
  }
  wheel.advance(at(100));
  CHECK(rings == 1);
  CHECK(wheel.armed() == (way == 1 ? 2U : 0U));
}

TEST_CASE("a callback may destroy its own deadline", "[net][deadline]") {
  DeadlineWheel wheel(kStart, Milliseconds(50));
  struct Owner {
    explicit Owner(DeadlineWheel& w, bool& f)
        : deadline(
              w, [](void* o) noexcept { delete static_cast<Owner*>(o); }, this),
          flag(f) {}
    ~Owner() { flag = true; }
    Deadline deadline;
    bool& flag;
  };
  bool gone = false;
  (new Owner(wheel, gone))->deadline.arm(Milliseconds(50));
  wheel.advance(at(50));
  CHECK(gone);
  CHECK(wheel.armed() == 0);
}

TEST_CASE("the first deadline brings a wheel that was left alone up to date", "[net][deadline]") {
  struct Ticker {
    DeadlineWheel wheel{kStart, Milliseconds(50)};
    SteadyTime now = kStart;
    int calls = 0;
    static void first(void* self) noexcept {
      auto& ticker = *static_cast<Ticker*>(self);
      ++ticker.calls;
      ticker.wheel.advance(ticker.now);
    }
  } ticker;
  ticker.wheel.on_first_armed(&Ticker::first, &ticker);
  Alarm one(ticker.wheel), two(ticker.wheel);
  ticker.now = at(60000);
  one.deadline.arm(Milliseconds(100));
  two.deadline.arm(Milliseconds(100));
  CHECK(ticker.calls == 1);
  ticker.wheel.advance(at(60099));
  CHECK(one.rings == 0);
  ticker.wheel.advance(at(60100));
  CHECK((one.rings == 1 && two.rings == 1));
  two.deadline.arm(Milliseconds(100));
  two.deadline.arm(Milliseconds(200));  // moved, but it was the only one
  CHECK(ticker.calls >= 2);
}

TEST_CASE("the wheel agrees with a list that is searched from end to end", "[net][deadline]") {
  struct Model {
    bool armed = false;
    long due = 0;  // ticks
  };
  const long tick = GENERATE(1L, 7L, 50L);
  std::mt19937 random(static_cast<unsigned>(tick));
  const auto pick = [&random](long low, long high) { return std::uniform_int_distribution<long>(low, high)(random); };
  DeadlineWheel wheel(kStart, Milliseconds(tick));
  constexpr std::size_t kCount = 200;
  std::vector<std::unique_ptr<Alarm>> alarms;
  std::vector<Model> models(kCount);
  for (std::size_t i = 0; i < kCount; ++i) alarms.push_back(std::make_unique<Alarm>(wheel));
  std::vector<int> expected(kCount, 0);
  long now = 0;
  for (int round = 0; round < 20000; ++round) {
    const auto i = static_cast<std::size_t>(pick(0, kCount - 1));
    switch (pick(0, 9)) {
      case 0:
        alarms[i]->deadline.disarm();
        models[i].armed = false;
        break;
      case 1: {
        const long step = pick(0, 20) == 0 ? pick(0, 5000 * tick) : pick(0, 3 * tick);
        now += step;
        wheel.advance(at(now));
        for (std::size_t j = 0; j < kCount; ++j) {
          if (!models[j].armed || models[j].due > now / tick) continue;
          models[j].armed = false;
          ++expected[j];
        }
        break;
      }
      default: {
        const long after = pick(0, 30) == 0 ? pick(0, 6000 * tick) : pick(0, 100 * tick);
        alarms[i]->deadline.arm(Milliseconds(after));
        models[i] = {true, std::max((now + after + tick - 1) / tick, now / tick + 1)};
      }
    }
    for (std::size_t j = 0; j < kCount; ++j) {
      if (alarms[j]->rings != expected[j] || alarms[j]->deadline.armed() != models[j].armed) {
        FAIL("deadline " << j << " differs in round " << round << " at " << now);
      }
    }
  }
  const auto armed = std::count_if(models.begin(), models.end(), [](const Model& m) { return m.armed; });
  CHECK(wheel.armed() == static_cast<std::size_t>(armed));
}

}  // namespace
}  // namespace freshet
