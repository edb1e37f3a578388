// A socket that the loop watches, once there is something to wait for.
#pragma once

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/detail/reactor.hpp>
#include <boost/asio/detail/reactor_op.hpp>
#include <boost/asio/execution_context.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "freshet/async/task.hpp"

namespace freshet {

/// Owns a non-blocking descriptor. Asio's sockets try once more before every wait, or tell epoll again, which is a
/// system call for each; what a WatchedSocket waits with says itself whether it has left the socket empty, and then the
/// next wait costs none (docs/why/cost-of-a-hit.md). The price is that it talks to Asio's reactor directly, which Asio
/// does not promise to keep: this header and its source are the only place that does. One thread, that of the loop.
class WatchedSocket {
 public:
  enum class Direction : std::uint8_t { Read, Write };
  /// What an attempt came to: Later waits for the next event; Exhausted is done, and leaves nothing to try before it.
  enum class Step : std::uint8_t { Later, Done, Exhausted };
  enum class Start : std::uint8_t {
    Try,   ///< attempt at once, unless it is known to be in vain
    Wait,  ///< for the loop to report what is there, even if it has done so before
  };

  /// `descriptor` may be -1, for none. The loop hears of it with the first operation.
  WatchedSocket(boost::asio::execution_context& loop, int descriptor) noexcept : loop_(loop), descriptor_(descriptor) {}
  ~WatchedSocket() { close(); }
  WatchedSocket(const WatchedSocket&) = delete;
  WatchedSocket& operator=(const WatchedSocket&) = delete;

  int descriptor() const noexcept { return descriptor_; }
  bool is_watched() const noexcept { return state_ != nullptr; }
  /// From now on events tell whether the peer has finished. A system call, once, when the loop watches the socket; else nothing.
  void listen_for_end() noexcept;
  /// listen_for_end() was called, and the last event since then has told of bytes and of room for bytes alone. A read from a TCP socket
  /// that does not fill its buffer then leaves nothing that there will be no event for. (One exception: bytes behind an urgent one whose
  /// segment came before the one that announced it; their sender waits until it sends more.) False: there is no telling.
  bool saw_only_bytes() const noexcept;

  /// Makes attempts, when an event says that one is worth it, until one does not say Later; then calls
  /// handler(attempt.result()), on a later turn of the loop. With attempt.failed() when the wait was cancelled, or the
  /// socket closed: the socket may be gone then. No attempt is made after that. The operation lies where the handler's
  /// allocator says, if it has one. One operation in each direction at a time. May throw std::bad_alloc, having done
  /// nothing.
  template <class Attempt, class Handler>
  void begin(Direction direction, Start start, Attempt attempt, Handler handler) {
    const bool was_watched = is_watched();
    if (!was_watched) watch();  // may find no memory: before there is an operation
    submit(direction, start, was_watched, Operation<Handler, Attempt>::make(std::move(handler), std::move(attempt)));
  }

  /// Suspends until the same is over.
  template <class Attempt>
  auto run(Direction direction, Start start, Attempt attempt) {
    using Signature = void(decltype(attempt.result()));
    auto initiate = [](auto handler, WatchedSocket* self, Direction where, Start how, Attempt what) {
      self->begin(where, how, std::move(what), std::move(handler));
    };
    return boost::asio::async_initiate<decltype(kAwait), Signature>(
        initiate, kAwait, this, direction, start, std::move(attempt));
  }

  void cancel() noexcept;
  void close() noexcept;

 private:
  using Reactor = boost::asio::detail::reactor;

  class AnyOperation : public boost::asio::detail::reactor_op {
   public:
    /// The attempt that the loop would make before the first event is left out.
    void skip_first() noexcept { skips_ = true; }

   protected:
    using reactor_op::reactor_op;
    bool skips() noexcept { return std::exchange(skips_, false); }

   private:
    bool skips_ = false;
  };

  template <class Handler, class Attempt>
  class Operation final : public AnyOperation {
   public:
    static Operation* make(Handler handler, Attempt attempt) {
      Operation* const room = allocator_of(handler).allocate(1);
      return new (room) Operation(std::move(handler), std::move(attempt));
    }

   private:
    Operation(Handler handler, Attempt attempt) noexcept
        : AnyOperation(boost::system::error_code(), &Operation::perform, &Operation::complete),
          handler_(std::move(handler)),
          attempt_(std::move(attempt)) {}

    static auto allocator_of(const Handler& handler) noexcept {
      auto any = boost::asio::get_associated_allocator(handler, FrameAllocator<std::byte>());
      return typename std::allocator_traits<decltype(any)>::template rebind_alloc<Operation>(any);
    }

    static status perform(reactor_op* base) {
      auto* self = static_cast<Operation*>(base);
      if (self->skips()) return not_done;
      switch (self->attempt_()) {
        case Step::Later:
          return not_done;
        case Step::Done:
          return done;
        case Step::Exhausted:
          break;
      }
      return done_and_exhausted;
    }

    // Without a loop it is only to be destroyed, and the coroutine with it.
    static void complete(void* loop, boost::asio::detail::scheduler_operation* base, const boost::system::error_code&,
                         std::size_t) {
      auto* self = static_cast<Operation*>(base);
      Handler handler(std::move(self->handler_));
      auto result = self->ec_ ? self->attempt_.failed() : self->attempt_.result();
      self->~Operation();
      allocator_of(handler).deallocate(self, 1);
      if (loop) std::move(handler)(std::move(result));
    }

    Handler handler_;
    Attempt attempt_;
  };

  void submit(Direction direction, Start start, bool was_watched, AnyOperation* operation) noexcept;
  void watch();

  boost::asio::execution_context& loop_;
  Reactor* reactor_ = nullptr;
  Reactor::per_descriptor_data state_ = nullptr;  // the loop's, while it watches
  int descriptor_;
  bool has_waited_to_write_ = false;
  bool hears_of_end_ = false;
};

/// The attempt of those who only want to hear of an event. `step`: Exhausted, and the next wait hears of later events
/// alone; Done, and it hears at once of what is still there.
class Notice {
 public:
  explicit Notice(WatchedSocket::Step step) noexcept : step_(step) {}
  WatchedSocket::Step operator()() const noexcept { return step_; }
  bool result() const noexcept { return true; }
  bool failed() const noexcept { return false; }

 private:
  WatchedSocket::Step step_;
};

}  // namespace freshet
