// Which stored responses belong together (RFC 9875), and what was purged of them: a purge marks the group, and touches none of its
// responses.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/base/clock.hpp"
#include "freshet/cache/index.hpp"
#include "freshet/cache/ledger.hpp"

namespace freshet {

/// Hard: nothing of it is used again. Soft: all of it is stale.
enum class Purge : std::uint8_t { Hard, Soft };

/// What happened to a group since it was made. It lives as long as a response is in it. Any thread.
class GroupMark : public IndexNode {
 public:
  bool is_purged() const noexcept { return last_.load(std::memory_order_acquire) == kPurged; }
  /// When it was purged softly after the purge number `seen`; empty: not.
  std::optional<SteadyTime> outdated_since(std::uint64_t seen) const noexcept;

 protected:
  explicit GroupMark(std::uint64_t hash) noexcept : IndexNode(hash) {}
  ~GroupMark() = default;

 private:
  friend class CacheGroups;
  void mark(Purge, std::uint64_t number, SteadyTime now) noexcept;
  static constexpr std::uint64_t kPurged = UINT64_MAX;
  std::atomic<std::uint64_t> last_{0};  // number of the last soft purge; or kPurged, for good
  std::atomic<SteadyTime::rep> when_{0};
  std::uint64_t members_ = 0;  // under its shard's lock
};

/// The groups of one name, whatever their origins.
class GroupName final : public GroupMark {
 private:
  friend class CacheGroups;
  using GroupMark::GroupMark;
};

/// The responses of one origin, in one partition, that are in the group of one name (RFC 9875 2.1).
class Group final : public GroupMark {
 public:
  bool is_purged() const noexcept { return GroupMark::is_purged() || everywhere_.is_purged(); }
  std::optional<SteadyTime> outdated_since(std::uint64_t seen) const noexcept;

 private:
  friend class CacheGroups;
  Group(std::uint64_t hash, GroupName& everywhere) noexcept : GroupMark(hash), everywhere_(everywhere) {}
  GroupName& everywhere_;
};

/// The groups that responses are in. A response joins when it is made and leaves when it is destroyed. A hard purge takes the group
/// itself out, with all its members: who joins later joins another one. Their memory is charged to the ledger, and there are no more
/// than responses have joined: nothing is ever folded or forgotten, and nobody's purges can touch another origin's responses.
/// Names are told apart by keyed hashes of 64 bits; two that met would only be purged together. Any thread; no lock on the way of a hit.
class CacheGroups {
 public:
  explicit CacheGroups(Ledger& ledger) noexcept : ledger_(ledger) {}
  CacheGroups(const CacheGroups&) = delete;
  CacheGroups& operator=(const CacheGroups&) = delete;
  ~CacheGroups();

  /// Null when there is no memory; no lock of the caller's may be one that evicting takes. leave() for each.
  Group* join(std::string_view origin, std::string_view name) noexcept;
  /// Into a group that one of its members is still in.
  void join(Group&) noexcept;
  void leave(Group&) noexcept;
  static std::uint64_t hash(std::string_view origin, std::string_view name);

  /// How many purges there have been; what was asked of an origin after that is untouched by them.
  std::uint64_t now() const noexcept { return count_.load(std::memory_order_acquire); }
  /// How many of them were hard and met a member.
  std::uint64_t emptied() const noexcept { return emptied_.load(std::memory_order_acquire); }
  /// Once it returns, none of its responses is used (Hard) or fresh (Soft), and none that was asked for before: purged_since().
  /// Returns how many responses were in it. Costs the same whatever that is.
  std::uint64_t purge(std::string_view origin, std::string_view name, Purge, SteadyTime now);
  /// Several at once. Where there are more than eight, whatever is on its way from that origin in any group counts as purged: one
  /// answer shall not use up the memory for purges that others share.
  void purge(std::string_view origin, std::span<const std::string> names, Purge, SteadyTime now);
  std::uint64_t purge_everywhere(std::string_view name, Purge, SteadyTime now);
  /// True when one of these groups of `origin` was purged after `seen`, or may have been: each sixteenth of the origins remembers 256.
  /// For a response that has joined them.
  bool purged_since(std::uint64_t seen, std::string_view origin, std::span<Group* const> groups) const;

 private:
  /// The last purges of some origins.
  struct Recent {
    struct Entry {
      std::uint64_t hash = 0, number = 0;
    };
    void add(std::uint64_t hash, std::uint64_t number) noexcept;
    /// `any`: a note that is about all groups.
    template <class HashOf>
    bool may_contain(std::uint64_t seen, std::uint64_t any, std::span<Group* const> groups, HashOf hash_of) const noexcept;
    std::array<Entry, 256> last{};
    std::size_t next = 0;
  };
  struct alignas(64) Shard {
    mutable std::mutex mutex;  // taken last, and alone
    Index index;
  };
  using Shards = std::array<Shard, 16>;
  static Shard& shard_of(Shards& shards, std::uint64_t hash) noexcept { return shards[hash >> 60]; }
  Recent& recent(std::string_view origin) const noexcept;
  static constexpr std::size_t kNotedEach = 8;
  enum class Fit : std::uint8_t { Yes, No, Later };
  template <class Node, class FitOf, class... Args>
  Node* find_or_add(Shards& shards, std::uint64_t hash, FitOf fit_of, Args&... args) noexcept;
  template <class Node>
  void drop(Shards& shards, Node& node) noexcept;
  template <class Node>
  std::uint64_t mark(Shards& shards, std::uint64_t hash, Purge, std::uint64_t number, SteadyTime now) noexcept;

  Ledger& ledger_;
  Shards names_, groups_;
  mutable std::mutex mutex_;  // one purge at a time; before a shard's
  std::atomic<std::uint64_t> count_{0}, emptied_{0};
  std::unique_ptr<std::array<Recent, 17>> recent_ = std::make_unique<std::array<Recent, 17>>();  // the last one: of all origins
};

/// The groups that one response is about to be in; leaves those that it still has.
class GroupList {
 public:
  GroupList() = default;
  explicit GroupList(CacheGroups& groups) noexcept : groups_(&groups) {}
  GroupList(GroupList&& other) noexcept : groups_(other.groups_), list_(std::move(other.list_)) { other.list_.clear(); }
  GroupList& operator=(GroupList&&) = delete;
  ~GroupList();
  /// False when there is no memory.
  bool add(std::string_view origin, std::string_view name);
  void add(Group& group);
  std::span<Group* const> all() const noexcept { return list_; }
  /// They are somebody else's to leave.
  void release() noexcept { list_.clear(); }

 private:
  CacheGroups* groups_ = nullptr;
  std::vector<Group*> list_;
};

}  // namespace freshet
