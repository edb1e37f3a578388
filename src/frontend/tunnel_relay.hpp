// After 101 or 2xx to CONNECT: the reply's source to the client, while the service pumps the other way from the
// request's source.
#pragma once

#include <cstdint>

#include "connection.hpp"
#include "freshet/exchange/body.hpp"
#include "freshet/metrics/counters.hpp"
#include "request_body.hpp"

namespace freshet {

/// Lives in the session's coroutine while the tunnel stands. One thread.
//
//   half             ends when                                        then
//   to the client    the reply's source says `last`                   shutdown_write
//   from the client  the client's end, or the source is destroyed     the service's business
//   both             idle for too long, client gone, source failed    everything is closed
class TunnelRelay final : private TunnelWatch {
 public:
  TunnelRelay(Ref<Connection> connection, Ref<RequestBody> from_client, Worker& worker, Milliseconds idle,
              WorkerCounters& counters);
  ~TunnelRelay();
  TunnelRelay(const TunnelRelay&) = delete;
  TunnelRelay& operator=(const TunnelRelay&) = delete;

  /// The head lies in connection->out(). `to_client` may be null: nothing will come. Returns when both halves have
  /// ended: None, or why it was broken off (TunnelIdle, ClientClosed, or the source's reason).
  Task<Reason> run(BodySource* to_client);
  std::uint64_t bytes_to_client() const noexcept { return to_client_bytes_; }

 private:
  Task<Reason> pump_to_client(BodySource& source);
  void client_sent(std::size_t bytes) noexcept override;
  void bytes_moved_on() noexcept override;
  void client_failed() noexcept override;
  void idle_for_too_long() noexcept;

  Ref<Connection> connection_;
  Ref<RequestBody> from_client_;
  PipePool& pipes_;
  WorkerCounters& counters_;
  const Milliseconds idle_;
  Deadline deadline_;
  BodySource* source_ = nullptr;
  std::uint64_t to_client_bytes_ = 0;
  bool was_idle_ = false;
  bool client_failed_ = false;
};

}  // namespace freshet
