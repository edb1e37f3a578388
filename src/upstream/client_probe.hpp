// Notices that the client of a request has left while its origin says nothing.
#pragma once

#include "freshet/base/clock.hpp"
#include "freshet/exchange/service.hpp"
#include "freshet/net/deadline_wheel.hpp"

namespace freshet {

/// While it lives, asks `client` each kInterval whether it is still there, and calls `left` once when it is not. One
/// worker's thread; `client` and `owner` outlive it.
class ClientProbe {
 public:
  static constexpr Milliseconds kInterval{1000};
  ClientProbe(DeadlineWheel& wheel, Interim& client, void (*left)(void* owner) noexcept, void* owner) noexcept
      : tick_(
            wheel, [](void* self) noexcept { static_cast<ClientProbe*>(self)->look(); }, this),
        client_(client),
        left_(left),
        owner_(owner) {
    tick_.arm(kInterval);
  }
  ClientProbe(const ClientProbe&) = delete;
  ClientProbe& operator=(const ClientProbe&) = delete;

 private:
  void look() noexcept {
    if (!client_.is_client_gone()) return tick_.arm(kInterval);
    left_(owner_);
  }

  Deadline tick_;
  Interim& client_;
  void (*left_)(void* owner) noexcept;
  void* owner_;
};

}  // namespace freshet
