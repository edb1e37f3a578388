#include "freshet/config/settings.hpp"

#include <algorithm>
#include <utility>

namespace freshet {
namespace {

std::string bracketed(const std::string& host) { return host.find(':') == host.npos ? host : '[' + host + ']'; }

std::string counted(std::size_t n, std::string_view thing) {
  return std::to_string(n) + ' ' + std::string{thing} + (n == 1 ? "" : "s");
}

}  // namespace

std::string to_string(const Endpoint& endpoint) {
  return bracketed(endpoint.address) + ':' + std::to_string(endpoint.port);
}

std::string to_string(const AdminBind& bind) { return bind.path.empty() ? to_string(bind.endpoint) : "unix:" + bind.path; }

std::string to_string(const ServerUrl& server) {
  return server.scheme + "://" + bracketed(server.host) + ':' + std::to_string(server.port);
}

std::string authority_of(const ServerUrl& server) {
  return bracketed(server.host) + (server.port == 80 ? "" : ':' + std::to_string(server.port));
}

const UpstreamSettings* Settings::find_upstream(std::string_view name) const noexcept {
  const auto found = std::ranges::find(upstreams, name, &UpstreamSettings::name);
  return found == upstreams.end() ? nullptr : &*found;
}

std::string Settings::summary() const {
  std::string text = counted(listeners.size(), "listener") + " (";
  for (std::size_t i = 0; i < listeners.size(); ++i)
    text +=
        (i ? ", " : "") + std::string{listeners[i].forward ? "forward " : "reverse "} + to_string(listeners[i].bind);
  text += "), " + counted(upstreams.size(), "upstream");
  text += ", cache " + (cache.enabled ? format_size(cache.max_size) : "off");
  text += ", admin " + (admin ? to_string(admin->bind) : "off");
  return text + ", access log " + access_log.path;
}

Settings reverse_settings(Endpoint listen, std::vector<ServerUrl> servers) {
  Settings settings;
  UpstreamSettings& upstream = settings.upstreams.emplace_back();
  upstream.name = "app";
  upstream.servers = std::move(servers);
  ListenerSettings& listener = settings.listeners.emplace_back();
  listener.bind = std::move(listen);
  listener.routes.emplace_back().upstream = upstream.name;
  return settings;
}

Settings forward_settings(Endpoint listen, bool allow_private) {
  Settings settings;
  ListenerSettings& listener = settings.listeners.emplace_back();
  listener.bind = std::move(listen);
  listener.forward.emplace().allow_private.all = allow_private;
  return settings;
}

}  // namespace freshet
