// How a purge and a response that is being made cannot miss each other: the response joins its groups, and asks purged_since() before
// it is put into the store. The purge notes itself in `recent_`, and then marks the group. So either the response has joined what is
// marked, or it finds the note. The number of a purge counts only once all that is done.
#include "freshet/cache/groups.hpp"

#include <algorithm>
#include <new>

#include "freshet/base/check.hpp"
#include "freshet/cache/key.hpp"
#include "heap_cost.hpp"

namespace freshet {
namespace {

template <class Node>
constexpr std::uint64_t cost_of() noexcept {
  return heap_cost(sizeof(Node)) + 16;  // and its share of the index
}

std::uint64_t hash_name(std::string_view name) {
  std::string text("\n");  // in no key
  text += name;
  return hash_key(text);
}

/// For what is about any of an origin's groups.
std::uint64_t any_of(std::string_view origin) noexcept { return hash_key(origin); }

}  // namespace

std::optional<SteadyTime> GroupMark::outdated_since(std::uint64_t seen) const noexcept {
  const std::uint64_t last = last_.load(std::memory_order_acquire);
  if (last <= seen) return {};
  return SteadyTime(SteadyTime::duration(when_.load(std::memory_order_relaxed)));
}

void GroupMark::mark(Purge purge, std::uint64_t number, SteadyTime now) noexcept {
  when_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  last_.store(purge == Purge::Hard ? kPurged : number, std::memory_order_release);
}

std::optional<SteadyTime> Group::outdated_since(std::uint64_t seen) const noexcept {
  const auto own = GroupMark::outdated_since(seen), all = everywhere_.outdated_since(seen);
  return own && all ? std::min(own, all) : own ? own : all;
}

// ---- notes of the last purges ----

void CacheGroups::Recent::add(std::uint64_t hash, std::uint64_t number) noexcept {
  last[next++ % last.size()] = {hash, number};
}

template <class HashOf>
bool CacheGroups::Recent::may_contain(std::uint64_t seen, std::uint64_t any, std::span<Group* const> groups, HashOf hash_of) const noexcept {
  const std::size_t count = std::min(next, last.size());
  for (std::size_t i = 1; i <= count; ++i) {  // the newest first
    const Entry& entry = last[(next - i) % last.size()];
    if (entry.number <= seen) return false;
    if (entry.hash == any) return true;
    for (const Group* const group : groups)
      if (hash_of(*group) == entry.hash) return true;
  }
  return count == last.size();  // what was overwritten may have been about them
}

CacheGroups::Recent& CacheGroups::recent(std::string_view origin) const noexcept { return (*recent_)[hash_key(origin) >> 60]; }

bool CacheGroups::purged_since(std::uint64_t seen, std::string_view origin, std::span<Group* const> groups) const {
  if (groups.empty()) return false;
  const std::lock_guard lock(mutex_);
  if (count_.load(std::memory_order_relaxed) == seen) return false;
  const std::uint64_t any = any_of(origin);
  if (recent(origin).may_contain(seen, any, groups, [](const Group& group) { return group.hash(); })) return true;
  return recent_->back().may_contain(seen, any, groups, [](const Group& group) { return group.everywhere_.hash(); });
}

// ---- members ----

CacheGroups::~CacheGroups() {
  for (Shards* const shards : {&names_, &groups_})
    for (Shard& shard : *shards) ENSURE(shard.index.size() == 0);  // they die with the last response in them
}

std::uint64_t CacheGroups::hash(std::string_view origin, std::string_view name) {
  std::string text;
  text.reserve(origin.size() + 1 + name.size());
  text.append(origin).append(" ").append(name);
  return hash_key(text);
}

/// A member more of the node that fits. One that does not is of no use to anybody who joins from now on. Null: there is no memory, or
/// it has to be tried again, Fit::Later: then the node is not touched, since nothing of the caller's keeps it alive.
template <class Node, class FitOf, class... Args>
Node* CacheGroups::find_or_add(Shards& shards, std::uint64_t hash, FitOf fit_of, Args&... args) noexcept {
  Shard& shard = shard_of(shards, hash);
  Node* found = nullptr;
  const auto is_settled = [&] {
    auto* const node = static_cast<Node*>(shard.index.first(hash));
    if (node == nullptr) return false;
    const Fit fit = fit_of(*node);
    if (fit == Fit::No) return shard.index.remove(*node), false;
    if (fit == Fit::Yes) ++(found = node)->members_;
    return true;
  };
  {
    const std::lock_guard lock(shard.mutex);
    if (is_settled()) return found;
  }
  if (!ledger_.charge(cost_of<Node>())) return nullptr;
  std::unique_ptr<Node> made(new (std::nothrow) Node(hash, args...));
  if (made) {
    const std::lock_guard lock(shard.mutex);
    if (!is_settled()) {
      made->members_ = 1;
      shard.index.insert(*made);
      return made.release();
    }
  }
  ledger_.credit(cost_of<Node>());
  return found;
}

template <class Node>
void CacheGroups::drop(Shards& shards, Node& node) noexcept {
  {
    Shard& shard = shard_of(shards, node.hash());
    const std::lock_guard lock(shard.mutex);
    if (--node.members_ > 0) return;
    shard.index.remove(node);  // unless a purge has
  }
  delete &node;
  ledger_.credit(cost_of<Node>());
}

Group* CacheGroups::join(std::string_view origin, std::string_view name) noexcept try {
  const std::uint64_t name_hash = hash_name(name), group_hash = hash(origin, name);
  for (;;) {
    GroupName* const everywhere = find_or_add<GroupName>(names_, name_hash, [](const GroupName&) { return Fit::Yes; });
    if (everywhere == nullptr) return nullptr;
    bool late = false;  // the name was purged just now: the group that is there is of its successor
    const auto fit_of = [&](const Group& group) {
      late = &group.everywhere_ != everywhere && !group.everywhere_.is_purged();
      return late ? Fit::Later : &group.everywhere_ == everywhere ? Fit::Yes : Fit::No;
    };
    Group* const group = find_or_add<Group>(groups_, group_hash, fit_of, *everywhere);
    if (group != nullptr) return group;
    drop(names_, *everywhere);
    if (!late) return nullptr;
  }
} catch (const std::bad_alloc&) {
  return nullptr;
}

void CacheGroups::join(Group& group) noexcept {
  {
    const std::lock_guard lock(shard_of(names_, group.everywhere_.hash()).mutex);
    ++group.everywhere_.members_;
  }
  const std::lock_guard lock(shard_of(groups_, group.hash()).mutex);
  ++group.members_;
}

void CacheGroups::leave(Group& group) noexcept {
  GroupName& everywhere = group.everywhere_;
  drop(groups_, group);
  drop(names_, everywhere);
}

// ---- purges ----

template <class Node>
std::uint64_t CacheGroups::mark(Shards& shards, std::uint64_t hash, Purge purge, std::uint64_t number, SteadyTime now) noexcept {
  Shard& shard = shard_of(shards, hash);
  const std::lock_guard lock(shard.mutex);
  auto* const node = static_cast<Node*>(shard.index.first(hash));
  if (node == nullptr) return 0;
  node->mark(purge, number, now);
  if (purge == Purge::Hard) shard.index.remove(*node);
  return node->members_;
}

std::uint64_t CacheGroups::purge(std::string_view origin, std::string_view name, Purge purge, SteadyTime now) {
  const std::uint64_t group = hash(origin, name);
  const std::lock_guard lock(mutex_);
  const std::uint64_t number = count_.load(std::memory_order_relaxed) + 1;
  recent(origin).add(group, number);
  const std::uint64_t members = mark<Group>(groups_, group, purge, number, now);
  count_.store(number, std::memory_order_release);
  if (members > 0 && purge == Purge::Hard) emptied_.fetch_add(1, std::memory_order_release);
  return members;
}

void CacheGroups::purge(std::string_view origin, std::span<const std::string> names, Purge purge, SteadyTime now) {
  if (names.size() <= kNotedEach) {
    for (const std::string& name : names) this->purge(origin, name, purge, now);
    return;
  }
  std::vector<std::uint64_t> hashes(names.size());
  std::transform(names.begin(), names.end(), hashes.begin(), [&](const std::string& name) { return hash(origin, name); });
  const std::lock_guard lock(mutex_);
  const std::uint64_t number = count_.load(std::memory_order_relaxed) + 1;
  recent(origin).add(any_of(origin), number);
  std::uint64_t members = 0;
  for (const std::uint64_t group : hashes) members += mark<Group>(groups_, group, purge, number, now);
  count_.store(number, std::memory_order_release);
  if (members > 0 && purge == Purge::Hard) emptied_.fetch_add(1, std::memory_order_release);
}

std::uint64_t CacheGroups::purge_everywhere(std::string_view name, Purge purge, SteadyTime now) {
  const std::uint64_t hash = hash_name(name);
  const std::lock_guard lock(mutex_);
  const std::uint64_t number = count_.load(std::memory_order_relaxed) + 1;
  recent_->back().add(hash, number);
  const std::uint64_t members = mark<GroupName>(names_, hash, purge, number, now);
  count_.store(number, std::memory_order_release);
  if (members > 0 && purge == Purge::Hard) emptied_.fetch_add(1, std::memory_order_release);
  return members;
}

// ---- lists ----

GroupList::~GroupList() {
  for (Group* const group : list_) groups_->leave(*group);
}

bool GroupList::add(std::string_view origin, std::string_view name) {
  list_.reserve(list_.size() + 1);  // first: nothing may fail once it has joined
  Group* const group = groups_->join(origin, name);
  if (group == nullptr) return false;
  list_.push_back(group);
  return true;
}

void GroupList::add(Group& group) {
  list_.push_back(&group);
  groups_->join(group);
}

}  // namespace freshet
