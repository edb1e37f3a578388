#include "h1_session.hpp"

#include <algorithm>
#include <new>

#include "freshet/base/ascii.hpp"
#include "freshet/base/check.hpp"
#include "freshet/base/in_place.hpp"
#include "freshet/exchange/error_reply.hpp"
#include "h1_client.hpp"

namespace freshet {
namespace {

/// What a session may keep between two clients, besides a small read buffer.
constexpr std::size_t kKeptArena = 4096;
constexpr std::size_t kLargeHead = 2048;
/// A client that always has another request ready leaves the others waiting for this many answers at most.
constexpr unsigned kAnswersInARow = 64;
/// How long, and for how many bytes, a client that still sends may take to read our last words (RFC 9112 9.6).
constexpr Milliseconds kLingerTime(5000);
constexpr std::uint64_t kLingerBytes = 8 << 20;
constexpr Milliseconds kShortLinger(1000);
const Peer kNobody;

}  // namespace

H1Session::H1Session(Worker& worker)
    : worker_(worker), reader_(HeadLimits()), request_(arena_, kNobody, *this) {}

H1Session::~H1Session() {
  cut_off_ = true;
  log_unfinished();
}

void H1Session::begin(H1Client& client, std::unique_ptr<H1RequestReader> begun) {
  if (!outgoing_) outgoing_ = std::make_unique<Outgoing>(worker_.deadlines());
  client_ = &client;
  serving_ = &client.serving();
  connection_ = client.connection();
  connection_->give_outgoing(std::move(outgoing_));
  connection_->in().take_block(spare_);
  request_.peer = &client.peer();
  reader_ = begun ? *begun : H1RequestReader(options().head, request_.peer->tls ? "https" : "http");
  linger_ = cut_off_ = false;
  answered_in_a_row_ = 0;
}

std::unique_ptr<H1RequestReader> H1Session::end() {
  ENSURE(is_clean());
  std::unique_ptr<H1RequestReader> begun;
  if (!connection_->in().empty()) begun = std::make_unique<H1RequestReader>(reader_);
  connection_->in().leave_block(spare_);
  give_memory_back();
  request_.peer = &kNobody;
  outgoing_ = connection_->take_outgoing();
  connection_ = nullptr;
  serving_ = nullptr;
  client_ = nullptr;
  return begun;
}

void H1Session::give_memory_back() {
  request_.body.reset();
  subject_ = Subject();
  reply_begun_ = refused_ = wants_more_ = false;
  if (arena_.held() > kKeptArena)
    arena_.release();
  else
    arena_.reset();
  if (!large_head_) return;
  large_head_ = false;
  request_.head.fields.release();
  parsed_.head.fields.release();
}

// The limits on connections protect the others: this one gets one answer, and little time to take it.
Task<void> H1Session::turn_away(Reason reason) {
  connection_->be_patient(kShortLinger);
  refuse(reason, reason == Reason::TooManyFromClient ? 429 : 503);
  const bool sent = co_await connection_->flush();
  end_reply(sent);
  if (sent && limits().turned_away <= kRefusedAtOnce) co_await let_go(kShortLinger);
}

Task<void> H1Session::hang_up() {
  if (linger_ && !connection_->dead()) co_await let_go(kLingerTime);
}

// Closing while bytes of the client are unread makes the kernel send a reset, which can destroy the reply on its way.
Task<void> H1Session::let_go(Milliseconds time) {
  connection_->shutdown_write();
  connection_->limit_read(time);
  std::uint64_t discarded = 0;
  for (Arrival arrival = Arrival::Bytes; arrival == Arrival::Bytes && discarded < kLingerBytes;) {
    connection_->in().clear();
    arrival = co_await connection_->read_more(ReadBuffer::kSmall);
    discarded += connection_->in().size();
  }
  connection_->lift_read_limit();
}

void H1Session::abort() noexcept {
  cut_off_ = true;
  break_off();
}

void H1Session::break_off() noexcept {
  if (reply_ && reply_->body.source) reply_->body.source->cancel();
  if (body_) body_->interrupt();
}

// The hit path: every complete request that can be answered at once is, with one write each.
H1Session::Next H1Session::answer_buffered() {
  for (;;) {
    ENSURE(!body_ && connection_->has_written_all());
    if (connection_->in().empty()) return Next::Wait;
    const std::string_view arrived = connection_->in().text();
    if (const std::string_view target = reader_.target(arrived); !target.empty()) serving_->service.expect(target);
    const HeadProgress head = reader_.read_head(arrived, parsed_, arena_);
    if (head.state == HeadProgress::State::NeedMore) return Next::Wait;
    const Next next = answer_head(head);
    if (next != Next::Answer) return next;
    if (++answered_in_a_row_ < kAnswersInARow) continue;
    answered_in_a_row_ = 0;
    return Next::Yield;
  }
}

H1Session::Next H1Session::answer_head(const HeadProgress& head) {
  client_->head_is_over();
  if (head.state == HeadProgress::State::Bad) return refuse(head.error, head.status);
  const Next next = take_request(head.consumed);
  if (next != Next::Answer) return next;
  make_in_place(reply_, [this]() noexcept { return serving_->service.try_now(request_); });
  if (!reply_) return Next::Serve;
  begin_reply();
  if (!is_whole() || body_ || !connection_->flush_now()) return Next::Finish;
  end_reply(true);
  return end_request(true);
}

// The fields change places: each of the two keeps memory for the next ones.
void H1Session::take_head() noexcept {
  RequestHead& head = request_.head;
  head.method = parsed_.head.method;
  head.method_name = parsed_.head.method_name;
  head.scheme = parsed_.head.scheme;
  head.authority = parsed_.head.authority;
  head.target = parsed_.head.target;
  head.version = parsed_.head.version;
  head.fields.swap(parsed_.head.fields);
}

// Answer: the request is ready for the service.
H1Session::Next H1Session::take_request(std::size_t head_bytes) {
  connection_->in().consume(head_bytes);
  large_head_ |= head_bytes > kLargeHead;
  take_head();
  const RequestHead& head = request_.head;
  request_.body_length.reset();
  request_.expects_continue = parsed_.expects_continue;
  request_.absolute_form = parsed_.absolute_form;
  request_.upgrade = parsed_.upgrade;
  request_.proxy_credentials = parsed_.proxy_credentials;
  request_.user = {};
  request_.looked_up = nullptr;
  request_.destination = Destination();
  request_.listener = options().listener;
  request_.received = worker_.clock().now();
  client_->note_request(request_.received.steady);
  subject_ = Subject();
  subject_.method_name = head.method_name;
  subject_.scheme = head.scheme;
  subject_.authority = head.authority;
  subject_.target = head.target;
  subject_.version = head.version == Version::Http10 ? "HTTP/1.0" : "HTTP/1.1";
  subject_.absolute_form = parsed_.absolute_form;
  wants_more_ = parsed_.framing.persistent;
  if (has_odd_body()) return refuse(Reason::BadContentLength, 400);
  make_body();
  if (body_ && !body_->is_tunnel() && body_->left().value_or(0) > options().max_request_body)
    return refuse(Reason::BodyTooLarge, 413);
  return Next::Answer;
}

// Content in a CONNECT request has no meaning, and is where two parsers would disagree (RFC 9110 9.3.6).
bool H1Session::has_odd_body() const noexcept {
  const FramingVerdict& framing = parsed_.framing;
  return request_.head.method == Method::Connect &&
         (framing.body == BodyKind::Chunked || (framing.body == BodyKind::Length && framing.length > 0));
}

// A protocol that the client merely offers is not accepted where there is no place, as anybody may do (RFC 9110 7.8): its
// request is then an ordinary one. A WebSocket client has no use for that.
bool H1Session::take_tunnel_place() noexcept {
  if (tunnel_ || !body_ || !body_->is_tunnel()) return true;
  if (limits().tunnels < limits().max_tunnels) {
    tunnel_.emplace(limits());
    return true;
  }
  if (request_.head.method == Method::Connect || ascii::iequals(request_.upgrade, "websocket")) return false;
  request_.upgrade = {};
  request_.body.reset();
  body_ = nullptr;
  if (parsed_.framing.body == BodyKind::Length) request_.body_length = parsed_.framing.length;
  return true;
}

void H1Session::make_body() {
  FramingVerdict framing = parsed_.framing;
  if (framing.body == BodyKind::Length) request_.body_length = framing.length;
  const bool has_content =
      framing.body == BodyKind::Chunked || (framing.body == BodyKind::Length && framing.length > 0);
  if (has_content) {
    request_.upgrade = {};
  } else {
    request_.expects_continue = false;
    if (request_.head.method != Method::Connect && request_.upgrade.empty()) return;
    framing.body = BodyKind::Tunnel;
    request_.body_length.reset();
  }
  const RequestBody::Limits limits{options().max_request_body, options().body_timeout, options().rate};
  body_ = make_ref<RequestBody>(connection_, framing, request_.expects_continue, limits);
  request_.body = body_->make_source();
}

H1Session::Next H1Session::refuse(Reason reason, int status) {
  const bool no_request = subject_.version.empty();
  if (no_request) {
    request_.received = worker_.clock().now();
    request_.head.method = Method::Other;
    request_.head.version = Version::Http11;
  }
  client_->head_is_over();
  const bool policy = std::find(kDenials.begin(), kDenials.end(), reason) != kDenials.end();
  if (!policy) counters().protocol_errors[static_cast<std::size_t>(reason)].add();
  const Failure failure(reason, Side::Client, status);
  reply_.emplace(no_request ? make_error_reply(failure, options().pseudonym)
                            : make_error_reply(request_, failure, options().pseudonym));
  reply_->close = true;
  reply_->outcome.cache_status = arena_.join({options().pseudonym, "; detail=", word(reason)});
  reply_->added.add(FieldId::CacheStatus, reply_->outcome.cache_status);
  refused_ = true;
  begin_reply();
  return Next::Finish;
}

H1Session::Next H1Session::end_request(bool sent) noexcept {
  ENSURE(!body_);
  tunnel_.reset();
  const bool go_on = sent && plan_.persistent && !connection_->dead();
  // A client that wanted to close after this request sends nothing more that could trouble it.
  linger_ = sent && (wants_more_ || refused_ || linger_ || !connection_->in().empty());
  request_.upgrade = {};
  request_.proxy_credentials = {};
  request_.user = {};
  arena_.reset();
  subject_ = Subject();
  reply_begun_ = refused_ = wants_more_ = false;
  if (go_on) linger_ = false;
  return go_on ? Next::Answer : Next::Close;
}

}  // namespace freshet
