#include "h1_exchange.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "client_probe.hpp"
#include "freshet/async/spawn.hpp"
#include "freshet/http/grammar.hpp"

namespace freshet {
namespace {

HeadLimits head_limits(const OriginLimits& limits) noexcept {
  HeadLimits result;
  result.bytes = limits.head_bytes;
  result.fields = limits.head_fields;
  return result;
}

// RFC 9110 7.8: a server must not switch to a protocol that the client has not named.
bool was_offered(std::string_view chosen, std::string_view offered) noexcept {
  ListReader members(chosen);
  std::size_t count = 0;
  for (std::string_view member; members.next(member); ++count)
    if (!list_contains(offered, member)) return false;
  return count != 0;
}

Failure origin_failure(Reason reason, int status, Retry retry = Retry::No) noexcept {
  return {reason, Side::Origin, status, retry};
}

}  // namespace

H1Exchange::H1Exchange(Ref<IdlePool> pool, IdlePool::Slot slot, DeadlineWheel& wheel, const OriginTimeouts& timeouts,
                       const OriginLimits& limits, Method method)
    : pool_(std::move(pool)),
      slot_(std::move(slot)),
      wheel_(wheel),
      timeouts_(timeouts),
      limits_(limits),
      method_(method),
      in_(pool_->buffers()),
      reader_(head_limits(limits)) {}

void H1Exchange::use(Ref<OriginConnection> connection, bool reused) noexcept {
  connection_ = std::move(connection);
  reused_ = reused;
}

// One coroutine for all that happens to nearly every exchange: a frame for each step would cost more than the step.
Task<Result<ParsedResponse>> H1Exchange::ask(Request& request, std::string_view head, Fields& fields) {
  const Ref<OriginConnection> link = connection_;
  keep_upload_ = reused_ && is_idempotent(method_);
  body_withheld_ = !upload_ && request.body != nullptr && request.upgrade.empty();
  awaiting_continue_ = body_withheld_ && request.expects_continue;
  persistent_ = true;

  const std::string kept = upload_ ? upload_->kept() : std::string();
  std::array<std::span<const std::byte>, 2> pieces{as_bytes(head), as_bytes(std::string_view(kept))};
  std::span<std::span<const std::byte>> unsent = std::span(pieces).first(kept.empty() ? 1 : 2);
  // Should this fail, the origin may still have said why: the answer is read in any case.
  bool sent = link->write_now(unsent);
  if (sent && !unsent.empty()) sent = co_await link->write(unsent, timeouts_.between_bytes);
  persistent_ = sent;
  if (upload_) {
    if (upload_->failure()) co_return fail(*upload_->failure());
    upload_->attach_again(connection_, timeouts_.first_byte);
  }
  if (!sent || !(body_withheld_ || upload_))
    connection_->arm_read(timeouts_.first_byte);
  else if (awaiting_continue_)
    connection_->arm_read(timeouts_.expect_continue);
  else if (!upload_)
    co_await start_upload(request);

  ParsedResponse response;
  response.fields = std::move(fields);
  const ClientProbe probe(
      wheel_, request.interim, [](void* self) noexcept { static_cast<H1Exchange*>(self)->client_left(); }, this);
  for (;;) {
    const HeadStep step = look_for_head(response, request);
    if (step == HeadStep::Bad) co_return *failure_;
    if (step == HeadStep::Final) break;
    if (step == HeadStep::Interim) {
      co_await pass_interim_on(response, request);
      continue;
    }
    limit_head_bytes();
    bool ready = true;
    // Before the first byte there is nothing to read: the request has only just left.
    if (!response_begun_) ready = co_await link->start_wait();
    std::span<std::byte> room = room_for_head();
    IoResult got = link->finish_wait(ready, room);
    while (got.state == IoResult::State::WouldBlock && !failure_) {  // told in vain
      in_.lend();
      ready = co_await link->start_wait();
      room = room_for_head();
      got = link->finish_wait(ready, room);
    }
    const Filled filled = take(got);
    if (filled == Filled::Some) continue;
    if (filled != Filled::Failed || !awaiting_continue_ || !connection_->read_expired())
      co_return fail(failure_before_head(filled));
    // RFC 9110 10.1.1: the origin may not know 100.
    connection_->forgive_read();
    co_await start_upload(request);
  }
  if (upload_) upload_->head_came();
  connection_->disarm_read();
  connection_->forgive_read();
  co_return std::move(response);
}

Task<void> H1Exchange::start_upload(Request& request) {
  awaiting_continue_ = false;
  body_withheld_ = false;
  upload_ = make_ref<OriginUpload>(std::move(request.body), request.body_length, keep_upload_ && !response_begun_,
                                   timeouts_.between_bytes);
  upload_->attach(connection_, timeouts_.first_byte);
  Task<void> upload = OriginUpload::run(upload_);
  co_await spawn(std::move(upload));
}

// REQUIRES of Final and Interim: `response` is that head. Bad: failure_ says why.
H1Exchange::HeadStep H1Exchange::look_for_head(ParsedResponse& response, const Request& request) {
  if (in_.empty()) return HeadStep::Wait;
  const HeadProgress progress = reader_.read_head(as_text(in_.data()), method_, response);
  if (progress.state == HeadProgress::State::NeedMore) return HeadStep::Wait;
  if (progress.state == HeadProgress::State::Bad) {
    fail(origin_failure(progress.error, 502));
    return HeadStep::Bad;
  }
  in_.consume(progress.consumed);
  head_bytes_ = progress.consumed;
  connection_->disarm_head();
  reader_.reset();
  if (const auto refused = judge_interim(response, request)) {
    fail(*refused);
    return HeadStep::Bad;
  }
  persistent_ = persistent_ && response.framing.persistent;
  return response.status >= 200 || response.status == 101 ? HeadStep::Final : HeadStep::Interim;
}

// The 100 is what the body has waited for (RFC 9110 10.1.1); the client's turn comes first.
Task<void> H1Exchange::pass_interim_on(const ParsedResponse& response, Request& request) {
  const ResponseHead interim(response.status, response.fields.view());
  co_await request.interim.send(interim);
  if (response.status == 100 && awaiting_continue_) {
    connection_->disarm_read();
    connection_->forgive_read();
    co_await start_upload(request);
  } else if (request_complete()) {
    connection_->arm_read(timeouts_.first_byte);
  }
}

void H1Exchange::limit_head_bytes() noexcept {
  if (in_.empty()) return;
  if (!awaiting_continue_) connection_->arm_read(timeouts_.between_bytes);
  if (!connection_->head_armed()) connection_->arm_head(timeouts_.first_byte);
}

std::span<std::byte> H1Exchange::room_for_head() {
  const std::size_t wanted = in_.size() < in_.capacity() ? in_.capacity() : in_.capacity() * 2;
  return in_.space(std::max(wanted, SpareBuffers::kUsual));
}

std::optional<Failure> H1Exchange::judge_interim(const ParsedResponse& response, const Request& request) noexcept {
  if (response.status == 101) {
    if (was_offered(response.upgrade_value, request.upgrade)) return {};
    return origin_failure(Reason::BadResponse, 502);
  }
  if (response.status >= 200 || ++interim_ <= kMaxInterim) return {};
  return origin_failure(Reason::TooManyInterim, 502);
}

void H1Exchange::client_left() noexcept {
  if (!failure_) failure_ = Failure(Reason::ClientClosed, Side::Client, 400);
  if (connection_) connection_->cancel();
}

Failure H1Exchange::failure_before_head(Filled filled) const noexcept {
  if (failure_) return *failure_;
  if (upload_ && upload_->failure()) return *upload_->failure();
  if (filled == Filled::Failed && connection_->write_expired()) return origin_failure(Reason::BetweenBytesTimeout, 504);
  if (filled == Filled::Failed && connection_->head_expired()) return origin_failure(Reason::FirstByteTimeout, 504);
  if (filled == Filled::Failed && connection_->read_expired())
    return origin_failure(in_.empty() ? Reason::FirstByteTimeout : Reason::BetweenBytesTimeout, 504);
  return origin_failure(Reason::ConnectionReset, 502, Retry::IfReused);
}

H1Exchange::Filled H1Exchange::take(IoResult got) noexcept {
  if (got.state != IoResult::State::Done) return got.state == IoResult::State::End ? Filled::End : Filled::Failed;
  in_.commit(got.size);
  if (!response_begun_ && upload_) upload_->answered();
  response_begun_ = true;
  return Filled::Some;
}

bool H1Exchange::may_repeat(const Failure& failure) const noexcept {
  return failure.retry == Retry::IfReused && reused_ && !response_begun_ && is_idempotent(method_) &&
         (!upload_ || upload_->can_repeat());
}

void H1Exchange::drop() noexcept {
  if (upload_) upload_->detach();
  if (connection_) connection_->close();
  connection_ = nullptr;
  failure_.reset();
  reader_.reset();
}

Piece H1Exchange::first_piece(const FramingVerdict& framing) {
  body_.start(framing, TrailerRules::Drop);
  return decode();
}

// Takes all the data there is, moved together over the chunk framing in between. Bad framing behind it is kept for
// later.
Piece H1Exchange::decode() {
  std::byte* const begin = in_.data().data();
  std::byte* end = begin;
  for (;;) {
    const H1BodyReader::Step step = body_.step(in_.data());
    if (!step.data.empty() && end != step.data.data()) std::memmove(end, step.data.data(), step.data.size());
    end += step.data.size();
    in_.consume(step.consumed);
    if (step.state == H1BodyReader::Step::State::Data) continue;
    if (step.state == H1BodyReader::Step::State::Bad) failure_ = origin_failure(Reason::BadResponse, 502);
    body_done_ = step.state == H1BodyReader::Step::State::End;
    break;
  }
  Piece piece;
  if (end != begin) piece.bytes = {begin, static_cast<std::size_t>(end - begin)};
  piece.last = body_done_;
  if (body_done_) finish();
  return piece;
}

Task<Result<Piece>> H1Exchange::read_body() {
  while (!failure_) {
    if (body_done_) co_return Piece({}, nullptr, true);
    const Ref<OriginConnection> link = connection_;
    link->arm_read(timeouts_.between_bytes);
    std::span<std::byte> room = in_.space(SpareBuffers::kUsual);
    IoResult got = link->finish_wait(true, room);
    while (got.state == IoResult::State::WouldBlock && !failure_) {
      in_.lend();
      const bool ready = co_await link->start_wait();
      room = in_.space(SpareBuffers::kUsual);
      got = link->finish_wait(ready, room);
    }
    const Filled filled = take(got);
    if (failure_) break;
    connection_->disarm_read();
    if (filled == Filled::End && body_.end_of_input()) {
      body_done_ = true;
      finish();
    } else if (filled != Filled::Some) {
      if (upload_ && upload_->failure()) co_return fail(*upload_->failure());
      const bool late = filled == Filled::Failed && (connection_->read_expired() || connection_->write_expired());
      co_return fail(late ? origin_failure(Reason::BetweenBytesTimeout, 504)
                          : origin_failure(Reason::ResponseCutShort, 502));
    } else {
      Piece piece = decode();
      if (!piece.bytes.empty() || piece.last) co_return piece;
    }
  }
  co_return fail(*failure_);
}

Failure H1Exchange::fail(const Failure& failure) noexcept {
  failure_ = failure;
  return failure;
}

void H1Exchange::cancel() noexcept {
  if (over_) return;
  if (!failure_) failure_ = Failure(Reason::ClientClosed, Side::Client, 0);
  if (connection_) connection_->cancel();
}

std::string H1Exchange::take_surplus() {
  const std::string surplus(as_text(in_.data()));
  in_.consume(surplus.size());
  return surplus;
}

void H1Exchange::finish() noexcept {
  if (over_) return;
  over_ = true;
  const bool clean = body_done_ && persistent_ && !failure_ && request_complete() && in_.empty();
  if (upload_) {
    upload_->detach();
    upload_->stop();
  }
  Ref<OriginConnection> connection = std::move(connection_);
  IdlePool::Slot slot = std::move(slot_);
  if (!connection) return;
  connection->disarm_read();
  connection->disarm_head();
  if (clean && !connection->write_expired() && !connection->head_expired())
    pool_->give_back(std::move(slot), std::move(connection));
  else
    connection->close();
}

}  // namespace freshet
