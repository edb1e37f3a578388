#include "translate.hpp"

#include <sched.h>

#include <algorithm>
#include <limits>
#include <thread>

#include "translate_access.hpp"

namespace freshet {
namespace {

std::string access_text(const PrivateAccess& access) {
  if (access.all) return "all";
  std::string out;
  for (const auto& network : access.networks) out += network + ',';
  return out;
}

/// `ids` counts the limits there are so far.
std::optional<RateLimit> rate_limit(const std::optional<RateLimitSettings>& from, std::uint16_t& ids) {
  if (!from) return {};
  RateLimit made;
  made.rate = make_token_rate(from->requests, from->per, from->burst);
  made.header = from->key.header;
  made.id = ids++;
  return made;
}

ListenerRules listener_rules(const Settings& settings, const ListenerSettings& from, std::uint16_t& limits) {
  ListenerRules rules;
  rules.forwarded.x_forwarded = from.add_x_forwarded;
  rules.forwarded.forwarded = from.add_forwarded;
  if (from.forward) {
    rules.forward = true;
    rules.connect_ports = from.forward->connect_ports;
    rules.rate = rate_limit(from.forward->rate_limit, limits);
    // What one listener may reach and another may not is not shared between them.
    rules.partition = "forward(" + access_text(from.forward->allow_private) + ')';
    add_access(from, rules);
    return rules;
  }
  for (const RouteSettings& route : from.routes) {
    Route made;
    made.host = route.host == "*" ? "" : route.host;
    made.path_prefix = route.path == "/" ? "" : route.path;
    made.rate = rate_limit(route.rate_limit, limits);
    for (std::size_t i = 0; i < settings.upstreams.size(); ++i)
      if (settings.upstreams[i].name == route.upstream) made.upstream = static_cast<std::uint16_t>(i);
    rules.routes.push_back(std::move(made));
  }
  add_access(from, rules);
  return rules;
}

std::optional<std::string> host_field(const UpstreamSettings& from) {
  switch (from.host.kind) {
    case HostField::Kind::Keep: return {};
    case HostField::Kind::Server: return authority_of(from.servers.front());
    case HostField::Kind::Literal: return from.host.literal;
  }
  return {};
}

OriginUpstream upstream(const Settings& settings, const UpstreamSettings& from, unsigned worker, unsigned workers) {
  OriginUpstream made;
  if (from.max_requests > 0) made.requests = share_of(from.max_requests, worker, workers);
  made.name = from.name;
  for (const ServerUrl& server : from.servers) made.servers.push_back({server.host, server.port});
  made.host_field = host_field(from);
  made.set_aside = settings.timeouts.set_aside;
  return made;
}

AddressPolicy address_policy(const ListenerSettings& from) {
  AddressPolicy policy;
  if (!from.forward) return policy;
  policy.allow_internal = from.forward->allow_private.all;
  for (const auto& text : from.forward->allow_private.networks)
    if (auto network = parse_network(text)) policy.allowed.push_back(*network);
  policy.rules = address_rules(from);
  return policy;
}

}  // namespace

unsigned worker_count(const Settings& settings) noexcept {
  return settings.workers ? *settings.workers : std::max(1u, std::thread::hardware_concurrency());
}

std::vector<unsigned> processors(const Settings& settings) {
  std::vector<unsigned> all;
  cpu_set_t allowed;
  if (!settings.pin_workers || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return all;
  for (unsigned i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(i, &allowed)) all.push_back(i);
  return all;
}

ProxyOptions proxy_options(const Settings& settings, const std::string& loop_token) {
  ProxyOptions made;
  made.pseudonym = settings.via;
  made.loop_token = loop_token;
  made.cache_enabled = settings.cache.enabled;
  made.fetch_whole_for_range = settings.cache.fetch_whole_for_range;
  made.query_body = settings.cache.query_body;
  made.policy.heuristic_fraction = settings.cache.heuristic_percent / 100.0;
  made.policy.heuristic_max = std::chrono::duration_cast<Seconds>(settings.cache.heuristic_max);
  made.policy.store_set_cookie = settings.cache.set_cookie == SetCookieRule::Store;
  made.policy.default_stale_if_error = std::chrono::duration_cast<Seconds>(settings.cache.stale_if_error);
  made.policy.targets = settings.cache.targets.names;
  made.policy.max_object_size = std::min<std::uint64_t>(settings.cache.max_object_size, settings.cache.max_size / 2);
  made.finish_fill = {settings.cache.finish_fill_left, settings.cache.finish_fill_percent};
  std::uint16_t limits = 0;
  for (const auto& listener : settings.listeners) made.listeners.push_back(listener_rules(settings, listener, limits));
  if (limits > 0) made.rates = std::make_shared<RateTable>();
  share_address_classes(made.listeners);
  for (const auto& from : settings.upstreams) made.upstreams.push_back(from.name);
  return made;
}

void add_realms(const Settings& settings, Authentication& authentication, ProxyOptions& options, std::vector<std::string>& problems) {
  options.authentication = &authentication;
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
    const auto& forward = settings.listeners[i].forward;
    if (!forward || !forward->auth) continue;
    RealmOptions realm;
    realm.realm = forward->auth->realm;
    if (forward->auth->users != "off") realm.users = forward->auth->users;
    if (forward->auth->digest_users != "off") realm.digest_users = forward->auth->digest_users;
    realm.remember = forward->auth->remember;
    realm.tarpit_after = forward->auth->tarpit_after;
    options.listeners[i].realm = authentication.add_realm(realm, problems);
    options.listeners[i].credentials_required = forward->auth->required;
  }
}

StoreOptions store_options(const Settings& settings) {
  StoreOptions made;
  made.max_size = settings.cache.max_size;
  made.max_fills = settings.limits.fills;
  made.default_stale_if_error = std::chrono::duration_cast<Seconds>(settings.cache.stale_if_error);
  return made;
}

std::size_t share_of(std::size_t total, unsigned worker, unsigned workers) noexcept {
  return std::max<std::size_t>(1, total / workers + (worker < total % workers ? 1 : 0));
}

OriginPoolOptions origin_pool_options(const Settings& settings, unsigned worker, unsigned workers) {
  OriginPoolOptions made;
  for (const auto& from : settings.upstreams) made.upstreams.push_back(upstream(settings, from, worker, workers));
  for (const auto& listener : settings.listeners) made.forward_policies.push_back(address_policy(listener));
  const TimeoutSettings& timeouts = settings.timeouts;
  made.timeouts.connect = timeouts.connect;
  made.timeouts.queue = timeouts.queue;
  made.timeouts.first_byte = timeouts.first_byte;
  made.timeouts.between_bytes = timeouts.between_bytes;
  made.timeouts.idle = timeouts.upstream_idle;
  made.timeouts.tunnel_idle = timeouts.tunnel_idle;
  made.limits.head_bytes = settings.limits.response_header_bytes;
  made.limits.head_fields = settings.limits.response_header_count;
  made.limits.requests_per_upstream = share_of(settings.limits.requests_per_upstream, worker, workers);
  const std::uint32_t queue = settings.limits.queue_per_upstream;
  made.limits.queue_per_upstream = queue == 0 ? 0 : share_of(queue, worker, workers);
  made.limits.idle_connections_per_upstream = settings.limits.idle_connections_per_upstream;
  return made;
}

SessionOptions session_options(const Settings& settings, std::size_t listener) {
  SessionOptions made;
  made.head.bytes = settings.limits.header_bytes;
  made.head.fields = settings.limits.header_count;
  made.head.field_bytes = settings.limits.field_bytes;
  made.head.target_bytes = settings.limits.target_bytes;
  const std::uint64_t body = settings.limits.request_body;
  made.max_request_body = body == 0 ? std::numeric_limits<std::uint64_t>::max() : body;
  made.head_timeout = settings.timeouts.client_header;
  made.body_timeout = settings.timeouts.client_body;
  made.idle_timeout = settings.timeouts.client_idle;
  made.write_timeout = settings.timeouts.client_write;
  made.tunnel_idle = settings.timeouts.tunnel_idle;
  made.rate = {settings.limits.min_client_rate, settings.timeouts.client_rate_window};
  made.pseudonym = settings.via;
  made.name = to_string(settings.listeners[listener].bind);
  made.listener = static_cast<std::uint16_t>(listener);
  return made;
}

ResolverOptions resolver_options(const Settings& settings) {
  ResolverOptions made;
  made.timeout = settings.timeouts.dns;
  made.max_threads = settings.limits.dns_lookups;
  return made;
}

AccessLogOptions access_log_options(const Settings& settings) {
  AccessLogOptions made;
  made.path = settings.access_log.path;
  switch (settings.access_log.format) {
    case LogFormat::Combined: made.format = AccessLogFormat::Combined; break;
    case LogFormat::Json: made.format = AccessLogFormat::Json; break;
    case LogFormat::Squid: made.format = AccessLogFormat::Squid; break;
  }
  return made;
}

MetricNames metric_names(const Settings& settings) {
  MetricNames made;
  for (const auto& listener : settings.listeners) made.listeners.push_back(to_string(listener.bind));
  for (const auto& from : settings.upstreams) made.upstreams.push_back(from.name);
  return made;
}

}  // namespace freshet
