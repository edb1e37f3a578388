// Which URLs of a path are answered by one stored response: what No-Vary-Search has said of that path lately.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string_view>
#include <vector>

#include "freshet/base/arena.hpp"
#include "freshet/cache/key.hpp"
#include "freshet/http/no_vary_search.hpp"

namespace freshet {

/// One rule of one path. `epoch` and `id` are part of the keys that are made by it, and never come again: what was
/// stored under a rule that was forgotten meanwhile is not found any more, since it has missed invalidations.
struct SearchRule {
  std::uint64_t epoch = 0;
  std::uint64_t id = 0;
  std::shared_ptr<const UrlVariation> variation;
};

/// The part of a key that the queries of a path have in common: all before "?".
std::string_view path_of_key(std::string_view key) noexcept;

/// The key that the URL with the key `uri` shares with those that are equivalent by `rule`: "<path> SEARCH <epoch> <id>
/// <canonical query>"; no key of a GET has spaces there. Empty when the query is too long to be worth it. The text lies
/// in `arena`.
std::optional<CacheKey> make_search_key(const CacheKey& uri, const SearchRule& rule, Arena& arena);

/// Bounded: paths (one for every 4 KiB of the cache), rules of a path, and distinct rules of all paths; the oldest
/// leave. Any thread. No memory until the first rule comes.
class SearchRules {
 public:
  static constexpr std::size_t kMostForPath = 3;
  static constexpr std::size_t kMostDistinct = 512;

  explicit SearchRules(std::uint64_t cache_size);

  /// False as long as no rule has been learnt at all: a look-up need not ask further.
  bool any() const noexcept { return any_.load(std::memory_order_acquire); }
  /// The rules of a path, the newest first. `path`: hash_key() of path_of_key().
  std::vector<SearchRule> of(std::uint64_t path) const;
  /// Makes this the newest rule of the path. REQUIRES: !variation.is_default().
  SearchRule learn(std::uint64_t path, const UrlVariation& variation);

 private:
  static constexpr std::size_t kWays = 4;
  struct Path {
    std::uint64_t hash = 0, epoch = 0;
    std::array<std::uint64_t, kMostForPath> ids{};  // the newest first; 0: none
  };
  struct Distinct {
    std::uint64_t id = 0;  // its place is id % kMostDistinct
    std::shared_ptr<const UrlVariation> variation;
    std::uint64_t learnt = 0;
  };
  std::size_t first_way(std::uint64_t path) const noexcept { return (path >> 8) % (count_ / kWays) * kWays; }
  const Path* find(std::uint64_t path) const noexcept;
  SearchRule resolve(const Path&, std::uint64_t id) const;
  Path& place(std::uint64_t path);
  std::uint64_t intern(const UrlVariation&);

  std::atomic<bool> any_{false};
  std::size_t count_;
  mutable std::shared_mutex mutex_;  // no other lock is taken under it
  std::vector<Path> paths_;
  std::vector<Distinct> distinct_;
  std::uint64_t ticks_ = 0;
};

}  // namespace freshet
