// Runs coroutines in a test: on the test's own thread, by polling.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "freshet/async/task.hpp"

namespace freshet::test {

/// What has become of a coroutine that was started.
template <class T>
struct Ending {
  bool done = false;
  std::exception_ptr failure;
  std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
};

/// A coroutine that was started and not waited for.
template <class T>
class Started {
 public:
  explicit Started(std::shared_ptr<Ending<T>> ending) : ending_(std::move(ending)) {}
  bool done() const noexcept { return ending_->done; }
  /// Its result, once; rethrows what it threw. Throws when it has not finished.
  T get() {
    if (!ending_->done) throw std::logic_error("the coroutine has not finished");
    if (ending_->failure) std::rethrow_exception(ending_->failure);
    if constexpr (!std::is_void_v<T>) return std::move(*ending_->value);
  }

 private:
  std::shared_ptr<Ending<T>> ending_;
};

template <class T>
Task<void> deliver(Task<T> task, std::shared_ptr<Ending<T>> ending) {
  if constexpr (std::is_void_v<T>) {
    co_await std::move(task);
  } else {
    T value = co_await std::move(task);
    ending->value.emplace(std::move(value));
  }
}

/// Starts `task` on `loop`; it runs whenever the loop does.
template <class T>
Started<T> start(boost::asio::io_context& loop, Task<T> task) {
  auto ending = std::make_shared<Ending<T>>();
  boost::asio::co_spawn(loop, deliver(std::move(task), ending), [ending](std::exception_ptr failure) {
    ending->failure = failure;
    ending->done = true;
  });
  return Started<T>(ending);
}

/// Runs everything that can run now. Returns how many steps that took. Meant for a plain loop without threads or
/// sockets.
inline std::size_t run_ready(boost::asio::io_context& loop) {
  std::size_t steps = 0;
  for (;;) {
    loop.restart();
    const std::size_t more = loop.poll();
    if (more == 0) return steps;
    steps += more;
  }
}

/// Runs `loop` until `done()`, while threads and sockets do their part; false when that took longer than `limit`.
template <class Predicate>
bool poll_until(boost::asio::io_context& loop, Predicate done, std::chrono::seconds limit = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    loop.restart();
    // Returns as soon as something happens; the short bound is for what no event announces.
    loop.run_one_for(std::chrono::milliseconds(2));
  }
  return true;
}

/// Runs `task` to its end by polling; throws when nothing is left to run and it has not finished: it would wait for
/// ever.
template <class T>
T run(boost::asio::io_context& loop, Task<T> task) {
  Started<T> started = start(loop, std::move(task));
  run_ready(loop);
  if (!started.done()) throw std::runtime_error("the coroutine waits for something that never happens");
  return started.get();
}

/// Like run(), for tasks that need other threads or sockets: waits for up to 20 s.
template <class T>
T run_waiting(boost::asio::io_context& loop, Task<T> task) {
  Started<T> started = start(loop, std::move(task));
  auto finished = [&started] { return started.done(); };
  if (!poll_until(loop, finished)) throw std::runtime_error("the coroutine did not finish in time");
  return started.get();
}

}  // namespace freshet::test
