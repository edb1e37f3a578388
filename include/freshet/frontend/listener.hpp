// Accepts clients for one listener on one worker and runs a session for each.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "freshet/codec/h1_reader.hpp"
#include "freshet/exchange/service.hpp"
#include "freshet/frontend/client_table.hpp"
#include "freshet/frontend/rate_floor.hpp"
#include "freshet/metrics/access_log.hpp"
#include "freshet/metrics/counters.hpp"
#include "freshet/net/listen_socket.hpp"
#include "freshet/net/transport.hpp"
#include "freshet/net/worker.hpp"

namespace freshet {

struct SessionOptions {
  HeadLimits head;
  std::uint64_t max_request_body = UINT64_MAX;  ///< beyond: 413
  Milliseconds head_timeout{10000};     ///< from a request's first byte to the end of its head: 408
  Milliseconds body_timeout{30000};     ///< between two pieces of a request body
  Milliseconds idle_timeout{60000};     ///< between two requests
  Milliseconds write_timeout{60000};    ///< a client that takes nothing for so long
  Milliseconds tunnel_idle{600000};
  RateFloor rate;                       ///< for request bodies and responses
  std::string pseudonym = "freshet";
  std::string name;                     ///< of the listener, for the log
  std::uint16_t listener = 0;           ///< index for metrics and Request::listener
};

/// So many connections of a worker get an answer to take along while they are refused, and a moment to read it. Beyond,
/// they are closed where they are accepted: a flood must not cost what those who are served cost.
inline constexpr std::size_t kRefusedAtOnce = 64;

class SessionPool;

/// Connections and tunnels of all listeners of one worker together, what they share, and the word that it is time to go.
struct SessionLimits {
  std::size_t max_connections = 10000;  ///< of this worker; beyond: 503 and close
  std::size_t open = 0;                 ///< that are served
  std::size_t turned_away = 0;          ///< that are being refused
  std::size_t max_tunnels = 10000;      ///< of this worker; beyond: 503
  std::size_t tunnels = 0;              ///< open or asked for
  ClientTable* clients = nullptr;       ///< of all workers; null: addresses are not counted. Outlives the sessions
  bool draining = false;                ///< finish the request under way, then close
  std::shared_ptr<SessionPool> sessions;  ///< of this worker, for whoever is busy; made by the first who needs it
};

/// Owned by the worker's object graph; all calls on the worker's thread. `service`, `counters` and `log` outlive every session.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void start() = 0;
  /// Closes the listening socket and idle connections; sessions with a request under way finish it (with Connection: close).
  virtual void drain() = 0;
  /// Ends all sessions now.
  virtual void abort() = 0;
  virtual std::size_t sessions() const noexcept = 0;
};

std::unique_ptr<Listener> make_listener(boost::asio::ip::tcp::acceptor, Worker&, Service&, SessionOptions, SessionLimits&,
                                        WorkerCounters&, AccessLog* log);

/// One connection that is already there, over any Transport: what the listener runs, and what tests use.
Task<void> run_h1_session(std::unique_ptr<Transport>, Peer, Worker&, Service&, const SessionOptions&, SessionLimits&,
                          WorkerCounters&, AccessLog* log);

}  // namespace freshet
