// Who is served: the limits on connections, in total and for each client address.
#pragma once

#include <optional>
#include <string_view>

#include "freshet/base/reason.hpp"
#include "freshet/frontend/listener.hpp"

namespace freshet {

/// Why a connection from `client` (an IP literal) would be refused now; None when it would not.
Reason would_refuse(const SessionLimits& limits, std::string_view client) noexcept;

/// A connection's place in the limits, from its beginning to its end. On the worker's thread.
class Admission {
 public:
  /// Takes a place. `limits` and the table of clients outlive it.
  Admission(SessionLimits& limits, std::string_view client) noexcept;
  ~Admission();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  /// None when the connection is to be served; then it is counted until the end.
  Reason refusal() const noexcept { return refusal_; }
  /// It is counted as being served.
  bool holds() const noexcept { return refusal_ == Reason::None && !given_up_; }
  /// Frees the place before the end. REQUIRES: holds().
  void give_up() noexcept;

 private:
  SessionLimits& limits_;
  std::optional<ClientKey> client_;  // that is counted
  Reason refusal_;
  bool given_up_ = false;
};

/// A tunnel's place, from the moment that it is let through to its end. On the worker's thread.
class TunnelPlace {
 public:
  explicit TunnelPlace(SessionLimits& limits) noexcept : limits_(limits) { ++limits_.tunnels; }
  ~TunnelPlace() { --limits_.tunnels; }
  TunnelPlace(const TunnelPlace&) = delete;
  TunnelPlace& operator=(const TunnelPlace&) = delete;

 private:
  SessionLimits& limits_;
};

}  // namespace freshet
