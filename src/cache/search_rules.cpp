#include "freshet/cache/search_rules.hpp"

#include <algorithm>
#include <bit>
#include <mutex>
#include <string>

#include "freshet/base/check.hpp"

namespace freshet {

std::string_view path_of_key(std::string_view key) noexcept {
  const std::size_t partition = std::min(key.find(' '), key.size() - 1);
  std::size_t end = partition + 1;  // find_first_of() would search its set for every byte
  while (end < key.size() && key[end] != ' ' && key[end] != '?') ++end;
  return key.substr(0, end);
}

std::optional<CacheKey> make_search_key(const CacheKey& uri, const SearchRule& rule, Arena& arena) {
  const std::string_view path = path_of_key(uri.text);
  const std::string_view query = uri.text.substr(std::min(path.size() + 1, uri.text.size()));
  const auto canonical = canonical_query(query, *rule.variation);
  if (!canonical) return {};
  CacheKey key;
  key.text = arena.join({path, " SEARCH ", std::to_string(rule.epoch), " ", std::to_string(rule.id), " ", *canonical});
  key.hash = hash_key(key.text);
  return key;
}

SearchRules::SearchRules(std::uint64_t cache_size)
    : count_(std::bit_floor(std::clamp<std::uint64_t>(cache_size / 4096, 256, 65536))) {}

const SearchRules::Path* SearchRules::find(std::uint64_t path) const noexcept {
  for (std::size_t i = 0; i < kWays && !paths_.empty(); ++i) {
    const Path& way = paths_[first_way(path) + i];
    if (way.epoch != 0 && way.hash == path) return &way;
  }
  return nullptr;
}

// Without a variation when the rule has left.
SearchRule SearchRules::resolve(const Path& path, std::uint64_t id) const {
  const Distinct& distinct = distinct_[id % kMostDistinct];
  if (id == 0 || distinct.id != id) return {};
  return {path.epoch, id, distinct.variation};
}

std::vector<SearchRule> SearchRules::of(std::uint64_t path) const {
  std::vector<SearchRule> rules;
  const std::shared_lock lock(mutex_);
  if (const Path* known = find(path))
    for (const std::uint64_t id : known->ids)
      if (SearchRule rule = resolve(*known, id); rule.variation) rules.push_back(std::move(rule));
  return rules;
}

SearchRule SearchRules::learn(std::uint64_t path, const UrlVariation& variation) {
  ENSURE(!variation.is_default());
  {
    const std::shared_lock lock(mutex_);
    if (const Path* known = find(path))
      if (SearchRule newest = resolve(*known, known->ids.front()); newest.variation && *newest.variation == variation)
        return newest;
  }
  const std::lock_guard lock(mutex_);
  if (paths_.empty()) {
    paths_.resize(count_);
    distinct_.resize(kMostDistinct);
  }
  const std::uint64_t id = intern(variation);
  Path& entry = place(path);
  auto at = std::find(entry.ids.begin(), entry.ids.end(), id);
  if (at == entry.ids.end()) {
    --at;
    if (*at != 0) entry.epoch = ++ticks_;  // one is forgotten, and must not be found when it comes again
  }
  std::rotate(entry.ids.begin(), at, at + 1);
  entry.ids.front() = id;
  any_.store(true, std::memory_order_release);
  return resolve(entry, id);
}

// The entry of that path; if need be, a new one in place of the oldest of its set.
SearchRules::Path& SearchRules::place(std::uint64_t path) {
  Path* chosen = &paths_[first_way(path)];
  for (std::size_t i = 0; i < kWays; ++i) {
    Path& way = paths_[first_way(path) + i];
    if (way.epoch != 0 && way.hash == path) return way;
    if (way.epoch < chosen->epoch) chosen = &way;
  }
  *chosen = {path, ++ticks_, {}};
  return *chosen;
}

std::uint64_t SearchRules::intern(const UrlVariation& variation) {
  Distinct* chosen = &distinct_.front();
  for (Distinct& distinct : distinct_) {
    if (distinct.variation && *distinct.variation == variation) {
      distinct.learnt = ++ticks_;
      return distinct.id;
    }
    if (distinct.learnt < chosen->learnt) chosen = &distinct;
  }
  const auto slot = static_cast<std::uint64_t>(chosen - distinct_.data());
  const std::uint64_t id = (std::max(chosen->id, slot) / kMostDistinct + 1) * kMostDistinct + slot;
  *chosen = {id, std::make_shared<const UrlVariation>(variation), ++ticks_};
  return id;
}

}  // namespace freshet
