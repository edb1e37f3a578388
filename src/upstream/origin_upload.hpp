// A request's body on its way to the origin, moved by a coroutine of its own so that the answer may come first.
//
//   link      kept bytes      meaning
//   up        growing         sending on a reused connection; all that was sent can be sent again on another one
//   up        none            sending; this connection is the only chance
//   down      some            the connection died; serve() dials again and then calls attach(), or stop()
//   down      none            the origin takes no more; what it answers is still read
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "freshet/async/result.hpp"
#include "freshet/async/task.hpp"
#include "freshet/async/wakeup.hpp"
#include "freshet/base/pin.hpp"
#include "freshet/exchange/body.hpp"
#include "origin_connection.hpp"

namespace freshet {

/// Shared by the exchange and the coroutine. One worker's thread.
class OriginUpload final : public Pinned {
 public:
  /// How much is kept for another attempt, in bytes as they are sent.
  static constexpr std::size_t kMaxKept = 64 * 1024;

  /// `length` empty: chunked. `keep`: another attempt may become necessary. `patience`: for each step of writing.
  OriginUpload(std::unique_ptr<BodySource> body, std::optional<std::uint64_t> length, bool keep, Milliseconds patience);

  /// Moves the body until its end, a failure, or stop(). To be spawned, once. The deadline while it reads the body is
  /// the client's, kept by whoever made the source.
  static Task<void> run(Ref<OriginUpload> self);

  /// The connection that run() writes to from now on. `first_byte`: armed there once the body is complete.
  void attach(Ref<OriginConnection> link, Milliseconds first_byte) noexcept;
  /// The same for the second attempt: what was kept has been sent on `link` already, and no more is kept.
  void attach_again(Ref<OriginConnection> link, Milliseconds first_byte) noexcept;
  /// The connection is dead: run() writes nothing until attach().
  void detach() noexcept { link_ = nullptr; }
  /// All bytes of the body that have been sent, as they were sent; empty when nothing was, or when can_repeat() is
  /// false.
  const std::string& kept() const noexcept { return kept_; }
  bool can_repeat() const noexcept { return keep_ && !failure_; }
  /// The answer has begun: no other attempt will follow.
  void answered() noexcept;
  /// Its final head has come: nobody waits for a first byte any more.
  void head_came() noexcept { head_came_ = true; }
  /// Nobody wants the rest: the body is cancelled.
  void stop() noexcept;

  /// The origin has got all of it.
  bool complete() const noexcept { return complete_; }
  /// Reading the body failed: the client's fault, or memory ran out.
  const std::optional<Failure>& failure() const noexcept { return failure_; }

 private:
  class Running;
  Task<bool> send(Ref<OriginConnection> link, Piece& piece, bool last);
  bool is_last(const Piece&) noexcept;
  void keep(std::string_view start, std::span<const std::byte> bytes, std::string_view end, bool last);
  void completed() noexcept;

  std::unique_ptr<BodySource> body_;
  const std::optional<std::uint64_t> length_;
  const Milliseconds patience_;
  Milliseconds first_byte_{0};
  Ref<OriginConnection> link_;
  Wakeup wakeup_;
  std::string kept_;
  std::uint64_t read_ = 0;
  std::optional<Failure> failure_;
  bool keep_;
  bool kept_all_ = false;
  bool head_came_ = false;
  bool complete_ = false;
  bool running_ = true;
  bool stopped_ = false;
};

}  // namespace freshet
