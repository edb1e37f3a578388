// g++ 12 destroys some temporaries of a co_await expression twice (docs/why/coroutines.md). These tests count
// constructions and destructions of everything that crosses a coroutine in the ways in which the project does it.
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <stdexcept>

#include "freshet/async/result.hpp"
#include "freshet/async/spawn.hpp"
#include "freshet/async/task.hpp"
#include "support/run_loop.hpp"

namespace freshet::test {
namespace {

struct Counts {
  int born = 0;
  int died = 0;
};
Counts counts;

class Counted {
 public:
  explicit Counted(int v = 0) : value(v) { ++counts.born; }
  Counted(const Counted& other) : value(other.value) { ++counts.born; }
  Counted(Counted&& other) noexcept : value(std::exchange(other.value, -1)) { ++counts.born; }
  Counted& operator=(const Counted&) = default;
  Counted& operator=(Counted&& other) noexcept {
    value = std::exchange(other.value, -1);
    return *this;
  }
  ~Counted() {
    ++counts.died;
    value = -2;
  }
  int value;
};

/// A type that crosses a coroutine as ours do: with constructors.
struct Parcel {
  Counted counted;
  std::string text;
  Parcel(Counted c, std::string t) : counted(std::move(c)), text(std::move(t)) {}
};

struct Aggregate {
  Counted counted;
  std::string text;
};

Task<void> suspend() {
  auto executor = co_await boost::asio::this_coro::executor;
  co_await boost::asio::post(executor, kAwait);
}

Task<int> take(Parcel parcel) {
  co_await suspend();
  co_return parcel.counted.value + static_cast<int>(parcel.text.size());
}
Task<int> take_aggregate(Aggregate aggregate) {
  co_await suspend();
  co_return aggregate.counted.value + static_cast<int>(aggregate.text.size());
}
Task<Result<Parcel>> give(bool fail) {
  co_await suspend();
  if (fail) co_return Failure(Reason::Internal, Side::Self, 500);
  Parcel parcel(Counted(5), "a text that is too long for the small-string buffer");
  co_return parcel;
}
Task<std::unique_ptr<Parcel>> give_pointer() {
  co_await suspend();
  co_return std::make_unique<Parcel>(Counted(6), "text");
}
Task<int> fail_after(Parcel parcel) {
  co_await suspend();
  if (parcel.counted.value >= 0) throw std::runtime_error(parcel.text);
  co_return 0;
}

Task<int> named_parcel() {
  Parcel parcel(Counted(1), "a text that is too long for the small-string buffer");
  co_return co_await take(std::move(parcel));
}
Task<int> temporary_with_constructor() {
  co_return co_await take(Parcel(Counted(1), "a text that is too long for the small-string buffer"));
}
Task<int> named_aggregate() {
  Aggregate aggregate{Counted(1), "a text that is too long for the small-string buffer"};
  co_return co_await take_aggregate(std::move(aggregate));
}
Task<int> result_value() {
  auto result = co_await give(false);
  co_return result ? result.value().counted.value : -1;
}
Task<int> result_failure() {
  const Counted held;
  auto result = co_await give(true);
  co_return result ? -1 : result.error().status;
}
Task<int> pointer_value() {
  const auto pointer = co_await give_pointer();
  co_return pointer->counted.value;
}
Task<int> optional_value() {
  std::optional<Parcel> kept;
  for (int i = 0; i < 3; ++i) {
    auto result = co_await give(i == 1);
    if (result) kept.emplace(std::move(result.value()));
  }
  co_return kept->counted.value;
}
Task<int> caught_exception() {
  int caught = 0;
  try {
    Parcel parcel(Counted(1), "thrown");
    co_await fail_after(std::move(parcel));
  } catch (const std::runtime_error&) {
    caught = 1;
  }
  co_return caught;
}

TEST_CASE("what crosses a coroutine is destroyed exactly once", "[async][coroutine]") {
  struct Row {
    const char* name;
    Task<int> (*coroutine)();
    int expected;
  };
  const Row row = GENERATE(Row{"named parcel", &named_parcel, 52}, Row{"temporary", &temporary_with_constructor, 52},
                           Row{"named aggregate", &named_aggregate, 52}, Row{"result value", &result_value, 5},
                           Row{"result failure", &result_failure, 500}, Row{"pointer", &pointer_value, 6},
                           Row{"optional", &optional_value, 5}, Row{"exception", &caught_exception, 1});
  CAPTURE(row.name);
  counts = {};
  {
    boost::asio::io_context loop{1};
    CHECK(run(loop, row.coroutine()) == row.expected);
  }
  CHECK(counts.born > 0);
  CHECK(counts.born == counts.died);
}

TEST_CASE("what a suspended coroutine holds is destroyed exactly once with its loop", "[async][coroutine]") {
  counts = {};
  {
    boost::asio::io_context loop{1};
    start(loop, named_parcel());
    start(loop, result_value());
    start(loop, caught_exception());
    loop.poll_one();
    loop.poll_one();
  }
  CHECK(counts.born > 0);
  CHECK(counts.born == counts.died);
}

Task<void> background(Parcel parcel, int& done) {
  co_await suspend();
  done += parcel.counted.value;
}

Task<int> spawn_two(int& done) {
  Parcel one(Counted(1), "one"), two(Counted(2), "two");
  co_await spawn(background(std::move(one), done));
  co_await spawn(background(std::move(two), done));
  co_return done;
}

TEST_CASE("spawned work runs beside the one who started it, and outlives it", "[async][spawn]") {
  counts = {};
  int done = 0;
  {
    boost::asio::io_context loop{1};
    auto spawning = start(loop, spawn_two(done));
    run_ready(loop);
    CHECK(spawning.get() < 3);  // did not wait for both
    CHECK(done == 3);
  }
  CHECK(counts.born == counts.died);
}

TEST_CASE("spawned work that has not run is destroyed with its loop", "[async][spawn]") {
  counts = {};
  int done = 0;
  {
    boost::asio::io_context loop{1};
    start(loop, spawn_two(done));
    loop.poll_one();
  }
  CHECK(done == 0);
  CHECK(counts.born == counts.died);
}

}  // namespace
}  // namespace freshet::test
