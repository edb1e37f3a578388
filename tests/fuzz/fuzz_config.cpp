// Configuration files of any bytes: no crash, no hang, and what is called good can be used.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "freshet/config/load.hpp"

namespace {

std::optional<std::string> variables(const std::string& name) {
  if (name == "A") return "127.0.0.1:1";
  if (name == "B") return "${A}";
  return {};
}

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace freshet;
  const auto result = load_text({reinterpret_cast<const char*>(data), size}, "f", variables);
  for (const auto& problem : result.problems) require(!to_string(problem).empty());
  if (!result.good()) return 0;
  const Settings& settings = result.settings;
  require(!settings.listeners.empty());
  require(settings.cache.max_object_size <= settings.cache.max_size);
  for (const auto& listener : settings.listeners) {
    require(parse_endpoint(to_string(listener.bind)) == listener.bind);
    require(listener.forward.has_value() == listener.routes.empty());
    for (const auto& route : listener.routes) require(settings.find_upstream(route.upstream) != nullptr);
  }
  for (const auto& upstream : settings.upstreams) {
    require(!upstream.servers.empty());
    std::string what;
    for (const auto& server : upstream.servers) require(parse_server_url(to_string(server), what) == server);
  }
  require(!settings.summary().empty());
  return 0;
}
