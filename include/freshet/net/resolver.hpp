// Names to addresses without blocking a worker.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/async/result.hpp"
#include "freshet/async/task.hpp"
#include "freshet/base/clock.hpp"

namespace freshet {

/// Resolves host names. resolve() may be called by any worker; it resumes on the caller's executor. The destructor does
/// not wait for look-ups that are under way: whoever awaits one gets DnsFailed, so the loops of those must still exist.
class Resolver {
 public:
  virtual ~Resolver() = default;
  /// All A and AAAA addresses, in the order in which they should be tried; never an empty list. IP literals (with or
  /// without brackets) come back as they are. Failure: DnsFailed (502), DnsTimeout (504), both Side::Origin. `host` is
  /// copied.
  virtual Task<Result<std::vector<boost::asio::ip::address>>> resolve(std::string_view host) = 0;
};

struct ResolverOptions {
  Milliseconds timeout{5000};  ///< of one resolve(), on the real clock; the look-up itself may go on and fill the cache
  Seconds keep_good{30};       ///< getaddrinfo tells no TTL
  Seconds keep_bad{2};
  std::size_t max_names = 10000;  ///< kept or being looked up; the one used longest ago goes
  std::size_t max_queued = 1000;  ///< names that wait for a thread; beyond: DnsFailed at once
  unsigned threads = 4;           ///< at least one
};

/// getaddrinfo(3) on a few threads of its own, with a bounded cache shared by all workers; one look-up at a time for
/// one name.
std::unique_ptr<Resolver> make_system_resolver(const ResolverOptions&, const Clock&);

/// Looks up a lower-case name; an empty list means failure. Blocks; called by several threads at once.
using LookUp = std::function<std::vector<boost::asio::ip::address>(const std::string& host)>;
/// The same with another source of addresses. `look_up` lives until its last call has returned, which can be after the
/// resolver.
std::unique_ptr<Resolver> make_resolver(const ResolverOptions&, const Clock&, LookUp look_up);

/// Alternates the families, beginning with that of the first address and keeping the order within each (RFC 8305
/// section 4); repeated addresses are left out.
std::vector<boost::asio::ip::address> interleave_families(const std::vector<boost::asio::ip::address>&);

}  // namespace freshet
