// From Settings to each module's own Options: the only place that knows both.
#pragma once

#include <string>
#include <vector>

#include "freshet/auth/authentication.hpp"
#include "freshet/cache/store.hpp"
#include "freshet/config/settings.hpp"
#include "freshet/frontend/listener.hpp"
#include "freshet/metrics/access_log.hpp"
#include "freshet/metrics/prometheus.hpp"
#include "freshet/net/resolver.hpp"
#include "freshet/proxy/caching_proxy.hpp"
#include "freshet/upstream/origin_pool.hpp"

namespace freshet {

/// How many workers `settings` asks for: at least one.
unsigned worker_count(const Settings& settings) noexcept;

/// The processors that workers are to stay on: those that this process may use, where `settings` asks for that.
std::vector<unsigned> processors(const Settings& settings);

/// Adds a realm for each listener that asks for credentials, and names it and `authentication` in `options`. What is wrong with the user
/// files goes to `problems`, a line each.
void add_realms(const Settings& settings, Authentication& authentication, ProxyOptions& options, std::vector<std::string>& problems);
/// `loop_token`: our name in the Via of requests.
ProxyOptions proxy_options(const Settings& settings, const std::string& loop_token);
StoreOptions store_options(const Settings& settings);
/// For one worker: its share of what all of them may do together.
OriginPoolOptions origin_pool_options(const Settings& settings, unsigned worker, unsigned workers);
/// What worker number `worker` gets of `total`: the shares add up to it, but none is less than one.
std::size_t share_of(std::size_t total, unsigned worker, unsigned workers) noexcept;
SessionOptions session_options(const Settings& settings, std::size_t listener);
ResolverOptions resolver_options(const Settings& settings);
AccessLogOptions access_log_options(const Settings& settings);
/// The listener and upstream label values.
MetricNames metric_names(const Settings& settings);

}  // namespace freshet
