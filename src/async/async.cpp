#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <cstddef>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>

#include "freshet/async/result.hpp"
#include "freshet/async/spawn.hpp"
#include "freshet/async/wakeup.hpp"
#include "freshet/async/yield.hpp"
#include "freshet/base/check.hpp"

namespace freshet {

void throw_exception_from_error(const Failure& failure, const boost::source_location&) {
  throw std::logic_error("a failure was used as a value: " + std::string(word(failure.reason)));
}

/// Stays until the coroutine runs again: the operation that is posted lies in it.
struct Wakeup::Armed {
  virtual ~Armed() = default;
  virtual void resume() noexcept = 0;  // posts to the coroutine's executor
};

namespace {

/// Room for one operation, got when there was still somebody to tell that memory has run out.
struct Room {
  alignas(std::max_align_t) std::byte bytes[96];
};

template <class T>
struct InRoom {
  using value_type = T;
  explicit InRoom(Room& r) noexcept : room(&r) {}
  template <class Other>
  InRoom(const InRoom<Other>& other) noexcept : room(other.room) {}
  T* allocate(std::size_t) noexcept {
    static_assert(sizeof(T) <= sizeof(Room));
    return static_cast<T*>(static_cast<void*>(room->bytes));
  }
  void deallocate(T*, std::size_t) noexcept {}
  bool operator==(const InRoom& other) const noexcept { return room == other.room; }
  Room* room;
};

template <class Armed, class Resume>
struct ArmedWith final : Armed {
  explicit ArmedWith(Resume r) : resume_(std::move(r)) {}
  void resume() noexcept override {
    auto executor = boost::asio::get_associated_executor(resume_);
    boost::asio::post(executor, boost::asio::bind_allocator(InRoom<void>(room_), std::move(resume_)));
  }
  Resume resume_;
  Room room_;
};

}  // namespace

/// A suspended coroutine is owned by its handler, which lies in a Wakeup, which often lies in that very coroutine:
/// nobody else would ever destroy it. One such list belongs to each loop, which shuts it down first of all.
class Wakeup::Suspended final : public boost::asio::execution_context::service {
 public:
  using key_type = Suspended;
  inline static boost::asio::execution_context::id id;
  explicit Suspended(boost::asio::execution_context& loop) : service(loop) {}

  void add(Wakeup& wakeup) noexcept {
    wakeup.previous_ = &first_;
    wakeup.next_ = first_;
    if (first_) first_->previous_ = &wakeup.next_;
    first_ = &wakeup;
  }
  void shutdown() noexcept override {
    while (Wakeup* wakeup = first_) {
      wakeup->leave();
      int expected = kWaiting;  // else it has been woken: the coroutine lies in the loop's queue, which sees to it
      if (!wakeup->state_.compare_exchange_strong(expected, kIdle, std::memory_order_acq_rel)) continue;
      const std::unique_ptr<Armed> armed = std::move(wakeup->armed_);  // the Wakeup may go with it
    }
  }

 private:
  Wakeup* first_ = nullptr;
};

Wakeup::Wakeup() = default;
Wakeup::~Wakeup() { leave(); }

void Wakeup::leave() noexcept {
  if (!previous_) return;
  *previous_ = next_;
  if (next_) next_->previous_ = previous_;
  previous_ = nullptr;
  next_ = nullptr;
}

void Wakeup::wake() noexcept {
  if (state_.exchange(kWoken, std::memory_order_acq_rel) != kWaiting) return;
  armed_->resume();
}

Task<void> Wakeup::wait() {
  if (state_.load(std::memory_order_acquire) != kWoken) {
    auto start = [this](auto handler) {
      using Resume = std::decay_t<decltype(handler)>;
      auto& loop = boost::asio::get_associated_executor(handler).context();
      armed_ = std::make_unique<ArmedWith<Armed, Resume>>(std::move(handler));
      boost::asio::use_service<Suspended>(loop).add(*this);
      int expected = kIdle;
      if (state_.compare_exchange_strong(expected, kWaiting, std::memory_order_acq_rel)) return;
      armed_->resume();  // woken meanwhile
    };
    co_await boost::asio::async_initiate<decltype(kAwait), void()>(start, kAwait);
    leave();
    armed_.reset();
  }
  state_.exchange(kIdle, std::memory_order_acq_rel);
}

namespace {

/// Memory that ran out is no mistake of ours.
bool is_shortage(const std::exception_ptr& failure) noexcept {
  try {
    std::rethrow_exception(failure);
  } catch (const std::bad_alloc&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

Task<void> spawn(Task<void> task) {
  auto executor = co_await boost::asio::this_coro::executor;
  boost::asio::co_spawn(executor, std::move(task), [](const std::exception_ptr& failure) {
    if (failure && !is_shortage(failure)) BUG("an exception left a background task");
  });
}

Task<void> yield() {
  const auto executor = co_await boost::asio::this_coro::executor;
  co_await boost::asio::post(executor, kAwait);
}

namespace {

using EntryPoint = boost::asio::awaitable<boost::asio::detail::awaitable_thread_entry_point, Executor>;

/// The bottom of a stack of frames, which Asio asks for.
EntryPoint enter(Task<void> task) { co_await std::move(task); }

}  // namespace

void start_now(const Executor& loop, Task<void> task) {
  const boost::asio::cancellation_slot nobody_cancels;
  boost::asio::detail::awaitable_handler<Executor, void>(enter(std::move(task)), loop, nobody_cancels,
                                                         boost::asio::cancellation_state(nobody_cancels))
      .launch();
}

}  // namespace freshet
