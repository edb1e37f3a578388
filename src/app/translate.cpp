#include "translate.hpp"

#include <algorithm>
#include <limits>
#include <thread>

namespace freshet {
namespace {

std::string access_text(const PrivateAccess& access) {
  if (access.all) return "all";
  std::string out;
  for (const auto& network : access.networks) out += network + ',';
  return out;
}

ListenerRules listener_rules(const Settings& settings, const ListenerSettings& from) {
  ListenerRules rules;
  rules.forwarded.x_forwarded = from.add_x_forwarded;
  rules.forwarded.forwarded = from.add_forwarded;
  if (from.forward) {
    rules.forward = true;
    rules.connect_ports = from.forward->connect_ports;
    // What one listener may reach and another may not is not shared between them.
    rules.partition = "forward(" + access_text(from.forward->allow_private) + ')';
    return rules;
  }
  for (const RouteSettings& route : from.routes) {
    Route made;
    made.host = route.host == "*" ? "" : route.host;
    made.path_prefix = route.path == "/" ? "" : route.path;
    for (std::size_t i = 0; i < settings.upstreams.size(); ++i)
      if (settings.upstreams[i].name == route.upstream) made.upstream = static_cast<std::uint16_t>(i);
    rules.routes.push_back(std::move(made));
  }
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

OriginUpstream upstream(const Settings& settings, const UpstreamSettings& from) {
  OriginUpstream made;
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
  return policy;
}

}  // namespace

unsigned worker_count(const Settings& settings) noexcept {
  return settings.workers ? *settings.workers : std::max(1u, std::thread::hardware_concurrency());
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
  for (const auto& listener : settings.listeners) made.listeners.push_back(listener_rules(settings, listener));
  for (const auto& from : settings.upstreams) made.upstreams.push_back(from.name);
  return made;
}

StoreOptions store_options(const Settings& settings) {
  StoreOptions made;
  made.max_size = settings.cache.max_size;
  made.default_stale_if_error = std::chrono::duration_cast<Seconds>(settings.cache.stale_if_error);
  return made;
}

OriginPoolOptions origin_pool_options(const Settings& settings) {
  OriginPoolOptions made;
  for (const auto& from : settings.upstreams) made.upstreams.push_back(upstream(settings, from));
  for (const auto& listener : settings.listeners) made.forward_policies.push_back(address_policy(listener));
  const TimeoutSettings& timeouts = settings.timeouts;
  made.timeouts.connect = timeouts.connect;
  made.timeouts.first_byte = timeouts.first_byte;
  made.timeouts.between_bytes = timeouts.between_bytes;
  made.timeouts.idle = timeouts.upstream_idle;
  made.timeouts.tunnel_idle = timeouts.tunnel_idle;
  made.limits.head_bytes = settings.limits.response_header_bytes;
  made.limits.head_fields = settings.limits.response_header_count;
  made.limits.connections_per_upstream = settings.limits.connections_per_upstream;
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
  made.pseudonym = settings.via;
  made.name = to_string(settings.listeners[listener].bind);
  made.listener = static_cast<std::uint16_t>(listener);
  return made;
}

ResolverOptions resolver_options(const Settings& settings) {
  ResolverOptions made;
  made.timeout = settings.timeouts.dns;
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
