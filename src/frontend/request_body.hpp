// The body of one request, cut out of the connection's bytes as it is asked for.
//
//   part           what it does
//   the source     given to the service, which may move it to another coroutine and keep it for as long as it likes
//   RequestBody    the state that source and session share
//   the session    asks how far the body has come, stops the source after the reply, drains the rest
//
// After stop() no byte is read for the source any more, and what it was given last stays readable until it is
// destroyed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "connection.hpp"
#include "freshet/async/wakeup.hpp"
#include "freshet/base/pin.hpp"
#include "freshet/base/pipe.hpp"
#include "freshet/codec/h1_reader.hpp"
#include "freshet/exchange/body.hpp"

namespace freshet {

/// Told what happens on the client's half of a tunnel.
class TunnelWatch {
 public:
  virtual void client_sent(std::size_t bytes) noexcept = 0;
  /// What it sent before moves on.
  virtual void bytes_moved_on() noexcept = 0;
  /// The client is gone, not merely done with sending.
  virtual void client_failed() noexcept = 0;

 protected:
  ~TunnelWatch() = default;
};

/// Half a tunnel that comes as a stream is read by pipe. One thread; at most one coroutine in read() or drain().
class RequestBody final : public PipeFiller {
 public:
  struct Limits {
    std::uint64_t bytes;   ///< beyond: Failure{BodyTooLarge, 413}
    Milliseconds between;  ///< pieces; beyond: Failure{RequestTimeout, 408}. Not for tunnels
    RateFloor rate;        ///< below: Failure{SendsTooSlowly, 408}. Not for tunnels
  };
  /// `framing.body`: Length, Chunked, or Tunnel for all bytes until the client's end. `asks_first`: the client waits
  /// for a 100 before it sends (RFC 9110 10.1.1).
  RequestBody(Ref<Connection> connection, const FramingVerdict& framing, bool asks_first, const Limits& limits);

  /// To be called once.
  std::unique_ptr<BodySource> make_source();

  // For the session.

  bool is_tunnel() const noexcept { return kind_ == BodyKind::Tunnel; }
  /// The last byte has been taken off the connection: what follows is the next request.
  bool complete() const noexcept { return complete_; }
  /// Malformed, too large, cut short or too slow.
  bool failed() const noexcept { return failure_.has_value(); }
  const std::optional<Failure>& failure() const noexcept { return failure_; }
  std::uint64_t received() const noexcept { return received_; }
  /// How much is to come, when the framing tells.
  std::optional<std::uint64_t> left() const noexcept;
  /// The client waits for a 100: none has been sent, and nothing of the body has come.
  bool awaits_continue() const noexcept { return asks_first_ && received_ == 0 && connection_->in().empty(); }
  bool continue_sent() const noexcept { return continue_sent_; }
  void continue_was_sent() noexcept {
    asks_first_ = false;
    continue_sent_ = true;
  }
  /// The final reply has begun: a 100 would come too late.
  void reply_begun() noexcept { reply_begun_ = true; }
  /// Somebody still holds the source.
  bool has_source() const noexcept { return has_source_; }
  bool is_being_read() const noexcept { return reading_; }
  /// Throws away what has been received already. REQUIRES: !has_source() and !is_being_read().
  void skip_buffered();
  /// Ends a read that is under way, makes later ones fail, and detaches the source from the connection's memory.
  Task<void> stop();
  /// Reads and discards the rest; false when that takes more than `bytes` or `time`, or fails. REQUIRES: stop().
  Task<bool> drain(std::uint64_t bytes, Milliseconds time);
  /// Until the client's half of a tunnel has ended, or nobody wants it any more, or interrupt().
  Task<void> wait_until_over();
  void interrupt() noexcept;
  void set_watch(TunnelWatch* watch) noexcept { watch_ = watch; }

 private:
  class Source;
  class Reading;
  void bytes_moved_on() noexcept override {
    if (watch_) watch_->bytes_moved_on();
  }
  Task<Result<Piece>> read(PipeLease* pipe);
  Task<Result<Piece>> next_piece(PipeLease* pipe);
  Task<void> ask_to_continue();
  std::optional<Result<Piece>> take_buffered();
  Task<Arrival> wait_for_more(PipeLease* pipe);
  Result<Piece> after_wait(Arrival) noexcept;
  Result<Piece> fail(Reason, int status) noexcept;
  Failure stopped() const noexcept;
  bool counted(std::size_t bytes) noexcept;
  void cancel() noexcept;
  void source_gone() noexcept;

  Ref<Connection> connection_;
  H1BodyReader reader_;
  BodyKind kind_;
  Limits limits_;
  Pace pace_;
  std::uint64_t length_;
  std::uint64_t received_ = 0;
  std::optional<Failure> failure_;
  Pin last_given_;
  TunnelWatch* watch_ = nullptr;
  Wakeup changed_;
  bool asks_first_;
  bool continue_sent_ = false;
  bool reply_begun_ = false;
  bool complete_ = false;
  bool has_source_ = false;
  bool reading_ = false;
  bool cancelled_ = false;
  bool stopped_ = false;
  bool interrupted_ = false;
};

}  // namespace freshet
