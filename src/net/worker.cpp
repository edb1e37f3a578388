#include "freshet/net/worker.hpp"

#include <pthread.h>
#include <sched.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <new>
#include <string>
#include <utility>

#include "freshet/base/check.hpp"
#include "freshet/base/signals_blocked.hpp"


namespace freshet {
namespace {

namespace asio = boost::asio;

/// Ten wake-ups a second while anything is armed; the shortest time-out that can be configured is longer.
constexpr Milliseconds kTick(100);

/// Pipes that were not needed for a second go.
constexpr unsigned kTicksToTrim = 10;

}  // namespace

Worker::Worker(unsigned index, const Clock& clock, std::chrono::microseconds busy_poll, std::size_t pipes)
    : index_(index), clock_(clock), busy_poll_(busy_poll), deadlines_(clock.now().steady, kTick), pipes_(pipes), timer_(loop_) {
  deadlines_.on_first_armed([](void* self) noexcept { static_cast<Worker*>(self)->resume_ticking(); }, this);
}

Worker::~Worker() {
  stop();
  join();
}

void Worker::start() {
  ENSURE(!thread_.joinable());
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
  const std::string name = "freshet-w" + std::to_string(index_);
  pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
}

bool Worker::pin(unsigned processor) noexcept {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);
  return pthread_setaffinity_np(thread_.native_handle(), sizeof one, &one) == 0;
}

void Worker::stop() noexcept { loop_.stop(); }

void Worker::join() noexcept {
  if (thread_.joinable()) thread_.join();
}

void Worker::discard() noexcept {
  ENSURE(!thread_.joinable());
  loop_.discard();
}

void Worker::post(std::function<void()> work) { asio::post(loop_, std::move(work)); }

void Worker::run() noexcept {
  const auto guard = asio::make_work_guard(loop_);
  while (!loop_.stopped()) {
    try {
      turn();
    } catch (const std::bad_alloc&) {
      // The same, but no mistake of ours.
    } catch (...) {
      BUG("an exception reached the event loop");  // one connection is lost; the others go on
    }
  }
}

void Worker::turn() {
  if (busy_poll_.count() == 0) {
    loop_.run();
    return;
  }
  for (SteadyTime busy = clock_.steady(); !loop_.stopped();) {
    if (loop_.poll() == 0) {
      if (clock_.steady() - busy < busy_poll_) continue;
      loop_.run_one();
    }
    busy = clock_.steady();
  }
}

void Worker::resume_ticking() noexcept {
  if (ticking_) return;
  deadlines_.advance(clock_.now().steady);
  ticking_ = true;
  wait_for_tick();
}

void Worker::wait_for_tick() {
  timer_.expires_after(kTick);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) tick();
  });
}

void Worker::tick() {
  deadlines_.advance(clock_.now().steady);
  if (++ticks_ % kTicksToTrim == 0) pipes_.trim();
  ticking_ = deadlines_.armed() > 0 || pipes_.spare() > 0;
  if (ticking_) wait_for_tick();
}

}  // namespace freshet
