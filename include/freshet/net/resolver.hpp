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

/// Names right now.
struct LookUpFigures {
  std::size_t running = 0;  ///< being looked up, each on a thread
  std::size_t waiting = 0;  ///< for a thread
};

/// Resolves host names. resolve() may be called by any worker; it resumes on the caller's executor. The destructor does
/// not wait for look-ups that are under way: whoever awaits one gets DnsFailed, so the loops of those must still exist.
class Resolver {
 public:
  virtual ~Resolver() = default;
  /// All A and AAAA addresses, in the order in which they should be tried; never an empty list. IP literals (with or
  /// without brackets) come back as they are. Failure: DnsFailed (502), DnsTimeout (504), both Side::Origin; DnsBusy
  /// (503, Side::Self) when too many other names are being looked up, for `client` or in all. `client`: the address of
  /// whoever wants it (an IP literal), so that none of them takes all threads; empty: nobody in particular. Both are
  /// copied.
  virtual Task<Result<std::vector<boost::asio::ip::address>>> resolve(std::string_view host,
                                                                      std::string_view client) = 0;
  /// Any thread.
  virtual LookUpFigures figures() const { return {}; }
};

struct ResolverOptions {
  Milliseconds timeout{5000};  ///< of one resolve(), on the real clock; the look-up itself may go on and fill the cache
  /// How long a name may wait for a thread, on the real clock; then DnsBusy. It bounds what names that hang cost others.
  Milliseconds queue_timeout{1000};
  Seconds keep_good{30};  ///< getaddrinfo tells no TTL
  /// A failure is kept for as long as its look-up has taken, but at least and at most so long: a name that hangs again
  /// and again has a thread for half of the time at most.
  Seconds keep_bad{2};
  Seconds keep_bad_at_most{30};
  std::size_t max_names = 10000;  ///< kept or being looked up; the one used longest ago goes
  std::size_t max_queued = 1000;  ///< names that wait for a thread; beyond: DnsBusy at once
  unsigned threads = 4;           ///< that stay; at least one
  unsigned max_threads = 64;      ///< the others end when they have had nothing to do for `idle`
  Milliseconds idle{10000};
};

/// getaddrinfo(3) on threads of its own, with a bounded cache shared by all workers; one look-up at a time for one
/// name. There are as many threads as there are look-ups that hang, up to max_threads; of these one client has a
/// quarter at most, and all that client_key() does not count have three quarters together.
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
