#include "freshet/proxy/purge.hpp"

#include <algorithm>

#include "freshet/base/ascii.hpp"
#include "freshet/cache/key.hpp"
#include "freshet/http/target.hpp"

namespace freshet {
namespace {

/// The same normalisation as a request's, so that the key is the same.
std::optional<TargetVerdict> read_url(std::string_view url, Arena& arena) {
  const TargetVerdict target = decide_target(Method::Get, url, {}, 0, Version::Http10, "http", arena);
  if (target.status != 0 || !target.absolute) return {};
  return target;
}

std::vector<std::string_view> partitions(const ProxyOptions& options, Arena& arena) {
  std::vector<std::string_view> all(options.upstreams.begin(), options.upstreams.end());
  const auto add = [&all](std::string_view partition) {
    if (std::find(all.begin(), all.end(), partition) == all.end()) all.push_back(partition);
  };
  for (const ListenerRules& rules : options.listeners) {
    if (rules.forward) add(rules.partition);
    if (!rules.address_classes) continue;
    for (const std::string_view each : rules.address_classes->partitions(rules.address_partition, arena)) add(each);
  }
  return all;
}

std::size_t purge(Store& store, const ProxyOptions& options, const TargetVerdict& target, Arena& arena) {
  std::size_t gone = 0;
  for (const std::string_view partition : partitions(options, arena))
    gone += store.invalidate(make_cache_key(partition, target.scheme, target.authority, target.target, arena));
  return gone;
}

}  // namespace

std::optional<std::size_t> purge(Store& store, const ProxyOptions& options, std::string_view url) {
  Arena arena;
  const auto target = read_url(url, arena);
  if (!target) return {};
  return purge(store, options, *target, arena);
}

PurgeVerdict purge_list(Store& store, const ProxyOptions& options, std::string_view lines) {
  PurgeVerdict verdict;
  Arena arena;
  std::vector<TargetVerdict> targets;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = ascii::trim(line);
    if (line.empty()) continue;
    const auto target = read_url(line, arena);
    if (!target) {
      verdict.refused = line;
      return verdict;
    }
    targets.push_back(*target);
  }
  verdict.urls = targets.size();
  for (const TargetVerdict& target : targets) verdict.responses += purge(store, options, target, arena);
  return verdict;
}

}  // namespace freshet
