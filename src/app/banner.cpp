#include "banner.hpp"

#include <cstdio>
#include <set>

namespace freshet {
namespace {

/// An address that a client on this machine can use: wildcard addresses stand for loopback.
Endpoint reachable(const Endpoint& bind, std::uint16_t port) {
  std::string address = bind.address;
  if (address == "0.0.0.0") address = "127.0.0.1";
  if (address == "::") address = "::1";
  return {address, port};
}

bool asks_everybody(const ListenerSettings& listener) {
  return listener.forward && listener.forward->auth && listener.forward->auth->required;
}

std::string where_to(const ListenerSettings& listener) {
  if (listener.forward) return asks_everybody(listener) ? "forward proxy for users with a password" : "forward proxy";
  std::set<std::string> names;
  for (const auto& route : listener.routes) names.insert(route.upstream);
  std::string out = "reverse proxy to ";
  for (const auto& name : names) out += (name == *names.begin() ? "" : ", ") + name;
  return out;
}

}  // namespace

std::string banner_text(const Settings& settings, const std::vector<std::uint16_t>& ports, std::uint16_t admin_port, unsigned workers,
                        const std::string& how_started) {
  std::string out = "freshet " FRESHET_VERSION " (" + how_started + ", " + std::to_string(workers) + (workers == 1 ? " worker" : " workers") + ")\n";
  for (std::size_t i = 0; i < settings.listeners.size(); ++i)
    out += "  " + where_to(settings.listeners[i]) + " on " + to_string(Endpoint{settings.listeners[i].bind.address, ports[i]}) + "\n";
  if (settings.admin && !settings.admin->bind.path.empty())
    out += "  metrics and health on " + to_string(settings.admin->bind) + "\n";
  else if (admin_port)
    out += "  metrics and health on http://" + to_string(reachable(settings.admin->bind.endpoint, admin_port)) + "/\n";
  const auto& first = settings.listeners.front();
  const std::string at = to_string(reachable(first.bind, ports.front()));
  out += first.forward ? "  try, twice: curl -s -o /dev/null -D - -x http://" + at +
                             (asks_everybody(first) ? " --proxy-anyauth --proxy-user NAME" : "") + " http://example.com/\n"
                       : "  try, twice: curl -s -o /dev/null -D - http://" + at + "/\n";
  return out;
}

void print_banner(const Settings& settings, const std::vector<std::uint16_t>& ports, std::uint16_t admin_port, unsigned workers,
                  const std::string& how_started) {
  std::fputs(banner_text(settings, ports, admin_port, workers, how_started).c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace freshet
