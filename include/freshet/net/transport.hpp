// A byte stream: TCP now; TLS is another Transport later, chosen when the connection is made, so that nothing above it
// changes.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "freshet/async/result.hpp"
#include "freshet/async/task.hpp"
#include "freshet/base/pin.hpp"
#include "freshet/base/pipe.hpp"

namespace freshet {

/// How a non-blocking attempt ended.
struct IoResult {
  enum class State : std::uint8_t {
    Done,        ///< `size` bytes were moved (reading: at least one)
    WouldBlock,  ///< nothing moved: wait
    End,         ///< reading: the peer has finished sending
    Failed,      ///< reset, closed, cancelled
    Unable,      ///< a pipe is not the way, now or at all: nothing moved, read or write instead
  } state = State::Failed;
  std::size_t size = 0;
};

/// Who waits for a connection to become readable without a coroutine of its own: what is idle should cost little.
class ReadWaiter : public Pinned {
 public:
  /// Once for each Transport::tell_when_readable(). `ready`: as wait_readable() would say. On the loop's thread.
  virtual void on_readable(bool ready) noexcept = 0;
};

/// One connection's bytes. One thread (its worker). At most one coroutine reads and one writes at a time. No call
/// throws but where it says so.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Moves what can be moved at once. REQUIRES: a non-empty buffer.
  virtual IoResult read_now(std::span<std::byte> into) noexcept = 0;
  /// The same for who will try again before waiting, and need not know whether more is there. Costs less.
  virtual IoResult take_now(std::span<std::byte> into) noexcept { return read_now(into); }
  /// Gathers; may write a part. REQUIRES: at most kMaxGather non-empty pieces.
  virtual IoResult write_now(std::span<const std::span<const std::byte>> pieces) noexcept = 0;

  /// Suspends until there is something to read, then reads: Done, End or Failed. May try at once first.
  virtual Task<IoResult> read(std::span<std::byte> into) = 0;
  /// Suspends until read_now() is worth trying; false when the connection has failed or was cancelled.
  virtual Task<bool> wait_readable() = 0;
  /// The same without a coroutine: `waiter` is told on a later turn of the loop, and kept alive until then; a loop that
  /// is destroyed lets go of it untold. `waiter` owns this transport, or lives as long as whoever does. May throw
  /// std::bad_alloc, and has then done nothing. REQUIRES: `loop` is the one that the transport belongs to.
  virtual void tell_when_readable(boost::asio::io_context& loop, Ref<ReadWaiter> waiter);
  /// Suspends until write_now() is worth trying; false when the connection has failed or was cancelled.
  virtual Task<bool> wait_writable() = 0;

  /// Its bytes can be moved through a pipe, without this process ever seeing them: those of a plain socket can.
  virtual bool can_pipe() const noexcept { return false; }
  /// As read(), but into a pipe: what came, Done says how much, is held by `into`, which otherwise holds none. The pipe is
  /// only taken when there are bytes for it. Unable: no pipe is to be had, or these bytes cannot be moved by one.
  /// REQUIRES: `into` holds nothing.
  virtual Task<IoResult> pipe_in(PipeLease& into);
  /// As write_now(), from a pipe. A peer that is gone may raise SIGPIPE. REQUIRES: can_pipe(), and `from` holds something.
  virtual IoResult pipe_out_now(PipeLease& from) noexcept;

  /// How the peer is doing, also behind bytes that it sent and that are still unread. Costs a system call.
  enum class Peer : std::uint8_t {
    There,     ///< also when that cannot be told
    Finished,  ///< it sends no more: it may have closed its side only, or be gone; what is written next will tell
    Gone,      ///< reset, or closed by us
  };
  virtual Peer peer() noexcept { return Peer::There; }
  /// As it should be while nothing is expected: open, and with nothing to read. Costs a system call, and may take a
  /// byte where there is one.
  virtual bool is_quiet() noexcept;
  /// The last read has left nothing, and the peer had reset the connection when it was made, or has since: a wait might
  /// not hear of that. To be asked before waiting for the rest of something. May cost a system call.
  virtual bool is_reset() noexcept { return false; }

  /// Bytes that were written and that the peer's system has not acknowledged yet; 0 when that cannot be told.
  virtual std::size_t unacknowledged() const noexcept { return 0; }

  /// What is written from now on is the last: shutdown_write() or close() follows it at once, and may leave in the same
  /// packet. Until then it may be held back.
  virtual void announce_end() noexcept {}
  /// No more will be written; the peer sees the end after what is under way.
  virtual void shutdown_write() noexcept = 0;
  /// Ends waits that are under way: they return Failed or false. Later calls may work again.
  virtual void cancel() noexcept = 0;
  /// Closes; everything fails from now on. Idempotent.
  virtual void close() noexcept = 0;
  /// Closes with a reset, so that the peer cannot take what it got for complete.
  virtual void abort() noexcept = 0;

  static constexpr std::size_t kMaxGather = 16;
  static constexpr std::size_t kThin = 4096;  ///< bytes: a stream that brings less at a time is better read than piped
};

/// Writes all pieces, trying at once first; false when the connection failed. `pieces` is used up (its spans are
/// advanced).
Task<bool> write_all(Transport&, std::span<std::span<const std::byte>> pieces);

}  // namespace freshet
