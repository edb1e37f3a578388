#include "asking.hpp"

#include <algorithm>

#include "freshet/codec/h1_writer.hpp"
#include "freshet/exchange/error_reply.hpp"
#include "freshet/http/target.hpp"
#include "origin_body.hpp"
#include "origin_tunnel.hpp"

namespace freshet {
namespace {

/// Bytes of a head beside its fields and its target, mostly.
constexpr std::size_t kHeadRoom = 192;
/// Memory of heads beyond so many bytes is given back.
constexpr std::size_t kLargeHead = 4096;

// Methods whose request without a body says so (RFC 9110 8.6).
bool expects_body(Method method) noexcept {
  return method == Method::Post || method == Method::Put || method == Method::Patch || method == Method::Query;
}

std::optional<std::uint64_t> declared_length(const ParsedResponse& response) noexcept {
  if (response.framing.body == BodyKind::Length) return response.framing.length;
  if (response.framing.body == BodyKind::None && response.status != 204) return response.content_length;
  return {};
}

}  // namespace

Asking::Asking(const Origins& origins, Request& request) noexcept
    : origins_(origins), request_(request), began_(now()) {
  // A body ends before a protocol can change; with one, there is no tunnel to be had.
  if (request.body_length.value_or(0) > 0) request.upgrade = {};
}

// Also when the loop goes away with this coroutine suspended.
Asking::~Asking() {
  if (exchange_) exchange_->finish();
}

// One coroutine for all that happens to nearly every request; it suspends in ask() alone, unless there is no free slot
// or no idle connection.
Task<Reply> Asking::serve(const Origins& origins, Request& request) {
  Asking asking(origins, request);
  if (const auto refused = asking.choose_destination()) co_return asking.refuse(*refused);
  if (!asking.enter_now()) {
    Task<std::optional<Failure>> turn = asking.enter();
    const std::optional<Failure> refused = co_await std::move(turn);
    if (refused) co_return asking.refuse(*refused);
  }
  asking.counters_ = &asking.slot_.counters();
  if (request.head.method == Method::Connect) co_return co_await asking.connect_tunnel();
  const std::string head = asking.render_head();
  for (bool again = false;; again = true) {
    Ref<OriginConnection> connection = again ? nullptr : asking.take_idle();
    if (!connection) {
      Result<Ref<OriginConnection>> made = co_await asking.obtain(!again);
      if (!made) co_return asking.refuse(made.error());
      connection = std::move(*made);
    }
    H1Exchange& exchange = asking.exchange_over(std::move(connection));
    asking.answer_ = ReplyHead::make();
    Result<ParsedResponse> response = co_await exchange.ask(request, head, asking.answer_->fields);
    if (response) {
      if (asking.balance_) asking.balance_->answered(asking.server_);
      if (response->status == 101) co_return co_await asking.switch_protocols(std::move(*response));
      co_return asking.reply_with(std::move(*response));
    }
    if (again || !exchange.may_repeat(response.error())) {
      asking.blame(response.error());
      co_return asking.refuse(response.error());
    }
    exchange.drop();
    asking.counters_->retries.add();
  }
}

std::optional<Failure> Asking::choose_destination() {
  const std::size_t upstream = request_.destination.upstream;
  const bool connect = request_.head.method == Method::Connect;
  if (upstream == Destination::kForward) {
    if (const auto refused = choose_authority()) return refused;
  } else {
    if (connect) return Failure(Reason::ConnectRefused, Side::Client, 405);
    ENSURE(upstream < origins_.options.upstreams.size());
    const OriginUpstream& chosen = origins_.options.upstreams[upstream];
    balance_ = origins_.balances[upstream].get();
    servers_ = chosen.servers;
    if (chosen.host_field) host_field_ = *chosen.host_field;
  }
  return {};
}

bool Asking::enter_now() {
  const std::size_t upstream = request_.destination.upstream;
  std::optional<IdlePool::Slot> slot = upstream != Destination::kForward
                                           ? origins_.idle.enter_upstream_now(upstream)
                                           : origins_.idle.enter_forward_now(forward_authority());
  if (slot) slot_ = std::move(*slot);
  return slot.has_value();
}

// Waits for a slot; the time that this takes is not the origin's.
Task<std::optional<Failure>> Asking::enter() {
  const std::size_t upstream = request_.destination.upstream;
  Task<Result<IdlePool::Slot>> turn = upstream != Destination::kForward
                                          ? origins_.idle.enter_upstream(upstream, request_.interim)
                                          : origins_.idle.enter_forward(forward_authority(), request_.interim);
  Result<IdlePool::Slot> slot = co_await std::move(turn);
  if (!slot) co_return slot.error();
  slot_ = std::move(*slot);
  began_ = now();
  co_return std::nullopt;
}

std::string Asking::forward_authority() const { return forward_.host + ":" + std::to_string(forward_.port); }

std::optional<Failure> Asking::choose_authority() {
  const RequestHead& head = request_.head;
  const bool connect = head.method == Method::Connect;
  if (!connect && head.scheme == "https") return Failure(Reason::TlsUnsupported, Side::Self, 502);
  if (!connect && head.scheme != "http") return Failure(Reason::UnsupportedScheme, Side::Client, 501);
  std::optional<Authority> authority = split_authority(head.authority);
  // The target of CONNECT always has its port; a normalised authority may have lost the default one.
  if (connect && (!authority || authority->port == 0)) authority = split_authority(head.target);
  if (!authority || (connect && authority->port == 0)) return Failure(Reason::BadTarget, Side::Client, 400);
  forward_.host = std::string(authority->host);
  forward_.port = authority->port != 0 ? authority->port : default_port(head.scheme);
  servers_ = {&forward_, 1};
  const std::vector<AddressPolicy>& policies = origins_.options.forward_policies;
  static const AddressPolicy kStrict{};
  const AddressPolicy& policy = request_.listener < policies.size() ? policies[request_.listener] : kStrict;
  judge_ = AddressJudge(policy, request_.destination.address_rules, request_.destination.otherwise);
  return {};
}

// Chooses the server of the first attempt too.
Ref<OriginConnection> Asking::take_idle() noexcept {
  if (balance_) server_ = *balance_->pick(began_, {});
  Ref<OriginConnection> idle = slot_.take(server_, judge_);
  if (idle) {
    reused_ = true;
    counters_->connections_reused.add();
  }
  return idle;
}

// A new connection to the chosen server; when it cannot be reached, one to the next, where an idle one will do if
// `may_reuse`. A second attempt begins with the same server: it was the connection that died.
Task<Result<Ref<OriginConnection>>> Asking::obtain(bool may_reuse) {
  const IdlePool::Slot& slot = exchange_ ? exchange_->slot() : slot_;
  std::vector<std::size_t> tried;
  for (;;) {
    if (!tried.empty()) {
      if (balance_) server_ = *balance_->pick(now(), tried);
      if (Ref<OriginConnection> idle = may_reuse ? slot.take(server_, judge_) : nullptr) {
        reused_ = true;
        counters_->connections_reused.add();
        co_return idle;
      }
    }
    slot.make_room();
    reused_ = false;
    const OriginServer& server = servers_[server_];
    Result<Ref<OriginConnection>> connection =
        co_await origins_.connector.connect(server.host, server.port, request_.peer->address, judge_, server_, address_);
    if (connection) {
      counters_->connections_opened.add();
      co_return connection;
    }
    if (connection.error().side == Side::Origin) asked_ = true;
    if (connection.error().side == Side::Origin && balance_) balance_->failed(server_, now());
    tried.push_back(server_);
    if (tried.size() >= servers_.size()) co_return connection;
  }
}

H1Exchange& Asking::exchange_over(Ref<OriginConnection> connection) {
  asked_ = true;
  address_ = connection->address();
  if (!exchange_)
    exchange_ = make_ref<H1Exchange>(Ref<IdlePool>(&origins_.idle), std::move(slot_), origins_.worker.deadlines(),
                                     origins_.options.timeouts, origins_.options.limits, request_.head.method);
  exchange_->use(std::move(connection), reused_);
  return *exchange_;
}

// That a kept-alive connection had died says nothing about the server.
void Asking::blame(const Failure& failure) noexcept {
  const bool stale = reused_ && failure.retry == Retry::IfReused;
  if (balance_ && failure.side == Side::Origin && !stale) balance_->failed(server_, now());
}

std::string Asking::render_head() {
  const Request& request = request_;
  OutgoingFraming framing;
  framing.upgrade = request.upgrade;
  const bool body = request.body && request.upgrade.empty();
  framing.chunked = body && !request.body_length;
  if (body) framing.length = request.body_length;
  if (!body && request.upgrade.empty() && (request.body_length || expects_body(request.head.method)))
    framing.length = 0;

  const std::string_view authority = request_.head.authority;
  if (host_field_) request_.head.authority = *host_field_;
  std::string head;
  head.reserve(request_.head.fields.view().wire_size() + request_.head.target.size() + kHeadRoom);
  render_request_head(request_.head, framing, false, head);
  request_.head.authority = authority;
  if (body && request.expects_continue) head.insert(head.size() - 2, "Expect: 100-continue\r\n");
  return head;
}

Task<Reply> Asking::connect_tunnel() {
  Result<Ref<OriginConnection>> connection = co_await obtain(false);
  if (!connection) co_return refuse(connection.error());
  asked_ = true;
  address_ = (*connection)->address();
  auto tunnel =
      make_ref<OriginTunnel>(std::move(slot_), std::move(*connection), std::move(request_.body), std::string(),
                             origins_.options.timeouts.tunnel_idle, origins_.worker);
  Reply reply;
  reply.head.status = 200;
  reply.tunnel = true;
  reply.body.source = co_await open_tunnel(std::move(tunnel));
  account_for(reply, 200);
  co_return reply;
}

Task<Reply> Asking::switch_protocols(ParsedResponse response) {
  Ref<ReplyHead> head = take_head(response);
  Ref<OriginConnection> connection = exchange_->take_connection();
  auto tunnel = make_ref<OriginTunnel>(exchange_->take_slot(), std::move(connection), std::move(request_.body),
                                       exchange_->take_surplus(), origins_.options.timeouts.tunnel_idle,
                                       origins_.worker);
  Reply reply;
  reply.head = ResponseHead(101, head->fields.view());
  reply.tunnel = true;
  reply.upgrade = request_.arena.copy(response.upgrade_value);
  reply.pin = std::move(head);
  reply.body.source = co_await open_tunnel(std::move(tunnel));
  account_for(reply, 101);
  co_return reply;
}

Ref<ReplyHead> Asking::take_head(ParsedResponse& response) noexcept {
  answer_->fields = std::move(response.fields);
  answer_->large = exchange_->head_bytes() > kLargeHead;
  return std::move(answer_);
}

Reply Asking::reply_with(ParsedResponse response) {
  Ref<ReplyHead> head = take_head(response);
  Reply reply;
  reply.head = ResponseHead(response.status, head->fields.view());
  reply.length = declared_length(response);
  reply.pin = std::move(head);
  account_for(reply, response.status);

  const Piece first = exchange_->first_piece(response.framing);
  const Ref<H1Exchange> exchange = std::move(exchange_);
  if (!first.last || exchange->trailers() != nullptr) {
    reply.body.source = std::make_unique<OriginBody>(exchange, first);
  } else if (!first.bytes.empty() || response.framing.body == BodyKind::Chunked) {
    // Its buffer is soon free again: what is so small leaves at once.
    reply.length = first.bytes.size();
    reply.body.whole = Piece(first.bytes, exchange, true);
  }
  return reply;
}

Reply Asking::refuse(const Failure& failure) {
  Failure told = failure;
  if (told.status == 0) told.status = told.side == Side::Client ? 400 : 502;
  Reply reply = make_error_reply(request_, told, origins_.pseudonym);
  if (request_.head.method == Method::Connect) reply.close = true;
  reply.outcome.reason = told.reason;
  account_for(reply, 0);
  if (asked_ && told.side == Side::Origin) counters_->failures.add();
  return reply;
}

void Asking::account_for(Reply& reply, int origin_status) {
  const auto taken = now() - began_;
  Outcome& outcome = reply.outcome;
  outcome.origin_asked = asked_;
  outcome.origin_status = static_cast<std::uint16_t>(origin_status);
  outcome.upstream = request_.destination.upstream;
  outcome.origin_head_time = taken;
  outcome.origin_address = request_.arena.copy(address_);
  if (origin_status == 0) return;
  counters_->requests[code_class(origin_status)].add();
  counters_->duration.observe(taken);
}

}  // namespace freshet
