// Notices that a client has left while nothing is written to it: an origin that says nothing must not be waited for on
// behalf of nobody.
#pragma once

#include <cstdint>

#include "connection.hpp"
#include "freshet/exchange/body.hpp"
#include "freshet/net/deadline_wheel.hpp"

namespace freshet {

/// While it lives, looks each kInterval whether the client is still there, and cancels `source` when it is not. Not as
/// long as bytes move, or wait to be taken: then writing tells. One thread; all that it is given outlives it.
class ClientWatch {
 public:
  static constexpr Milliseconds kInterval{1000};
  ClientWatch(DeadlineWheel& wheel, Connection& connection, BodySource& source) noexcept
      : tick_(
            wheel, [](void* self) noexcept { static_cast<ClientWatch*>(self)->look(); }, this),
        connection_(connection),
        source_(source),
        written_(connection.written()) {
    tick_.arm(kInterval);
  }
  ClientWatch(const ClientWatch&) = delete;
  ClientWatch& operator=(const ClientWatch&) = delete;
  bool saw_client_leave() const noexcept { return left_; }

 private:
  void look() noexcept {
    const bool silent = connection_.written() == written_ && !connection_.flushing();
    written_ = connection_.written();
    left_ = silent && !connection_.dead() && connection_.is_client_gone();
    if (!left_) return tick_.arm(kInterval);
    source_.cancel();
  }

  Deadline tick_;
  Connection& connection_;
  BodySource& source_;
  std::uint64_t written_;
  bool left_ = false;
};

}  // namespace freshet
