// The admin endpoint: a worker of its own, so that metrics and health are answered whatever the others do.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "freshet/admin/admin_service.hpp"
#include "freshet/config/account.hpp"
#include "freshet/config/settings.hpp"
#include "freshet/frontend/listener.hpp"
#include "freshet/net/unix_socket.hpp"
#include "freshet/net/worker.hpp"

namespace freshet {

class AdminSite {
 public:
  AdminSite(unsigned index, const Clock& clock, AdminOptions options);
  ~AdminSite();
  /// Takes the port, or makes the socket, which `owner` gets; false with `error` set when it cannot be had.
  bool open(const AdminBind& bind, const std::optional<Account>& owner, std::string& error);
  /// Starts the thread. REQUIRES: open() was good.
  void start();
  /// 0 on a Unix socket.
  std::uint16_t port() const noexcept { return port_; }
  void stop() noexcept;

 private:
  Worker worker_;
  WorkerCounters counters_{1, 0};  // of the admin pages themselves; not exported
  SessionLimits limits_;
  std::unique_ptr<Service> service_;
  SessionOptions options_;
  std::unique_ptr<Listener> listener_;
  UnixSocketFile socket_;
  std::uint16_t port_ = 0;
};

}  // namespace freshet
