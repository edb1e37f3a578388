// What we tell the service manager that started us: sd_notify(3)'s protocol, without its library.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/net/worker.hpp"

namespace freshet {

/// One datagram for each message to the socket that $NOTIFY_SOCKET names: a path, or after '@' an abstract name.
/// Without the variable nothing happens. Main thread only.
class Supervisor {
 public:
  /// Reads $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID.
  Supervisor();
  /// "READY=1", "STOPPING=1": lines as sd_notify(3) has them. Never waits; what cannot be delivered is lost.
  void tell(std::string_view lines) const noexcept;
  /// The manager waits for signs of life from this process (WatchdogSec=).
  bool watches() const noexcept { return watches_; }

 private:
  std::string socket_;
  bool watches_ = false;
};

/// Whether the event loops of all workers still turn. One thread asks; the workers outlive it.
class Pulse {
 public:
  void watch(Worker& worker) { workers_.push_back(&worker); }
  /// True when everybody has answered what the last call asked; then asks anew.
  bool felt();

 private:
  std::vector<Worker*> workers_;
  std::shared_ptr<std::atomic<std::size_t>> silent_ = std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace freshet
