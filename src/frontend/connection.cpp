#include "connection.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "freshet/async/yield.hpp"
#include "freshet/base/check.hpp"

namespace freshet {
namespace {

/// A read of so much is the beginning of a stream.
constexpr std::size_t kWorthAPipe = 16 * 1024;

/// So many bytes are written at once, since more calls for them would cost more than the others lose by waiting.
constexpr std::size_t kWholeBytes = Turns::kFirst;
/// Of more than that, a fast client leaves the others waiting for this many bytes at most.
constexpr std::size_t kTurnBytes = Turns::kBytes;

void read_expired(bool& timed_out, unsigned& cancels, Transport& transport) noexcept {
  timed_out = true;
  ++cancels;
  transport.cancel();
}

}  // namespace

/// Also when memory runs out: others wait for the end of every flush.
class Connection::Flushing {
 public:
  explicit Flushing(Connection& connection) noexcept : connection_(connection) { connection_.flushing_ = true; }
  ~Flushing() {
    connection_.outgoing_->limit_.disarm();
    connection_.flushing_ = false;
    connection_.outgoing_->flushed_.wake();
  }
  Flushing(const Flushing&) = delete;
  Flushing& operator=(const Flushing&) = delete;

 private:
  Connection& connection_;
};

Outgoing::Outgoing(DeadlineWheel& wheel) noexcept
    : limit_(
          wheel, [](void* owner) noexcept { static_cast<Outgoing*>(owner)->connection_->look_at_writing(); }, this) {}

Connection::Connection(std::unique_ptr<Transport> transport, Worker& worker, Milliseconds write_timeout,
                       const RateFloor& rate)
    : transport_(std::move(transport)),
      worker_(worker),
      read_limit_(
          worker.deadlines(),
          [](void* owner) noexcept {
            auto* self = static_cast<Connection*>(owner);
            read_expired(self->read_timed_out_, self->cancels_, *self->transport_);
          },
          this),
      write_timeout_(write_timeout),
      write_pace_(rate) {}

void Connection::give_outgoing(std::unique_ptr<Outgoing> outgoing) noexcept {
  outgoing_ = std::move(outgoing);
  outgoing_->connection_ = this;
  outgoing_->finish_noticed_.reset();
}

std::unique_ptr<Outgoing> Connection::take_outgoing() noexcept {
  if (flushing_ || !has_written_all()) return nullptr;
  return std::move(outgoing_);
}

Outgoing& Connection::outgoing() {
  if (!outgoing_) give_outgoing(std::make_unique<Outgoing>(worker_.deadlines()));
  return *outgoing_;
}

void Connection::drop_unwritten() noexcept {
  if (!outgoing_) return;
  outgoing_->list_.clear();
  outgoing_->pipe_ = nullptr;
}

void Connection::start_wait() noexcept {
  read_cancelled_ = false;
  cancels_at_read_ = cancels_;
}

Arrival Connection::finish_wait(bool ready) {
  if (!ready || dead()) return judge_read(IoResult::State::Failed);
  if (in_.empty()) return finish_read(transport_->read_now(in_.room(ReadBuffer::kSmall)));
  // The rest of a head that came in parts: it gets no more memory than it needs.
  std::array<std::byte, ReadBuffer::kSmall> scratch;
  const IoResult got = transport_->read_now(scratch);
  if (got.state == IoResult::State::Done) {
    in_.append(std::span<const std::byte>(scratch).first(got.size));
    received_ += got.size;
  }
  return judge_read(got.state);
}

Arrival Connection::finish_read(IoResult got) noexcept {
  if (got.state == IoResult::State::Done) {
    in_.commit(got.size);
    received_ += got.size;
  }
  return judge_read(got.state);
}

Arrival Connection::judge_read(IoResult::State state) const noexcept {
  if (read_timed_out_) return Arrival::TimedOut;
  if (read_cancelled_) return Arrival::Cancelled;
  switch (state) {
    case IoResult::State::Done:
      return Arrival::Bytes;
    case IoResult::State::End:
      return Arrival::End;
    case IoResult::State::WouldBlock:
      return Arrival::Again;
    case IoResult::State::Unable:
      return Arrival::Bytes;
    case IoResult::State::Failed:
      break;
  }
  return cancels_ != cancels_at_read_ && !dead() ? Arrival::Again : Arrival::Failed;
}

Task<Arrival> Connection::read_more(std::size_t capacity) {
  for (;;) {
    start_wait();
    const std::span<std::byte> room = in_.room(capacity);
    IoResult got{IoResult::State::Failed, 0};
    if (!transport_->is_reset()) got = co_await transport_->read(room);
    reads_in_bulk_ = got.size >= kWorthAPipe;
    const Arrival arrival = finish_read(got);
    if (arrival != Arrival::Again) co_return arrival;
  }
}

Task<Arrival> Connection::pipe_more(PipeLease& into) {
  for (;;) {
    start_wait();
    IoResult got{IoResult::State::Failed, 0};
    if (!transport_->is_reset()) got = co_await transport_->pipe_in(into);
    reads_in_bulk_ = got.size >= Transport::kThin;
    received_ += got.size;
    const Arrival arrival = judge_read(got.state);
    if (arrival != Arrival::Again) co_return arrival;
  }
}

void Connection::add_pipe(PipeLease& from) {
  ENSURE(has_written_all() && !flushing_ && from.held() > 0);
  outgoing().pipe_ = &from;
}

void Connection::limit_read(Milliseconds limit) noexcept {
  read_timed_out_ = false;
  read_limit_.arm(limit);
}

void Connection::lift_read_limit() noexcept {
  read_timed_out_ = false;
  read_limit_.disarm();
}

void Connection::cancel_read() noexcept {
  read_cancelled_ = true;
  ++cancels_;
  transport_->cancel();
}

// Of a pipe, all that is in it.
Connection::Step Connection::write_step(std::size_t most) noexcept {
  GatherList& out = outgoing_->list_;
  PipeLease* const pipe = out.empty() ? outgoing_->pipe_ : nullptr;
  const IoResult result = pipe                  ? transport_->pipe_out_now(*pipe)
                          : out.left() <= most ? transport_->write_now(out.pieces())
                                                : transport_->write_now(out.front(most).pieces());
  if (result.state == IoResult::State::WouldBlock) return Step::Blocked;
  if (result.state != IoResult::State::Done) return Step::Failed;
  if (!pipe)
    out.consume(result.size);
  else if (pipe->held() == 0)
    outgoing_->pipe_ = nullptr;
  written_ += result.size;
  return Step::Moved;
}

Connection::Turn Connection::write_turn() noexcept {
  const bool is_short = outgoing_ && outgoing_->list_.left() <= kWholeBytes;
  const std::uint64_t enough = written_ + (is_short ? kWholeBytes : kTurnBytes);
  while (!has_written_all() && !dead()) {
    if (written_ >= enough) return Turn::Over;
    const Step step = write_step(enough - written_);
    if (step == Step::Blocked) return Turn::Blocked;
    if (step == Step::Failed) write_failed_ = true;
  }
  if (dead()) drop_unwritten();
  return Turn::Done;
}

bool Connection::flush_now() noexcept {
  ENSURE(!flushing_);
  return write_turn() == Turn::Done && !dead();
}

Task<bool> Connection::flush() {
  while (flushing_) co_await outgoing_->flushed_.wait();
  const Turn turn = write_turn();
  if (turn == Turn::Done) co_return !dead();
  co_return co_await write_queue(turn);
}

Task<void> Connection::push() {
  if (flushing_) co_return;
  const Turn turn = write_turn();
  if (turn != Turn::Done) co_await write_queue(turn);
}

// After a turn that has not written everything.
Task<bool> Connection::write_queue(Turn turn) {
  const Flushing flushing(*this);
  for (; turn != Turn::Done; turn = write_turn()) {
    if (turn == Turn::Over) {
      co_await yield();
      continue;
    }
    const unsigned cancels = cancels_;
    begin_write_wait();
    const bool writable = co_await transport_->wait_writable();
    end_write_wait();
    if (!writable && cancels == cancels_) write_failed_ = true;
  }
  co_return !dead();
}

// What the client's system has acknowledged, and not what lies in our own: its buffer can hold megabytes, and says that
// there is room again only when much of it has gone.
std::uint64_t Connection::taken() const noexcept {
  return written_ - std::min<std::uint64_t>(written_, transport_->unacknowledged());
}

void Connection::begin_write_wait() noexcept {
  const SteadyTime time = now();
  outgoing_->stalled_since_ = time;
  outgoing_->taken_then_ = taken();
  write_pace_.begin(time, outgoing_->taken_then_);
  arm_write_limit(time);
}

void Connection::end_write_wait() noexcept {
  outgoing_->limit_.disarm();
  const SteadyTime time = now();
  write_pace_.end(time);
  if (!dead() && write_pace_.window_is_full(time) && write_pace_.was_too_slow(time, taken())) cut_off();
}

// Called while a write waits, when the client may have stalled or the window of its rate may be full.
void Connection::look_at_writing() noexcept {
  const SteadyTime time = now();
  const std::uint64_t all = taken();
  if (all > outgoing_->taken_then_) {
    outgoing_->taken_then_ = all;
    outgoing_->stalled_since_ = time;
  }
  const bool stalled = time - outgoing_->stalled_since_ >= write_timeout_;
  if (stalled || (write_pace_.window_is_full(time) && write_pace_.was_too_slow(time, all))) return cut_off();
  write_pace_.end(time);
  write_pace_.begin(time, all);
  arm_write_limit(time);
}

void Connection::arm_write_limit(SteadyTime now) noexcept {
  Milliseconds limit = std::chrono::ceil<Milliseconds>(outgoing_->stalled_since_ + write_timeout_ - now);
  if (write_pace_.limits()) limit = std::min(limit, write_pace_.left());
  outgoing_->limit_.arm(limit);
}

void Connection::cut_off() noexcept {
  reads_too_slowly_ = true;
  abort();
}

void Connection::be_patient(Milliseconds timeout) noexcept {
  write_timeout_ = timeout;
  write_pace_.lift();
}

void Connection::flush_soon() {
  boost::asio::post(worker_.loop(), [self = Ref<Connection>(this)]() mutable {
    if (self->flushing_ || self->dead() || self->flush_now() || self->dead()) return;
    auto& loop = self->worker_.loop();
    boost::asio::co_spawn(loop, flush_later(std::move(self)), boost::asio::detached);
  });
}

Task<void> Connection::flush_later(Ref<Connection> self) { co_await self->push(); }

Task<void> Connection::yield() { co_await boost::asio::post(worker_.loop(), kAwait); }

void Connection::shutdown_write() noexcept {
  if (!dead()) transport_->shutdown_write();
}

void Connection::close() noexcept {
  closed_ = true;
  transport_->close();
}

bool Connection::is_client_gone() noexcept {
  if (dead()) return true;
  const Transport::Peer peer = transport_->peer();
  if (peer != Transport::Peer::Finished) return peer == Transport::Peer::Gone;
  const SteadyTime now = worker_.clock().now().steady;
  if (!outgoing_) return false;  // nobody writes, so nobody can be told to stop
  if (!outgoing_->finish_noticed_ || outgoing_->written_at_finish_ != written_) {
    outgoing_->finish_noticed_ = now;
    outgoing_->written_at_finish_ = written_;
  }
  return now - *outgoing_->finish_noticed_ >= kHalfClosedPatience;
}

void Connection::abort() noexcept {
  closed_ = true;
  transport_->abort();
}

}  // namespace freshet
