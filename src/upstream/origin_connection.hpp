// A connection to an origin, with the deadlines of what is awaited on it.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <span>
#include <string>

#include "freshet/async/task.hpp"
#include "freshet/base/pin.hpp"
#include "freshet/net/deadline_wheel.hpp"
#include "freshet/net/transport.hpp"

namespace freshet {

/// Held by whoever waits on it, so that it cannot go away under a coroutine. When a deadline expires, all waits on the
/// connection end. One worker's thread.
class OriginConnection final : public Pinned {
 public:
  OriginConnection(std::unique_ptr<Transport> transport, DeadlineWheel& wheel,
                   const boost::asio::ip::tcp::endpoint& endpoint, std::size_t server);

  /// Waits for bytes. Failed when the connection is gone or a deadline has expired. Arms nothing: see arm_read().
  Task<IoResult> read(std::span<std::byte> into);
  /// The same in steps, for who saves a coroutine: got = read_now(into); when it says WouldBlock, got = co_await
  /// start_read(into); got = finish_read(got, into). The first may be left out where no answer has begun: a reset that
  /// came together with the bytes of the last read is no news to a wait.
  IoResult read_now(std::span<std::byte> into) noexcept { return transport_->read_now(into); }
  Task<IoResult> start_read(std::span<std::byte> into);
  IoResult finish_read(IoResult got, std::span<std::byte> into) noexcept;
  /// The same, into a pipe; REQUIRES what Transport::pipe_in() does.
  Task<IoResult> pipe_in(PipeLease& into);
  bool can_pipe() const noexcept { return transport_->can_pipe(); }
  /// And for who has no buffer before there is something to put into it: ready = co_await start_wait(); got =
  /// finish_wait(ready, into). That may still say WouldBlock.
  Task<bool> start_wait();
  IoResult finish_wait(bool ready, std::span<std::byte> into) noexcept;
  /// Writes what can be written at once, and takes that off `pieces`. False when the connection has failed.
  bool write_now(std::span<std::span<const std::byte>>& pieces) noexcept;
  /// Writes all of `pieces`, each step within `patience` (0: somebody else watches the time); false when the connection
  /// failed or a deadline has expired. `pieces` is used up.
  Task<bool> write(std::span<std::span<const std::byte>> pieces, Milliseconds patience);

  /// Writes all that `from` holds; somebody else watches the time. False when the connection failed.
  Task<bool> pipe_out(PipeLease& from);

  /// A deadline that had expired before counts no longer.
  void arm_read(Milliseconds after) noexcept {
    read_expired_ = false;
    read_deadline_.arm(after);
  }
  void disarm_read() noexcept { read_deadline_.disarm(); }
  /// For all of a head, while the read deadline is for its next bytes.
  void arm_head(Milliseconds after) noexcept { head_deadline_.arm(after); }
  bool head_armed() const noexcept { return head_deadline_.armed(); }
  void disarm_head() noexcept { head_deadline_.disarm(); }
  bool head_expired() const noexcept { return head_expired_; }
  bool read_expired() const noexcept { return read_expired_; }
  bool write_expired() const noexcept { return write_expired_; }
  /// Waiting goes on after a read deadline that was only a reminder.
  void forgive_read() noexcept { read_expired_ = false; }

  /// Idle as it should be: open, and with nothing to read. What an origin sends unasked belongs to no request.
  bool is_quiet() noexcept { return transport_->is_quiet(); }
  void cancel() noexcept { transport_->cancel(); }
  void shutdown_write() noexcept { transport_->shutdown_write(); }
  void close() noexcept;
  void abort() noexcept;

  const boost::asio::ip::tcp::endpoint& endpoint() const noexcept { return endpoint_; }
  /// "ip:port", "[ip]:port".
  static std::string text_of(const boost::asio::ip::tcp::endpoint&);
  const std::string& address() const noexcept { return address_; }
  /// Index into the upstream's servers.
  std::size_t server() const noexcept { return server_; }

 private:
  static void read_too_late(void* self) noexcept;
  static void write_too_late(void* self) noexcept;
  static void head_too_late(void* self) noexcept;
  static Task<IoResult> fail_read();
  static Task<bool> fail_wait();
  bool expired() const noexcept { return read_expired_ || write_expired_ || head_expired_; }
  std::unique_ptr<Transport> transport_;
  Deadline read_deadline_;
  Deadline write_deadline_;
  Deadline head_deadline_;
  boost::asio::ip::tcp::endpoint endpoint_;
  std::string address_;
  std::size_t server_;
  bool read_expired_ = false;
  bool write_expired_ = false;
  bool head_expired_ = false;
};

}  // namespace freshet
