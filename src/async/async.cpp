#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <stdexcept>
#include <string>

#include "freshet/async/result.hpp"
#include "freshet/async/spawn.hpp"
#include "freshet/async/wakeup.hpp"
#include "freshet/base/check.hpp"

namespace freshet {

void throw_exception_from_error(const Failure& failure, const boost::source_location&) {
  throw std::logic_error("a failure was used as a value: " + std::string(word(failure.reason)));
}

struct Wakeup::Armed {
  virtual ~Armed() = default;
  virtual void resume() noexcept = 0;  // posts to the coroutine's executor and forgets it
};

namespace {
template <class Armed, class Handler>
struct ArmedHandler final : Armed {
  explicit ArmedHandler(Handler h) : handler(std::move(h)) {}
  void resume() noexcept override {
    auto executor = boost::asio::get_associated_executor(handler);
    boost::asio::post(executor, std::move(handler));
  }
  Handler handler;
};
}  // namespace

Wakeup::Wakeup() = default;
Wakeup::~Wakeup() = default;

void Wakeup::wake() noexcept {
  if (state_.exchange(kWoken, std::memory_order_acq_rel) != kWaiting) return;
  const std::unique_ptr<Armed> armed = std::move(armed_);
  armed->resume();
}

Task<void> Wakeup::wait() {
  if (state_.load(std::memory_order_acquire) != kWoken) {
    auto start = [this](auto handler) {
      using Handler = std::decay_t<decltype(handler)>;
      armed_ = std::make_unique<ArmedHandler<Armed, Handler>>(std::move(handler));
      int expected = kIdle;
      if (state_.compare_exchange_strong(expected, kWaiting, std::memory_order_acq_rel)) return;
      const std::unique_ptr<Armed> armed = std::move(armed_);  // woken meanwhile
      armed->resume();
    };
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(start, boost::asio::use_awaitable);
  }
  state_.store(kIdle, std::memory_order_release);
}

Task<void> spawn(Task<void> task) {
  auto executor = co_await boost::asio::this_coro::executor;
  boost::asio::co_spawn(executor, std::move(task), [](const std::exception_ptr& failure) {
    if (failure) BUG("an exception left a background task");
  });
}

}  // namespace freshet
