#include "freshet/async/wakeup.hpp"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <mutex>
#include <thread>

#include "support/alloc_counter.hpp"
#include "support/run_loop.hpp"

namespace freshet::test {
namespace {

Task<int> wait_times(Wakeup& wakeup, int times, int& returned) {
  for (int i = 0; i < times; ++i) {
    co_await wakeup.wait();
    ++returned;
  }
  co_return returned;
}

TEST_CASE("a wait returns after a wake-up, and not before", "[async][wakeup]") {
  boost::asio::io_context loop{1};
  Wakeup wakeup;
  int returned = 0;
  auto waiting = start(loop, wait_times(wakeup, 2, returned));
  run_ready(loop);
  CHECK(returned == 0);
  wakeup.wake();
  CHECK(returned == 0);  // never resumed inside wake()
  run_ready(loop);
  CHECK(returned == 1);
  CHECK_FALSE(waiting.done());
  wakeup.wake();
  run_ready(loop);
  CHECK(waiting.get() == 2);
}

TEST_CASE("a wake-up that comes first is not lost, and several count as one", "[async][wakeup]") {
  boost::asio::io_context loop{1};
  Wakeup wakeup;
  wakeup.wake();
  wakeup.wake();
  int returned = 0;
  auto waiting = start(loop, wait_times(wakeup, 2, returned));
  run_ready(loop);
  CHECK(returned == 1);
  wakeup.wake();
  wakeup.wake();
  run_ready(loop);
  CHECK(waiting.done());
}

TEST_CASE("waking when nobody waits, or ever will, is harmless", "[async][wakeup]") {
  Wakeup wakeup;
  wakeup.wake();
}

TEST_CASE("a waiter resumes on its own loop's thread, whoever wakes it", "[async][wakeup][threads]") {
  boost::asio::io_context loop{1};
  Wakeup wakeup;
  int returned = 0;
  auto waiting = start(loop, wait_times(wakeup, 1, returned));
  run_ready(loop);
  std::thread other([&] {
    wakeup.wake();
    wakeup.wake();
  });
  other.join();
  CHECK(returned == 0);
  run_ready(loop);
  CHECK(returned == 1);
}

/// A counter that one thread raises and a coroutine follows.
struct Counter {
  std::mutex mutex;
  WaiterList waiters;
  int value = 0;

  void raise() {
    const std::lock_guard lock(mutex);
    ++value;
    waiters.wake_all();
  }
  int read() {
    const std::lock_guard lock(mutex);
    return value;
  }
  void add(Waiter& waiter) {
    const std::lock_guard lock(mutex);
    waiters.add(waiter);
  }
  void remove(Waiter& waiter) {
    const std::lock_guard lock(mutex);
    waiters.remove(waiter);
  }
};

Task<int> follow(Counter& counter, int target) {
  Wakeup wakeup;
  counter.add(wakeup);
  int seen = counter.read();
  while (seen < target) {
    co_await wakeup.wait();
    const int now = counter.read();
    if (now < seen) break;
    seen = now;
  }
  counter.remove(wakeup);
  co_return seen;
}

TEST_CASE("no change is missed while threads wake and coroutines on other threads wait", "[async][wakeup][threads]") {
  Counter counter;
  constexpr int kTarget = 20000;
  std::vector<std::thread> readers;
  std::vector<int> seen(3);
  for (auto& each : seen)
    readers.emplace_back([&counter, &each] {
      boost::asio::io_context loop{1};
      each = run_waiting(loop, follow(counter, kTarget));
    });
  std::thread writer([&counter] {
    for (int i = 0; i < kTarget / 2; ++i) counter.raise();
  });
  for (int i = 0; i < kTarget / 2; ++i) counter.raise();
  writer.join();
  for (auto& reader : readers) reader.join();
  CHECK(seen == std::vector<int>(3, kTarget));
}

TEST_CASE("a wake-up needs no memory: there is nobody to tell that it has run out", "[async][wakeup]") {
  boost::asio::io_context loop{1};
  Wakeup wakeup;
  int returned = 0;
  auto waiting = start(loop, wait_times(wakeup, 2, returned));
  run_ready(loop);
  const AllocCounter counter;
  wakeup.wake();
  CHECK(counter.count() == 0);
  run_ready(loop);
  CHECK(returned == 1);
}

struct Flag {
  explicit Flag(bool& f) : flag(f) {}
  ~Flag() { flag = true; }
  bool& flag;
};

Task<void> own_and_wait(bool& destroyed, Wakeup*& address) {
  const Flag flag(destroyed);
  Wakeup wakeup;
  address = &wakeup;
  co_await wakeup.wait();
}

TEST_CASE("a loop that is destroyed destroys the coroutines that wait on it", "[async][wakeup]") {
  bool destroyed[3] = {};
  Wakeup* wakeups[3] = {};
  Wakeup outside;
  int returned = 0;
  const bool woken = GENERATE(false, true);
  {
    boost::asio::io_context loop{1};
    for (std::size_t i = 0; i < 3; ++i) start(loop, own_and_wait(destroyed[i], wakeups[i]));
    start(loop, wait_times(outside, 1, returned));
    run_ready(loop);
    if (woken) {  // but not yet resumed
      wakeups[1]->wake();
      outside.wake();
    }
    CHECK_FALSE((destroyed[0] || destroyed[1] || destroyed[2]));
  }
  CHECK((destroyed[0] && destroyed[1] && destroyed[2]));
  CHECK(returned == 0);
  outside.wake();  // still a live object, though nobody listens
}

}  // namespace
}  // namespace freshet::test
