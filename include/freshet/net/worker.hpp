// One thread, one event loop, one deadline wheel. A connection never changes its worker.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <thread>

#include "freshet/base/clock.hpp"
#include "freshet/base/pipe.hpp"
#include "freshet/net/deadline_wheel.hpp"

namespace freshet {

/// The event loop of one worker. start() and join() belong to the thread that owns it; post() is for any thread; the
/// rest is for the worker's own thread.
class Worker {
 public:
  /// `busy_poll`: how long it looks for events again and again when there are none, before it sleeps until one comes.
  /// `pipes`: how many it may have for tunnels.
  Worker(unsigned index, const Clock& clock, std::chrono::microseconds busy_poll = {}, std::size_t pipes = PipePool::kMost);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Starts the thread ("freshet-w<index>", all signals blocked). It runs until stop(). Throws std::system_error when
  /// the system has no thread left.
  void start();
  /// From now on its thread stays on that processor. False when the system does not let it. REQUIRES: started.
  bool pin(unsigned processor) noexcept;
  /// Makes the loop end without waiting for what is under way, whose coroutines are destroyed with the worker. Any
  /// thread.
  void stop() noexcept;
  /// Waits for the thread to end.
  void join() noexcept;
  /// Destroys all coroutines that are suspended in the loop, while everything that they refer to still exists; the loop
  /// can then only be destroyed. REQUIRES: joined.
  void discard() noexcept;
  /// Runs `work` on the worker's thread.
  void post(std::function<void()> work);

  unsigned index() const noexcept { return index_; }
  boost::asio::io_context& loop() noexcept { return loop_; }
  DeadlineWheel& deadlines() noexcept { return deadlines_; }
  PipePool& pipes() noexcept { return pipes_; }
  const Clock& clock() const noexcept { return clock_; }

 private:
  /// An io_context that can let go of its work before it is destroyed itself.
  class Loop : public boost::asio::io_context {
   public:
    using io_context::io_context;
    void discard() { shutdown(); }
  };
  void run() noexcept;
  void turn();
  void resume_ticking() noexcept;
  void wait_for_tick();
  void tick();
  unsigned index_;
  const Clock& clock_;
  const std::chrono::microseconds busy_poll_;
  DeadlineWheel deadlines_;  // outlives loop_: coroutines that are destroyed with the loop disarm their deadlines
  PipePool pipes_;          // and so do these: coroutines give them back
  Loop loop_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};  // sockets and timers are touched by the worker alone
  boost::asio::steady_timer timer_;
  bool ticking_ = false;
  unsigned ticks_ = 0;
  std::thread thread_;
};

}  // namespace freshet
