#include "origin_tunnel.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "freshet/async/spawn.hpp"
#include "freshet/async/yield.hpp"

namespace freshet {
namespace {

constexpr std::size_t kBuffer = 16 * 1024;

class OriginTunnelBody final : public BodySource {
 public:
  explicit OriginTunnelBody(Ref<OriginTunnel> tunnel) : tunnel_(std::move(tunnel)) {}
  ~OriginTunnelBody() override {
    if (!tunnel_->origin_ended()) tunnel_->stop();
  }
  Task<Result<Piece>> read() override { return tunnel_->read(); }
  Task<Result<Piece>> read_or_pipe(PipeLease& pipe) override { return tunnel_->read_or_pipe(pipe); }
  void cancel() noexcept override { tunnel_->stop(); }

 private:
  Ref<OriginTunnel> tunnel_;
};

}  // namespace

OriginTunnel::OriginTunnel(IdlePool::Slot slot, Ref<OriginConnection> connection, std::unique_ptr<BodySource> upload,
                           std::string early, Milliseconds idle, Worker& worker)
    : slot_(std::move(slot)),
      connection_(std::move(connection)),
      upload_(std::move(upload)),
      early_(std::move(early)),
      patience_(idle),
      idle_(worker.deadlines(), &OriginTunnel::idle_too_long, this),
      pipes_(worker.pipes()) {
  idle_.arm(patience_);
}

OriginTunnel::~OriginTunnel() { connection_->close(); }

void OriginTunnel::idle_too_long(void* self) noexcept {
  auto& tunnel = *static_cast<OriginTunnel*>(self);
  tunnel.expired_ = true;
  tunnel.stop();
}

void OriginTunnel::progress() noexcept {
  if (!stopped_) idle_.arm(patience_);
}

// Nobody may take for complete what was cut off: hence the reset.
void OriginTunnel::stop() noexcept {
  if (stopped_) return;
  stopped_ = true;
  idle_.disarm();
  connection_->abort();
  if (upload_) upload_->cancel();
}

Task<void> OriginTunnel::run_upload(Ref<OriginTunnel> self) {
  OriginTunnel& tunnel = *self;
  PipeLease pipe(
      tunnel.pipes_, [](void* tunnel_moved) noexcept { static_cast<OriginTunnel*>(tunnel_moved)->progress(); }, &tunnel);
  Turns turns;
  for (bool last = false; !last && !tunnel.stopped_;) {
    const Result<Piece> piece = co_await tunnel.read_upload(pipe);
    if (!piece) {
      tunnel.stop();
      break;
    }
    if (tunnel.stopped_) break;
    tunnel.progress();
    last = piece->last;
    const std::size_t size = std::max(piece->bytes.size(), pipe.held());
    const bool sent = co_await tunnel.send(*piece, pipe);
    if (!sent) {
      tunnel.stop();
      break;
    }
    tunnel.progress();
    if (last) tunnel.connection_->shutdown_write();
    if (!last && turns.over(size)) co_await yield();
  }
  tunnel.upload_.reset();
}

Task<Result<Piece>> OriginTunnel::read_upload(PipeLease& pipe) {
  return connection_->can_pipe() ? upload_->read_or_pipe(pipe) : upload_->read();
}

// Bounded by the tunnel's own deadline, which the other direction moves too.
Task<bool> OriginTunnel::send(const Piece& piece, PipeLease& pipe) {
  if (pipe.held() > 0) co_return co_await connection_->pipe_out(pipe);
  std::array<std::span<const std::byte>, 1> pieces{piece.bytes};
  const std::span<std::span<const std::byte>> all(pieces);
  co_return co_await connection_->write(all, Milliseconds(0));
}

Failure OriginTunnel::broken() const noexcept {
  return expired_ ? Failure(Reason::TunnelIdle, Side::Self, 0) : Failure(Reason::ConnectionReset, Side::Origin, 0);
}

Task<Result<Piece>> OriginTunnel::read() {
  if (stopped_) co_return broken();
  if (origin_ended_) co_return Piece({}, nullptr, true);
  progress();
  const bool early = !early_.empty();
  const std::size_t size = std::max(kBuffer, early_.size());
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<std::byte[]>(size);
  const std::span<std::byte> room(buffer_.get(), kBuffer);
  if (early) {
    std::memcpy(buffer_.get(), early_.data(), early_.size());
    const std::span<const std::byte> bytes(buffer_.get(), early_.size());
    early_ = {};
    co_return Piece(bytes, nullptr, false);
  }
  const IoResult result = co_await connection_->read(room);
  in_bulk_ = result.size >= kBuffer;
  Result<Piece> piece = after_read(result);
  if (piece) piece->bytes = room.first(result.size);
  co_return std::move(piece);
}

Task<Result<Piece>> OriginTunnel::read_or_pipe(PipeLease& pipe) {
  const bool piped = in_bulk_ && early_.empty() && !stopped_ && !origin_ended_ && connection_->can_pipe();
  return piped ? read_piped(pipe) : read();
}

Task<Result<Piece>> OriginTunnel::read_piped(PipeLease& pipe) {
  progress();
  const IoResult result = co_await connection_->pipe_in(pipe);
  if (pipe.held() > 0) pipe.tell(Ref<PipeFiller>(this));
  if (result.state == IoResult::State::Unable && !stopped_) co_return co_await read();
  in_bulk_ = result.size >= Transport::kThin;
  co_return after_read(result);
}

Result<Piece> OriginTunnel::after_read(IoResult result) noexcept {
  if (stopped_) return broken();
  progress();
  origin_ended_ = result.state == IoResult::State::End;
  if (origin_ended_ || result.state == IoResult::State::Done) return Piece({}, nullptr, origin_ended_);
  stop();
  return broken();
}

Task<std::unique_ptr<BodySource>> open_tunnel(Ref<OriginTunnel> tunnel) {
  if (tunnel->has_upload()) {
    Task<void> upload = OriginTunnel::run_upload(tunnel);
    co_await spawn(std::move(upload));
  }
  co_return std::make_unique<OriginTunnelBody>(std::move(tunnel));
}

}  // namespace freshet
