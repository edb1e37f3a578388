// The second half of H1Session: from the reply to the next request.
#include <array>
#include <limits>
#include <new>

#include "client_watch.hpp"
#include "date_line.hpp"
#include "freshet/base/check.hpp"
#include "freshet/codec/h1_writer.hpp"
#include "freshet/exchange/error_reply.hpp"
#include "h1_client.hpp"
#include "h1_session.hpp"
#include "session_log.hpp"
#include "tunnel_relay.hpp"

namespace freshet {
namespace {

/// What is left of a request body may be read and thrown away to keep the connection, up to here.
constexpr std::uint64_t kDrainBytes = 64 * 1024;
constexpr Milliseconds kDrainTime(5000);
/// Interim answers leave this much of the gather list to the final one and to "100 Continue".
constexpr std::size_t kFinalPieces = 8;

std::string_view first_or_empty(FieldsView fields, FieldId id) noexcept {
  return fields.first(id).value_or(std::string_view());
}

bool has_date(const Reply& reply) noexcept {
  if (reply.head.fields.contains(FieldId::Date)) return true;
  for (const AddedField& field : reply.added)
    if (field.id == FieldId::Date) return true;
  return false;
}

}  // namespace

Task<H1Session::Next> H1Session::serve() {
  keep_log_fields();
  int status = 500;
  try {
    Reply served = co_await serving_->service.serve(request_);
    reply_.emplace(std::move(served));
  } catch (const std::bad_alloc&) {
    status = 503;  // a shortage is no mistake of ours, and may be over soon
  } catch (...) {
    BUG("a service threw");
  }
  if (!reply_) {
    const Failure failure(Reason::Internal, Side::Self, status);
    reply_.emplace(make_error_reply(request_, failure, options().pseudonym));
  }
  // Interim answers and a 100 leave first.
  if (connection_->flushing() || !connection_->has_written_all()) co_await connection_->flush();
  begin_reply();
  // As on the hit path: a small answer needs no more coroutines.
  const bool whole = plan_.form == BodyForm::None || plan_.form == BodyForm::Whole;
  if (!whole || body_ || connection_->flushing() || !connection_->flush_now()) co_return Next::Finish;
  end_reply(true);
  co_return end_request(true);
}

void H1Session::keep_log_fields() {
  if (!serving_->log) return;
  subject_.fields_kept = true;
  subject_.referer = arena_.copy(first_or_empty(request_.head.fields, FieldId::Referer));
  subject_.user_agent = arena_.copy(first_or_empty(request_.head.fields, FieldId::UserAgent));
}

void H1Session::begin_reply() {
  ReplyFacts facts;
  facts.method = request_.head.method;
  facts.version = request_.head.version;
  facts.asks_upgrade = body_ && body_->is_tunnel() && facts.method != Method::Connect;
  if (!is_sendable(facts, *reply_)) {
    BUG("a service gave a reply that cannot be sent");
    const Failure failure(Reason::Internal, Side::Self, 500);
    reply_.emplace(make_error_reply(request_, failure, options().pseudonym));
    reply_->close = true;
  }
  facts.may_persist = may_go_on();
  plan_ = plan_reply(facts, *reply_);
  reply_begun_ = true;
  if (body_) body_->reply_begun();
  streamed_ = head_bytes_ = 0;
  reply_at_ = connection_->written();
  if (is_whole() && !plan_.persistent && !body_) connection_->transport().announce_end();
  render_head();
}

// Decided before the head is written, because the head has to say it.
bool H1Session::may_go_on() {
  if (!wants_more_ || refused_ || client_->draining()) return false;
  if (!body_ || body_->complete()) return true;
  // RFC 9931: what follows a refused CONNECT or Upgrade may be meant for another protocol.
  if (body_->is_tunnel() || body_->failed() || body_->awaits_continue()) return false;
  if (!reply_->body.source && !body_->is_being_read()) request_.body.reset();
  if (!body_->has_source()) body_->skip_buffered();
  return body_->complete() || body_->left().value_or(std::numeric_limits<std::uint64_t>::max()) <= kDrainBytes;
}

void H1Session::render_head() {
  if (reply_->head.status >= 200 && !has_date(*reply_))
    reply_->added.add(FieldId::Date, date_value(worker_.clock().now().wall));
  const RenderedHead head = render_response_head(reply_->head, reply_->added.all(), plan_.framing, arena_);
  reply_at_ = connection_->written();
  head_bytes_ = head.size();
  if (connection_->dead()) return;
  GatherList& out = connection_->out();
  for (std::size_t i = 0; i < head.count; ++i) out.add(as_bytes(head.pieces[i]));
  if (plan_.form == BodyForm::Whole) out.add(reply_->body.whole.bytes);
}

Task<H1Session::Next> H1Session::finish_reply() {
  const bool sent = co_await send_reply();
  co_return co_await finish_body(sent);
}

Task<bool> H1Session::send_reply() {
  switch (plan_.form) {
    case BodyForm::None:
    case BodyForm::Whole:
      break;
    case BodyForm::Length:
    case BodyForm::Chunked:
    case BodyForm::UntilClose:
      co_return co_await send_streamed();
    case BodyForm::Tunnel:
      co_return co_await send_tunnel();
  }
  const bool sent = co_await connection_->flush();
  if (!sent) reply_->outcome.reason = why_gone();
  co_return sent;
}

Task<bool> H1Session::send_streamed() {
  if (connection_->dead()) {
    reply_->outcome.reason = why_gone();
    co_return false;
  }
  const std::uint64_t length = reply_->length.value_or(0);
  ClientWatch watch(worker_.deadlines(), *connection_, *reply_->body.source);
  const StreamEnd end = co_await stream_body(connection_, *reply_->body.source, plan_.form, length, streamed_);
  if (watch.saw_client_leave()) {
    reply_->outcome.reason = Reason::ClientClosed;
    connection_->abort();
    co_return false;
  }
  switch (end.kind) {
    case StreamEnd::Kind::Complete:
      co_return true;
    case StreamEnd::Kind::TooLong:
      BUG("a reply's body is longer than its length");
      plan_.persistent = false;
      co_return true;
    case StreamEnd::Kind::ClientGone:
      reply_->outcome.reason = why_gone();
      co_return false;
    case StreamEnd::Kind::TooShort:
      reply_->outcome.reason = Reason::ResponseCutShort;
      break;
    case StreamEnd::Kind::SourceFailed: {
      if (end.nothing_written && end.failure->status >= 400) {
        replace_reply(*end.failure);
        const bool sent = co_await connection_->flush();
        co_return sent;
      }
      reply_->outcome.reason = end.failure->reason;
      break;
    }
  }
  // The client must not take what it has for the whole (RFC 9112 8).
  connection_->abort();
  co_return false;
}

Reason H1Session::why_gone() const noexcept {
  if (cut_off_) return Reason::Draining;
  return connection_->reads_too_slowly() ? Reason::ReadsTooSlowly : Reason::ClientClosed;
}

// What went wrong with a body after its request had been passed on; the answer may have another reason.
void H1Session::count_body_failure() noexcept {
  if (body_->failed() && body_->failure()->reason != Reason::ClientClosed)
    counters().protocol_errors[static_cast<std::size_t>(body_->failure()->reason)].add();
}

void H1Session::replace_reply(const Failure& failure) {
  connection_->out().clear();
  Outcome outcome = reply_->outcome;
  outcome.reason = failure.reason;
  reply_.emplace(make_error_reply(request_, failure, options().pseudonym));
  reply_->outcome = outcome;
  begin_reply();
}

Task<bool> H1Session::send_tunnel() {
  if (!tunnel_) tunnel_.emplace(limits());  // a service that did not ask: it is one all the same
  TunnelRelay relay(connection_, body_, worker_, options().tunnel_idle, counters());
  const Reason broken = co_await relay.run(reply_->body.source.get());
  streamed_ = relay.bytes_to_client();
  linger_ = true;
  if (broken == Reason::None) co_return true;
  reply_->outcome.reason = broken;
  if (broken == Reason::TunnelIdle)
    connection_->close();
  else
    connection_->abort();
  co_return false;
}

// A body that was not read to its end: nobody else may read it from here on, and what follows it is the next request
// only if the rest has gone by (pitfall P1).
Task<H1Session::Next> H1Session::finish_body(bool sent) {
  if (!body_) {
    end_reply(sent);
    co_return end_request(sent);
  }
  reply_->body.source.reset();
  if (!body_->is_being_read()) request_.body.reset();
  co_await body_->stop();
  request_.body.reset();
  if (!body_->complete()) {
    linger_ = true;
    bool drained = false;
    if (sent && plan_.persistent && !body_->failed()) drained = co_await body_->drain(kDrainBytes, kDrainTime);
    if (!drained) plan_.persistent = false;
  }
  count_body_failure();
  end_reply(sent);
  body_ = nullptr;
  co_return end_request(sent);
}

void H1Session::end_reply(bool sent) {
  if (!sent && (cut_off_ || reply_->outcome.reason == Reason::None)) reply_->outcome.reason = why_gone();
  log_reply();
  reply_.reset();
  request_.body.reset();
}

void H1Session::log_reply() noexcept {
  FinishedRequest finished;
  finished.method = request_.head.method;
  finished.tunnel = plan_.form == BodyForm::Tunnel;
  finished.status = reply_->head.status;
  const std::uint64_t written = connection_->written() - reply_at_;
  finished.response_bytes = !is_whole() ? streamed_ : written > head_bytes_ ? written - head_bytes_ : 0;
  finished.request_bytes = body_ ? body_->received() : 0;
  finished.duration = worker_.clock().steady() - request_.received.steady;
  count_request(finished, reply_->outcome, counters(), options().listener);
  if (serving_->log) write_log(finished);
}

void H1Session::write_log(const FinishedRequest& finished) noexcept {
  AccessRecord record;
  record.received = request_.received.wall;
  record.client = request_.peer->address;
  record.user = request_.user;
  record.listener = options().name;
  record.method = subject_.method_name;
  record.scheme = subject_.scheme;
  record.authority = subject_.authority;
  record.target = subject_.target;
  record.version = subject_.version;
  record.absolute_form = subject_.absolute_form;
  record.content_type = first_or_empty(reply_->head.fields, FieldId::ContentType);
  record.referer = subject_.referer;
  record.user_agent = subject_.user_agent;
  if (!subject_.version.empty() && !subject_.fields_kept) {  // the hit path: nobody has changed the head
    record.referer = first_or_empty(request_.head.fields, FieldId::Referer);
    record.user_agent = first_or_empty(request_.head.fields, FieldId::UserAgent);
  }
  log_request(record, finished, reply_->outcome, *serving_->log);
}

// Every request that was read leaves a line, also when its session ends before there is an answer, or in the midst of it.
void H1Session::log_unfinished() noexcept {
  if (!is_under_way()) return;
  if (!reply_begun_) {
    if (!reply_) reply_.emplace().head.status = 503;
    plan_ = ReplyPlan();
    reply_at_ = connection_->written();
    head_bytes_ = streamed_ = 0;
  }
  reply_->outcome.reason = cut_off_ ? Reason::Draining : Reason::Internal;
  log_reply();
  reply_.reset();
  subject_ = Subject();
}

// Interim answers (RFC 9110 15.2). HTTP/1.0 has none.
Task<void> H1Session::send(ResponseHead head) {
  if (reply_begun_ || request_.head.version == Version::Http10 || connection_->dead()) co_return;
  if (head.status < 100 || head.status >= 200 || head.status == 101) co_return;
  if (head.status == 100 && body_) {
    if (body_->continue_sent()) co_return;
    body_->continue_was_sent();
  }
  const OutgoingFraming none;
  const std::span<const AddedField> no_more;
  const RenderedHead rendered = render_response_head(head, no_more, none, arena_);
  if (connection_->out().room() < rendered.count + kFinalPieces)
    co_return;  // a client that does not read needs no hints
  for (std::size_t i = 0; i < rendered.count; ++i) connection_->out().add(as_bytes(rendered.pieces[i]));
  co_await connection_->flush();  // not push(): the pieces lie in the origin's head, which goes when we return
}

}  // namespace freshet
