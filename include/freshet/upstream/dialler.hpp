// How connections are made: TCP in the program, memory in tests.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <vector>

#include "freshet/async/result.hpp"
#include "freshet/async/task.hpp"
#include "freshet/net/transport.hpp"
#include "freshet/upstream/origin_pool.hpp"

namespace freshet {

/// Connects to one address. One worker's thread.
class Dialler {
 public:
  virtual ~Dialler() = default;
  /// Failure: ConnectionRefused, Unreachable (502), ConnectTimeout (504) of the origin's side; UpstreamBusy (503) of
  /// our own when this machine has no port or descriptor left.
  virtual Task<Result<std::unique_ptr<Transport>>> dial(boost::asio::ip::tcp::endpoint, Milliseconds within) = 0;
};

std::unique_ptr<Dialler> make_tcp_dialler(Worker&);

/// The addresses of this machine's network interfaces, loopback included.
std::vector<boost::asio::ip::address> local_addresses();

/// The pool with a dialler of one's own. `local`: the addresses that a wildcard listener is reached by, besides
/// loopback ones.
std::unique_ptr<OriginPool> make_origin_pool(OriginPoolOptions, Worker&, Resolver&, WorkerCounters&,
                                             std::string pseudonym, std::unique_ptr<Dialler>,
                                             const std::vector<boost::asio::ip::address>& local);

}  // namespace freshet
