#include "freshet/net/worker.hpp"

#include <pthread.h>
#include <sched.h>

#include <boost/asio/post.hpp>
#include <csignal>
#include <future>
#include <new>
#include <stdexcept>

#include "freshet/async/wakeup.hpp"
#include "freshet/base/check.hpp"
#include "support/run_loop.hpp"

namespace freshet::test {
namespace {

using namespace std::chrono_literals;

/// Runs `work` on the worker and waits for its result.
template <class F>
auto on(Worker& worker, F work) {
  std::packaged_task<decltype(work())()> task(std::move(work));
  auto result = task.get_future();
  worker.post([&task] { task(); });
  return result.get();
}

TEST_CASE("a worker has its own named thread, which takes no signals", "[net][worker]") {
  SystemClock clock;
  Worker worker(7, clock);
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  worker.start();
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGUSR1})
    CHECK(sigismember(&before, signal) == sigismember(&after, signal));

  CHECK(on(worker, [] { return std::this_thread::get_id(); }) != std::this_thread::get_id());
  CHECK(on(worker, [] {
          char name[32] = {};
          pthread_getname_np(pthread_self(), name, sizeof name);
          return std::string(name);
        }) == "freshet-w7");
  CHECK(on(worker, [] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return sigismember(&mask, SIGTERM) && sigismember(&mask, SIGINT) && sigismember(&mask, SIGHUP);
  }));
  CHECK(worker.index() == 7);
}

TEST_CASE("work posted before the start and from many threads is all done, on one thread", "[net][worker]") {
  SystemClock clock;
  Worker worker(0, clock, GENERATE(0us, 1us, 1000000us));
  int done = 0;  // only the worker's thread touches it
  for (int i = 0; i < 10; ++i) worker.post([&done] { ++done; });
  worker.start();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&worker, &done] {
      for (int i = 0; i < 1000; ++i) worker.post([&done] { ++done; });
    });
  for (auto& thread : threads) thread.join();
  CHECK(on(worker, [&done] { return done; }) == 4010);
}

TEST_CASE("a worker stays on the processor that it is told to, if there is such a one", "[net][worker]") {
  SystemClock clock;
  Worker worker(0, clock);
  worker.start();
  const auto processors = [] {
    cpu_set_t set;
    std::vector<unsigned> found;
    const bool known = sched_getaffinity(0, sizeof set, &set) == 0;
    for (unsigned i = 0; known && i < CPU_SETSIZE; ++i)
      if (CPU_ISSET(i, &set)) found.push_back(i);
    return found;
  };
  REQUIRE_FALSE(processors().empty());
  const unsigned last = processors().back();
  CHECK(worker.pin(last));
  CHECK(on(worker, processors) == std::vector<unsigned>{last});
  CHECK_FALSE(worker.pin(CPU_SETSIZE - 1));
  CHECK(on(worker, processors) == std::vector<unsigned>{last});
}

TEST_CASE("deadlines expire on the worker, also after it had nothing to wait for", "[net][worker]") {
  SystemClock clock;
  Worker worker(0, clock, GENERATE(0us, 1us, 1000000us));
  worker.start();
  struct Alarm {
    explicit Alarm(Worker& w)
        : deadline(
              w.deadlines(), [](void* self) noexcept { static_cast<Alarm*>(self)->ring(); }, this) {}
    void ring() noexcept { rang.set_value(std::this_thread::get_id()); }
    Deadline deadline;
    std::promise<std::thread::id> rang;
  };
  const auto thread = on(worker, [] { return std::this_thread::get_id(); });
  for (int round = 0; round < 3; ++round) {
    auto alarm = std::make_unique<Alarm>(worker);
    const auto armed_at = std::chrono::steady_clock::now();
    auto rang = alarm->rang.get_future();
    worker.post([&alarm] { alarm->deadline.arm(Milliseconds(250)); });
    CHECK(rang.get() == thread);
    CHECK(std::chrono::steady_clock::now() - armed_at >= Milliseconds(250) - worker.deadlines().tick());
    on(worker, [&alarm] {
      alarm.reset();
      return 0;
    });
  }
  CHECK(on(worker, [&worker] { return worker.deadlines().armed(); }) == 0);
}

TEST_CASE("a worker that never started, or is stopped twice, goes without a word", "[net][worker]") {
  SystemClock clock;
  Worker idle(0, clock);
  idle.post([] {});
  idle.stop();
  idle.join();
  Worker busy(1, clock);
  busy.start();
  busy.stop();
  busy.stop();
  busy.join();
  busy.join();
}

struct Flag {
  explicit Flag(bool& f) : flag(f) {}
  ~Flag() { flag = true; }
  bool& flag;
};

Task<void> wait_for_ever(Worker& worker, bool& destroyed, std::promise<void>& waiting) {
  const Flag flag(destroyed);
  Deadline deadline(
      worker.deadlines(), [](void*) noexcept {}, nullptr);
  deadline.arm(std::chrono::hours(1));
  boost::asio::steady_timer timer(worker.loop(), std::chrono::hours(1));
  waiting.set_value();
  co_await timer.async_wait(kAwait);
}

TEST_CASE("coroutines that are under way are destroyed with the worker, deadlines and all", "[net][worker]") {
  SystemClock clock;
  bool destroyed = false;
  {
    Worker worker(0, clock);
    std::promise<void> waiting;
    boost::asio::co_spawn(worker.loop(), wait_for_ever(worker, destroyed, waiting), [](std::exception_ptr) {});
    worker.start();
    waiting.get_future().get();
    worker.stop();
    worker.join();
    CHECK_FALSE(destroyed);
  }
  CHECK(destroyed);
}

TEST_CASE("memory that runs out under the loop is no bug, and the loop goes on", "[net][worker][shortage]") {
  SystemClock clock;
  Worker worker(0, clock);
  worker.start();
  const unsigned long before = bugs_found();
  worker.post([] { throw std::bad_alloc(); });
  CHECK(on(worker, [] { return 42; }) == 42);
  CHECK(bugs_found() == before);
}

#ifdef NDEBUG  // a debug build stops at such a bug
TEST_CASE("an exception that reaches the loop is counted, and the loop goes on", "[net][worker]") {
  SystemClock clock;
  Worker worker(0, clock);
  worker.start();
  const unsigned long before = bugs_found();
  worker.post([] { throw std::runtime_error("out of a completion"); });
  CHECK(on(worker, [] { return 42; }) == 42);
  CHECK(bugs_found() == before + 1);
}
#endif

}  // namespace
}  // namespace freshet::test
