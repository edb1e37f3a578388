// Names to addresses without blocking a worker.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <memory>
#include <string_view>
#include <vector>

#include "freshet/async/result.hpp"
#include "freshet/async/task.hpp"
#include "freshet/base/clock.hpp"

namespace freshet {

/// Resolves host names. resolve() may be called by any worker; it resumes on the caller's executor.
class Resolver {
 public:
  virtual ~Resolver() = default;
  /// All A and AAAA addresses, in the order in which they should be tried; never an empty list. IP literals (with or without
  /// brackets) come back as they are. Failure: DnsFailed, DnsTimeout (both 502/504, Side::Origin).
  virtual Task<Result<std::vector<boost::asio::ip::address>>> resolve(std::string_view host) = 0;
};

struct ResolverOptions {
  Milliseconds timeout{5000};
  Seconds keep_good{30};   ///< getaddrinfo tells no TTL
  Seconds keep_bad{2};
  std::size_t max_names = 10000;
  unsigned threads = 4;
};

/// getaddrinfo(3) on a few threads of its own, with a bounded cache shared by all workers; one look-up at a time for one name.
std::unique_ptr<Resolver> make_system_resolver(const ResolverOptions&, const Clock&);

}  // namespace freshet
