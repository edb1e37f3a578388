// One client connection below HTTP: what was received, what is to be written, and the time that both may take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "freshet/async/task.hpp"
#include "freshet/async/wakeup.hpp"
#include "freshet/base/pin.hpp"
#include "freshet/net/deadline_wheel.hpp"
#include "freshet/net/transport.hpp"
#include "freshet/net/worker.hpp"
#include "gather_list.hpp"
#include "pace.hpp"
#include "read_buffer.hpp"

namespace freshet {

/// How a wait for bytes ended.
enum class Arrival : std::uint8_t {
  Bytes,      ///< in() has more than before
  End,        ///< the client has finished sending
  Failed,     ///< reset or closed
  TimedOut,   ///< the read limit passed first (bytes may have come at the same moment)
  Cancelled,  ///< cancel_read()
  Again,      ///< disturbed for another reason: read again
};

class Connection;

/// What a connection needs to write with. Lent by a session: a connection that waits for a request has none.
class Outgoing {
 public:
  explicit Outgoing(DeadlineWheel& wheel) noexcept;

 private:
  friend class Connection;
  Connection* connection_ = nullptr;
  GatherList list_;
  PipeLease* pipe_ = nullptr;  // written after list_
  Deadline limit_;
  Wakeup flushed_;
  SteadyTime stalled_since_;
  std::uint64_t taken_then_ = 0;
  std::uint64_t written_at_finish_ = 0;  // when it was noticed that the client sends no more
  std::optional<SteadyTime> finish_noticed_;
};

/// Shared by the session and by the body sources it has given away, so that a source that outlives its session meets a
/// closed connection and not freed memory. One thread. One coroutine reads at a time; writes go through one queue.
class Connection final : public Pinned {
 public:
  /// A client that takes nothing for `write_timeout`, or is slower than `rate`, is cut off.
  Connection(std::unique_ptr<Transport> transport, Worker& worker, Milliseconds write_timeout, const RateFloor& rate);

  Transport& transport() noexcept { return *transport_; }
  ReadBuffer& in() noexcept { return in_; }

  /// What it writes with, from here on until take_outgoing(). A write that finds none makes one.
  void give_outgoing(std::unique_ptr<Outgoing> outgoing) noexcept;
  /// Null when it is still needed.
  std::unique_ptr<Outgoing> take_outgoing() noexcept;

  // Reading without a buffer while nothing comes: start_wait(); transport().tell_when_readable(); and when that has told,
  // finish_wait(ready).
  void start_wait() noexcept;
  Arrival finish_wait(bool ready);
  Task<Arrival> read_more(std::size_t capacity);
  /// The same, into a pipe, for what is read in one go with nothing in in(); it may come to Bytes with none held: read_more().
  /// REQUIRES: `into` holds nothing.
  Task<Arrival> pipe_more(PipeLease& into);
  bool can_pipe() const noexcept { return transport_->can_pipe(); }
  /// The last read filled its room: more will be there.
  bool reads_in_bulk() const noexcept { return reads_in_bulk_; }
  /// From now on reads time out after `limit` in all, until lift_read_limit() or another limit.
  void limit_read(Milliseconds limit) noexcept;
  void lift_read_limit() noexcept;
  /// Makes the read that is under way return Cancelled.
  void cancel_read() noexcept;

  // Writing: pieces are added to out() and leave in that order. Their bytes stay alive until out() is empty.
  GatherList& out() { return outgoing().list_; }
  bool has_written_all() const noexcept {
    return !outgoing_ || (outgoing_->list_.empty() && !outgoing_->pipe_);
  }
  /// What `from` holds leaves with the next flush, which must be awaited while `from` lives. REQUIRES: can_pipe(), and nothing
  /// else is to be written.
  void add_pipe(PipeLease& from);
  /// Writes what can be written at once: up to 128 KiB, and of more than that 64 KiB, since others wait for their turn; of a pipe, what
  /// is in it. True when nothing is left.
  /// REQUIRES: no flush is under way.
  bool flush_now() noexcept;
  /// Writes everything. False when the client is gone, or too slow. For the session alone.
  Task<bool> flush();
  /// The same for others, who need not know how it ends: returns at once when a flush is under way, which carries on.
  Task<void> push();
  /// Flushes on the next turn of the event loop, unless a flush comes first: lets a head wait for the first piece of
  /// its body, but not for long.
  void flush_soon();
  bool flushing() const noexcept { return flushing_; }
  /// From now on the client may take as long as it likes, but for pauses of `timeout`.
  void be_patient(Milliseconds timeout) noexcept;

  /// Lets other connections have their turn.
  Task<void> yield();

  void shutdown_write() noexcept;
  void close() noexcept;
  /// With a reset, so that the client cannot take what it got for complete.
  void abort() noexcept;
  /// Closed by us, or found to be broken while writing.
  bool dead() const noexcept { return closed_ || write_failed_; }
  /// The client is not there any more. One that has closed its sending side may still be reading: it counts as gone when
  /// no byte has left for kHalfClosedPatience since that was noticed. For those who wait, to ask from time to time; costs
  /// a system call.
  bool is_client_gone() noexcept;
  static constexpr Milliseconds kHalfClosedPatience{5000};
  bool reads_too_slowly() const noexcept { return reads_too_slowly_; }
  SteadyTime now() const noexcept { return worker_.clock().steady(); }
  /// Bytes written since the connection was made.
  std::uint64_t written() const noexcept { return written_; }
  /// Bytes read since then.
  std::uint64_t received() const noexcept { return received_; }

 private:
  friend class Outgoing;
  Outgoing& outgoing();
  Arrival finish_read(IoResult got) noexcept;
  Arrival judge_read(IoResult::State state) const noexcept;
  enum class Step : std::uint8_t { Moved, Blocked, Failed };
  Step write_step(std::size_t most) noexcept;
  enum class Turn : std::uint8_t { Done, Over, Blocked };
  Turn write_turn() noexcept;
  Task<bool> write_queue(Turn turn);
  std::uint64_t taken() const noexcept;
  void begin_write_wait() noexcept;
  void end_write_wait() noexcept;
  void look_at_writing() noexcept;
  void arm_write_limit(SteadyTime now) noexcept;
  void drop_unwritten() noexcept;
  void cut_off() noexcept;
  class Flushing;
  static Task<void> flush_later(Ref<Connection> self);

  std::unique_ptr<Transport> transport_;
  Worker& worker_;
  ReadBuffer in_;
  std::unique_ptr<Outgoing> outgoing_;
  Deadline read_limit_;
  Milliseconds write_timeout_;
  Pace write_pace_;
  std::uint64_t written_ = 0;
  std::uint64_t received_ = 0;
  unsigned cancels_ = 0;  // a cancel meant for one direction disturbs the other too
  unsigned cancels_at_read_ = 0;
  bool read_timed_out_ = false;
  bool read_cancelled_ = false;
  bool reads_in_bulk_ = false;
  bool flushing_ = false;
  bool write_failed_ = false;
  bool reads_too_slowly_ = false;
  bool closed_ = false;
};

}  // namespace freshet
