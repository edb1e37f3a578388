// The pipeline: no socket, no protocol version. Everything a request can meet between session and origin, one named step a line.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "freshet/async/pause.hpp"
#include "freshet/auth/authentication.hpp"
#include "freshet/base/clock.hpp"
#include "freshet/cache/policy.hpp"
#include "freshet/cache/store.hpp"
#include "freshet/exchange/service.hpp"
#include "freshet/metrics/counters.hpp"
#include "freshet/proxy/rate_limit.hpp"
#include "freshet/proxy/router.hpp"

namespace freshet {

struct ProxyOptions {
  std::string pseudonym = "freshet";            ///< our name in Via, Cache-Status and Proxy-Status: a token
  std::string loop_token = "freshet-0";         ///< our name in the Via of requests: unique to this process, so that a loop is seen
  bool cache_enabled = true;
  CachePolicy policy;
  std::uint64_t query_body = 64u << 10;         ///< bytes of a QUERY's content that are read for the key; 0: QUERY is not cached
  bool fetch_whole_for_range = false;           ///< a range of something not stored brings the whole into the store
  FillWorth finish_fill;                        ///< when fills go on that nobody reads any more
  std::shared_ptr<RateTable> rates;             ///< for the rate limits of all listeners; null: they have none
  std::vector<ListenerRules> listeners;         ///< indexed by Request::listener
  Authentication* authentication = nullptr;     ///< for ListenerRules::realm; outlives the proxies
  std::vector<std::string> upstreams;           ///< names, indexed by Destination::upstream
};

/// The caching proxy of one worker. `origin` answers what the cache cannot; `store` is shared by all workers; all outlive it, and the
/// coroutines that it spawns (fills, background revalidation). `pause`: for answers that are held back; null: none is.
std::unique_ptr<Service> make_caching_proxy(const ProxyOptions&, Service& origin, Store& store, const Clock&, WorkerCounters&,
                                            Pause* pause = nullptr);

}  // namespace freshet
