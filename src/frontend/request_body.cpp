#include "request_body.hpp"

#include <algorithm>
#include <cstring>

#include "freshet/base/check.hpp"

namespace freshet {
namespace {

constexpr std::size_t kBodyBlock = 16 * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

class RequestBody::Source final : public BodySource {
 public:
  explicit Source(Ref<RequestBody> body) : body_(std::move(body)) {}
  ~Source() override { body_->source_gone(); }
  Task<Result<Piece>> read() override { return body_->read(nullptr); }
  Task<Result<Piece>> read_or_pipe(PipeLease& pipe) override { return body_->read(&pipe); }
  const Fields* trailers() const noexcept override { return body_->reader_.trailers(); }
  void cancel() noexcept override { body_->cancel(); }

 private:
  Ref<RequestBody> body_;
};

/// Also when memory runs out: the session waits for the end of every read.
class RequestBody::Reading {
 public:
  explicit Reading(RequestBody& body) noexcept : body_(body) { body_.reading_ = true; }
  ~Reading() {
    body_.reading_ = false;
    body_.changed_.wake();
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

 private:
  RequestBody& body_;
};

RequestBody::RequestBody(Ref<Connection> connection, const FramingVerdict& framing, bool asks_first,
                         const Limits& limits)
    : connection_(std::move(connection)),
      kind_(framing.body),
      limits_(limits),
      pace_(limits.rate),
      length_(framing.length),
      asks_first_(asks_first) {
  reader_.start(framing, TrailerRules::Refuse);
}

std::unique_ptr<BodySource> RequestBody::make_source() {
  ENSURE(!has_source_);
  auto source = std::make_unique<Source>(Ref<RequestBody>(this));
  has_source_ = true;
  return source;
}

std::optional<std::uint64_t> RequestBody::left() const noexcept {
  if (kind_ != BodyKind::Length) return {};
  return length_ - received_;
}

Task<Result<Piece>> RequestBody::read(PipeLease* pipe) {
  ENSURE(!reading_);
  std::optional<Reading> reading(std::in_place, *this);
  Result<Piece> result = co_await next_piece(pipe);
  reading.reset();
  if (!result && watch_ && is_tunnel() && failed()) watch_->client_failed();
  co_return result;
}

Task<Result<Piece>> RequestBody::next_piece(PipeLease* pipe) {
  for (;;) {
    if (failure_) co_return Result<Piece>(*failure_);
    if (stopped_ || cancelled_) co_return Result<Piece>(stopped());
    if (complete_) {
      Piece end({}, Pin(), true);
      co_return Result<Piece>(std::move(end));
    }
    std::optional<Result<Piece>> ready = take_buffered();
    if (ready) co_return std::move(*ready);
    if (asks_first_) {
      co_await ask_to_continue();
      if (stopped_ || cancelled_) continue;
    }
    const Arrival arrival = co_await wait_for_more(pipe);
    if (arrival != Arrival::Bytes) co_return after_wait(arrival);
    if (!pipe || pipe->held() == 0) continue;
    pipe->tell(Ref<PipeFiller>(this));
    counted(pipe->held());
    co_return Piece({}, Pin(), false);
  }
}

// Only here does time pass for the client: as long as nobody asks for its bytes, it is not the one who is slow.
Task<Arrival> RequestBody::wait_for_more(PipeLease* pipe) {
  const bool piped = pipe && is_tunnel() && connection_->reads_in_bulk() && connection_->can_pipe();
  if (piped) co_return co_await connection_->pipe_more(*pipe);
  if (is_tunnel()) co_return co_await connection_->read_more(kBodyBlock);
  const SteadyTime start = connection_->now();
  const std::uint64_t before = connection_->received();
  for (;;) {
    const SteadyTime now = connection_->now();
    Milliseconds limit = std::chrono::ceil<Milliseconds>(start + limits_.between - now);
    if (pace_.limits()) {
      pace_.begin(now, connection_->received());
      limit = std::min(limit, pace_.left());
    }
    connection_->limit_read(limit);
    const Arrival arrival = co_await connection_->read_more(kBodyBlock);
    connection_->lift_read_limit();
    const SteadyTime then = connection_->now();
    pace_.end(then);
    if (arrival != Arrival::Bytes && arrival != Arrival::TimedOut) co_return arrival;
    if (pace_.window_is_full(then) && pace_.was_too_slow(then, connection_->received())) {
      fail(Reason::SendsTooSlowly, 408);
      co_return Arrival::TimedOut;
    }
    if (connection_->received() > before) co_return Arrival::Bytes;  // perhaps in the moment of the time-out
    if (then - start >= limits_.between) co_return arrival;
  }
}

Task<void> RequestBody::ask_to_continue() {
  const bool waiting = awaits_continue();
  asks_first_ = false;
  // A client that has begun to send does not wait; one that has its final answer must not get a 100 after it.
  if (!waiting || reply_begun_ || connection_->dead() || connection_->out().room() == 0) co_return;
  continue_sent_ = true;
  connection_->out().add(as_bytes(kContinue));
  co_await connection_->push();
}

std::optional<Result<Piece>> RequestBody::take_buffered() {
  using State = H1BodyReader::Step::State;
  ReadBuffer& in = connection_->in();
  std::byte* data = nullptr;
  std::size_t size = 0;
  for (;;) {
    const std::span<std::byte> buffered = in.bytes();
    const H1BodyReader::Step step = reader_.step(buffered);
    if (step.state == State::Bad) return fail(step.error, 400);
    in.consume(step.consumed);
    if (step.state == State::Data) {
      if (!counted(step.data.size())) return fail(Reason::BodyTooLarge, 413);
      std::byte* const at = buffered.data() + (step.data.data() - buffered.data());
      if (!data)
        data = at;
      else
        std::memmove(data + size, at, step.data.size());  // small chunks leave as one piece
      size += step.data.size();
      if (kind_ == BodyKind::Chunked) continue;
    }
    complete_ = step.state == State::End || reader_.done();
    break;
  }
  if (size == 0 && !complete_) return {};
  Piece piece({data, size}, Pin(), complete_);
  return Result<Piece>(std::move(piece));
}

bool RequestBody::counted(std::size_t bytes) noexcept {
  received_ += bytes;
  if (bytes > 0) asks_first_ = false;
  if (watch_) watch_->client_sent(bytes);
  return is_tunnel() || received_ <= limits_.bytes;
}

Result<Piece> RequestBody::after_wait(Arrival arrival) noexcept {
  switch (arrival) {
    case Arrival::End:
      if (!reader_.end_of_input()) break;
      complete_ = true;
      return Piece({}, Pin(), true);
    case Arrival::TimedOut:
      if (failure_) return *failure_;  // SendsTooSlowly
      return fail(Reason::RequestTimeout, 408);
    case Arrival::Cancelled:
      return stopped();
    default:
      break;
  }
  return fail(Reason::ClientClosed, 400);
}

Result<Piece> RequestBody::fail(Reason reason, int status) noexcept {
  failure_.emplace(reason, Side::Client, status);
  return *failure_;
}

// Not the client's doing: whoever holds the source, or the session, has had enough.
Failure RequestBody::stopped() const noexcept { return {Reason::ClientClosed, Side::Self, 500}; }

void RequestBody::cancel() noexcept {
  cancelled_ = true;
  if (reading_) connection_->cancel_read();
}

void RequestBody::source_gone() noexcept {
  has_source_ = false;
  last_given_ = nullptr;
  changed_.wake();
}

void RequestBody::skip_buffered() {
  ENSURE(!has_source_ && !reading_);
  while (!complete_ && !failed() && !connection_->in().empty()) {
    const std::optional<Result<Piece>> skipped = take_buffered();
    if (!skipped) return;
  }
}

Task<void> RequestBody::stop() {
  stopped_ = true;
  if (reading_) connection_->cancel_read();
  while (reading_) co_await changed_.wait();
  watch_ = nullptr;
  if (has_source_) last_given_ = connection_->in().leave_behind();
}

Task<bool> RequestBody::drain(std::uint64_t bytes, Milliseconds time) {
  ENSURE(stopped_ && !reading_);
  const std::uint64_t enough = received_ + bytes;
  connection_->limit_read(time);
  while (!complete_ && !failed() && received_ <= enough) {
    const std::optional<Result<Piece>> skipped = take_buffered();
    if (skipped) continue;
    const Arrival arrival = co_await connection_->read_more(kBodyBlock);
    if (arrival != Arrival::Bytes) break;
  }
  connection_->lift_read_limit();
  co_return complete_;
}

Task<void> RequestBody::wait_until_over() {
  while (has_source_ && !complete_ && !failed() && !interrupted_) co_await changed_.wait();
}

void RequestBody::interrupt() noexcept {
  interrupted_ = true;
  changed_.wake();
}

}  // namespace freshet
