#include "tunnel_relay.hpp"

#include "freshet/async/yield.hpp"

namespace freshet {

TunnelRelay::TunnelRelay(Ref<Connection> connection, Ref<RequestBody> from_client, Worker& worker, Milliseconds idle,
                         WorkerCounters& counters)
    : connection_(std::move(connection)),
      from_client_(std::move(from_client)),
      pipes_(worker.pipes()),
      counters_(counters),
      idle_(idle),
      deadline_(
          worker.deadlines(), [](void* self) noexcept { static_cast<TunnelRelay*>(self)->idle_for_too_long(); }, this) {
  counters_.tunnels_active.add();
  // What the client sent before the tunnel stood.
  counters_.tunnel_bytes_in.add(from_client_->received());
  client_failed_ = from_client_->failed();
  from_client_->set_watch(this);
  // Both ends may be silent for as long as the tunnel may be idle, and a slow reader is not worse than a silent one.
  connection_->be_patient(idle_);
}

TunnelRelay::~TunnelRelay() {
  from_client_->set_watch(nullptr);
  counters_.tunnels_active.subtract();
}

Task<Reason> TunnelRelay::run(BodySource* to_client) {
  deadline_.arm(idle_);
  const bool head_sent = co_await connection_->flush();
  if (!head_sent) co_return was_idle_ ? Reason::TunnelIdle : Reason::ClientClosed;
  source_ = to_client;
  if (to_client) {
    const Reason broken = co_await pump_to_client(*to_client);
    source_ = nullptr;
    if (broken != Reason::None) co_return broken;
  }
  connection_->shutdown_write();
  co_await from_client_->wait_until_over();
  if (was_idle_) co_return Reason::TunnelIdle;
  co_return from_client_->failed() ? Reason::ClientClosed : Reason::None;
}

Task<Reason> TunnelRelay::pump_to_client(BodySource& source) {
  const bool can_pipe = connection_->can_pipe();
  PipeLease pipe(
      pipes_, [](void* self) noexcept { static_cast<TunnelRelay*>(self)->bytes_moved_on(); }, this);
  Turns turns;
  for (;;) {
    if (was_idle_) co_return Reason::TunnelIdle;
    if (client_failed_) co_return Reason::ClientClosed;
    Task<Result<Piece>> reading = can_pipe ? source.read_or_pipe(pipe) : source.read();
    Result<Piece> got = co_await std::move(reading);
    if (was_idle_) co_return Reason::TunnelIdle;
    if (client_failed_) co_return Reason::ClientClosed;
    if (!got) co_return got.error().reason;
    const Piece piece = std::move(*got);
    const std::uint64_t before = connection_->written();
    if (pipe.held() > 0)
      connection_->add_pipe(pipe);
    else
      connection_->out().add(piece.bytes);
    const bool sent = co_await connection_->flush();
    const std::uint64_t moved = connection_->written() - before;
    to_client_bytes_ += moved;
    counters_.tunnel_bytes_out.add(moved);
    if (!sent) co_return was_idle_ ? Reason::TunnelIdle : Reason::ClientClosed;
    if (moved > 0) deadline_.arm(idle_);
    if (piece.last) co_return Reason::None;
    if (turns.over(moved)) co_await yield();
  }
}

void TunnelRelay::client_sent(std::size_t bytes) noexcept {
  counters_.tunnel_bytes_in.add(bytes);
  bytes_moved_on();
}

void TunnelRelay::bytes_moved_on() noexcept {
  if (!was_idle_) deadline_.arm(idle_);
}

void TunnelRelay::client_failed() noexcept {
  client_failed_ = true;
  if (source_) source_->cancel();
}

void TunnelRelay::idle_for_too_long() noexcept {
  was_idle_ = true;
  if (source_) source_->cancel();
  from_client_->interrupt();
  // Nobody may take for complete what was cut off.
  if (connection_->has_written_all())
    connection_->close();
  else
    connection_->abort();
}

}  // namespace freshet
