// Request collapsing (RFC 9111 section 4): one origin request for a key while its head is awaited; the others wait for
// the verdict.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

#include "freshet/base/pin.hpp"
#include "freshet/base/reason.hpp"
#include "freshet/base/waiter.hpp"
#include "freshet/cache/stored_response.hpp"

namespace freshet {

/// What those who wait learn.
enum class FetchVerdict : std::uint8_t {
  Waiting,
  Published,  ///< `response` came, or was freshened: take it if Vary selects it, else look again
  Declined,   ///< not shareable: go to the origin by yourself, without waiting for anybody
  Failed,     ///< no answer came: `reason` and `status` say what to tell the client
};

/// The fetch under way for one key. Any thread. Whoever holds a Ref of it after it has published also holds the body:
/// it is not given up, and its beginning stays. So keep the Ref until you have a reader of your own, and no longer.
class Fetch final : public Pinned {
 public:
  struct Look {
    FetchVerdict verdict = FetchVerdict::Waiting;
    Reason reason = Reason::None;
    int status = 0;
    Ref<StoredResponse> response;
    bool origin_asked = true;  ///< Failed: false when the request may not go there, or found no turn
  };
  /// Waiting: `waiter` has been registered; call leave() before it dies.
  Look look(Waiter& waiter);
  void leave(Waiter& waiter) noexcept;
  std::size_t followers() const noexcept;

  // For Flights, under the shard's lock. What is listed has a Ref there, until just after unlist().
  void enlist() noexcept { listed_.store(true, std::memory_order_release); }
  void unlist() noexcept { listed_.store(false, std::memory_order_release); }

 private:
  friend class FetchTicket;
  friend class Store;
  bool is_followed() const noexcept;
  void settle(Look) noexcept;
  std::atomic<bool> listed_{false};
  mutable std::mutex mutex_;
  Look look_;
  std::optional<StoredBodyReader> hold_;  // for those who wait, until they have come
  WaiterList waiters_;
};

}  // namespace freshet
