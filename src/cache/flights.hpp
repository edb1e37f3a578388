// The fetches under way that others may wait for: of one shard, under its lock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_map>

#include "freshet/cache/fetch.hpp"
#include "freshet/cache/key.hpp"

namespace freshet {

/// One for each key, variant and part. The variant is a vary key (cache/vary.hpp); it is empty for a fetch of which nobody
/// can tell yet what its response will depend on. The part is a Range field; it is empty for the whole. Few are under way
/// for one key: looking for one goes through all of them.
class Flights {
 public:
  /// Null: nobody is fetching it.
  Ref<Fetch> find(const CacheKey& key, std::string_view variant, std::string_view part) const {
    for (auto [at, end] = all_.equal_range(key.hash); at != end; ++at)
      if (at->second.key == key.text && at->second.variant == variant && at->second.part == part) return at->second.fetch;
    return {};
  }
  std::size_t count(const CacheKey& key) const { return all_.count(key.hash); }
  /// Those of them that are for parts.
  std::size_t count_parts(const CacheKey& key) const {
    const auto [at, end] = all_.equal_range(key.hash);
    return static_cast<std::size_t>(std::count_if(at, end, [](const auto& entry) { return !entry.second.part.empty(); }));
  }
  /// REQUIRES: there is none yet.
  Ref<Fetch> add(const CacheKey& key, std::string_view variant, std::string_view part) {
    auto fetch = make_ref<Fetch>();
    all_.emplace(key.hash, Flight{std::string(key.text), std::string(variant), std::string(part), fetch});
    fetch->enlist();
    return fetch;
  }
  /// It is over, or has been removed already.
  void remove(std::uint64_t hash, const Ref<Fetch>& fetch) {
    for (auto [at, end] = all_.equal_range(hash); at != end; ++at) {
      if (at->second.fetch != fetch) continue;
      fetch->unlist();
      all_.erase(at);
      return;
    }
  }
  /// Nobody joins the fetches of this key any more, of whatever variant.
  void remove_all(const CacheKey& key) {
    for (auto [at, end] = all_.equal_range(key.hash); at != end;) {
      const bool same = at->second.key == key.text;
      if (same) at->second.fetch->unlist();
      at = same ? all_.erase(at) : std::next(at);
    }
  }

 private:
  struct Flight {
    std::string key, variant, part;
    Ref<Fetch> fetch;
  };
  std::unordered_multimap<std::uint64_t, Flight> all_;  // by the hash of the key
};

}  // namespace freshet
