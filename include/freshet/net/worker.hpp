// One thread, one event loop, one deadline wheel. A connection never changes its worker.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <thread>

#include "freshet/base/clock.hpp"
#include "freshet/net/deadline_wheel.hpp"

namespace freshet {

/// The event loop of one worker. start() and join() belong to the thread that owns it; post() is for any thread; the rest is for
/// the worker's own thread.
class Worker {
 public:
  Worker(unsigned index, const Clock& clock);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  /// Makes the loop end without waiting for what is under way.
  void stop() noexcept;
  void join() noexcept;
  /// Runs `work` on the worker's thread.
  void post(std::function<void()> work);

  unsigned index() const noexcept { return index_; }
  boost::asio::io_context& loop() noexcept { return loop_; }
  DeadlineWheel& deadlines() noexcept { return deadlines_; }
  const Clock& clock() const noexcept { return clock_; }

 private:
  void tick();
  unsigned index_;
  const Clock& clock_;
  boost::asio::io_context loop_{1};
  DeadlineWheel deadlines_;
  boost::asio::steady_timer timer_;
  std::thread thread_;
};

}  // namespace freshet
