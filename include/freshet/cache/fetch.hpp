// Request collapsing (RFC 9111 section 4): one origin request for a key while its head is awaited; the others wait for
// the verdict.
#pragma once

#include <cstdint>
#include <mutex>

#include "freshet/base/pin.hpp"
#include "freshet/base/reason.hpp"
#include "freshet/base/waiter.hpp"

namespace freshet {

/// What those who wait learn.
enum class FetchVerdict : std::uint8_t {
  Waiting,
  Published,  ///< a response is in the store, or was freshened: look again
  Declined,   ///< not shareable: go to the origin by yourself, without waiting for anybody
  Failed,     ///< no answer came: `reason` and `status` say what to tell the client
};

/// The fetch under way for one key. Any thread.
class Fetch final : public Pinned {
 public:
  struct Look {
    FetchVerdict verdict = FetchVerdict::Waiting;
    Reason reason = Reason::None;
    int status = 0;
  };
  /// Waiting: `waiter` has been registered; call leave() before it dies.
  Look look(Waiter& waiter);
  void leave(Waiter& waiter) noexcept;
  std::size_t followers() const noexcept;

 private:
  friend class FetchTicket;
  friend class Store;
  void settle(Look);
  mutable std::mutex mutex_;
  Look look_;
  WaiterList waiters_;
};

}  // namespace freshet
