// One worker and all that serves on it: its origin pool, its end of the pipeline, its listeners.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "freshet/config/settings.hpp"
#include "freshet/frontend/listener.hpp"
#include "freshet/metrics/counters.hpp"
#include "freshet/net/wheel_pause.hpp"
#include "freshet/net/worker.hpp"
#include "freshet/proxy/caching_proxy.hpp"
#include "freshet/upstream/origin_pool.hpp"

namespace freshet {

/// What all workers share; outlives them.
struct Shared {
  const Settings& settings;
  const Clock& clock;
  const ProxyOptions& proxy;
  Store& store;
  Resolver* resolver = nullptr;  ///< set before the sites start
  AccessLog* access_log = nullptr;
  unsigned workers = 1;
  std::size_t connections = 1;  ///< of clients, all workers together
  ClientTable* clients = nullptr;
  std::vector<unsigned> processors = {};  ///< that the workers are to stay on, in turn; empty: they go where the system puts them
  std::size_t pipes = 0;                  ///< for tunnels, of each worker
};

/// Made and destroyed by the main thread, before the worker starts and after it has been joined. Shares no cache line with another one.
class alignas(64) Site {
 public:
  Site(unsigned index, const Shared& shared);
  ~Site();

  /// Opens this worker's socket for each listener. `ports`: what the first worker got, for listeners on port 0; filled by the first. False, with
  /// `error` set, when one cannot be had.
  bool open(std::vector<std::uint16_t>& ports, std::string& error);
  /// Builds the pipeline and starts the thread. `own`: every address this process listens on.
  void start(const std::vector<OriginServer>& own);
  Worker& worker() noexcept { return worker_; }
  /// Any thread: stop accepting, finish what is under way.
  void drain();
  /// Any thread: cut what is still under way.
  void abort();
  /// Ends the thread, whatever is under way.
  void stop() noexcept;
  /// Destroys what was under way. REQUIRES: stopped.
  void discard() noexcept { worker_.discard(); }

  const WorkerCounters& counters() const noexcept { return counters_; }
  /// Client connections right now. Any thread.
  std::uint64_t connections() const noexcept;
  const OriginPool& pool() const noexcept { return *pool_; }

 private:
  std::optional<unsigned> processor() const noexcept;

  const Shared& shared_;
  Worker worker_;
  WheelPause pause_{worker_.deadlines()};
  WorkerCounters counters_;
  SessionLimits limits_;
  std::vector<boost::asio::ip::tcp::acceptor> acceptors_;
  std::unique_ptr<OriginPool> pool_;
  std::unique_ptr<Service> proxy_;
  std::vector<SessionOptions> options_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

}  // namespace freshet
