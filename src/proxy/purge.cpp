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

/// The next line that is not empty, without white space around it; empty optional at the end.
std::optional<std::string_view> next_line(std::string_view& lines) noexcept {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = ascii::trim(line);
    if (!line.empty()) return line;
  }
  return {};
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
  while (const auto line = next_line(lines)) {
    const auto target = read_url(*line, arena);
    if (!target) {
      verdict.refused = *line;
      return verdict;
    }
    targets.push_back(*target);
  }
  verdict.urls = targets.size();
  for (const TargetVerdict& target : targets) verdict.responses += purge(store, options, target, arena);
  return verdict;
}

GroupPurgeVerdict purge_groups(Store& store, const ProxyOptions& options, std::string_view lines, std::string_view origin, Purge purge) {
  GroupPurgeVerdict verdict;
  Arena arena;
  std::vector<std::string_view> origins;  // as keys begin
  if (!origin.empty()) {
    const auto target = read_url(origin, arena);
    if (!target || target->target != "/") {
      verdict.refused = origin;
      return verdict;
    }
    for (const std::string_view partition : partitions(options, arena))
      origins.push_back(origin_of_key(make_cache_key(partition, target->scheme, target->authority, target->target, arena).text));
  }
  CacheGroups& groups = *store.groups();
  const SteadyTime now = store.clock().now().steady;
  while (const auto name = next_line(lines)) {
    ++verdict.groups;
    if (origin.empty()) verdict.responses += groups.purge_everywhere(*name, purge, now);
    for (const std::string_view each : origins) verdict.responses += groups.purge(each, *name, purge, now);
  }
  return verdict;
}

}  // namespace freshet
