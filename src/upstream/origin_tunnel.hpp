// A connection that is not HTTP any more: bytes both ways after a CONNECT or a 101.
#pragma once

#include <memory>
#include <string>

#include "freshet/async/result.hpp"
#include "freshet/async/task.hpp"
#include "freshet/base/pin.hpp"
#include "freshet/base/pipe.hpp"
#include "freshet/exchange/body.hpp"
#include "freshet/net/worker.hpp"
#include "idle_pool.hpp"
#include "origin_connection.hpp"

namespace freshet {

/// Shared by the reply's body (origin to client) and the coroutine that moves the request's body (client to origin).
/// Each direction ends by itself; a failure of one ends both. What comes little by little is copied; a stream that fills
/// the buffer goes through a pipe from then on, as long as it keeps coming. One worker's thread.
class OriginTunnel final : public PipeFiller {
 public:
  /// `early`: what the origin has sent already. `idle`: for how long both directions may be still. `upload` null: the
  /// client sends nothing.
  OriginTunnel(IdlePool::Slot slot, Ref<OriginConnection> connection, std::unique_ptr<BodySource> upload,
               std::string early, Milliseconds idle, Worker& worker);
  ~OriginTunnel() override;

  /// To be spawned, once.
  static Task<void> run_upload(Ref<OriginTunnel> self);
  Task<Result<Piece>> read();
  Task<Result<Piece>> read_or_pipe(PipeLease& pipe);
  /// Ends both directions.
  void stop() noexcept;
  /// The origin has sent its last byte and read() has said so.
  bool origin_ended() const noexcept { return origin_ended_; }
  bool has_upload() const noexcept { return upload_ != nullptr; }

 private:
  static void idle_too_long(void* self) noexcept;
  void bytes_moved_on() noexcept override { progress(); }
  void progress() noexcept;
  Task<Result<Piece>> read_piped(PipeLease& pipe);
  Result<Piece> after_read(IoResult result) noexcept;
  Task<Result<Piece>> read_upload(PipeLease& pipe);
  Task<bool> send(const Piece& piece, PipeLease& pipe);
  Failure broken() const noexcept;

  IdlePool::Slot slot_;
  Ref<OriginConnection> connection_;
  std::unique_ptr<BodySource> upload_;
  std::string early_;
  std::unique_ptr<std::byte[]> buffer_;
  const Milliseconds patience_;
  Deadline idle_;
  PipePool& pipes_;
  bool in_bulk_ = false;  // the last read from the origin filled the buffer
  bool expired_ = false;
  bool stopped_ = false;
  bool origin_ended_ = false;
};

/// Starts the upload and returns the body for the reply. Destroying that before its last piece ends the tunnel; after
/// it, the client's direction goes on until it ends.
Task<std::unique_ptr<BodySource>> open_tunnel(Ref<OriginTunnel> tunnel);

}  // namespace freshet
