// What becomes of stored responses whose group was purged: nothing until somebody meets them.
#include <array>

#include "freshet/cache/store.hpp"
#include "shard.hpp"

namespace freshet {

Store::Found Store::find(const CacheKey& key, FieldsView request) {
  for (int turn = 0;; ++turn) {
    Ref<StoredResponse> useless;
    Found found = find_once(key, request, useless);
    if (useless && useless->is_purged())
      take_purged(useless);
    else if (useless)
      remove(useless);
    const auto since = found.response ? found.response->outdated_since() : std::nullopt;
    if (!since) return found;
    if (turn == 3) return {};  // one purge after the other: it is not worth waiting for the end
    outdate(found.response, *since);
  }
}

void Store::take_purged(const Ref<StoredResponse>& response) noexcept {
  {
    Shard& shard = shard_of(response->hash());
    const std::lock_guard lock(shard.mutex);
    if (!unlink(shard, *response)) return;
  }
  response->stop_keeping(nullptr, Reason::Invalidated);
  counts_.invalidated.fetch_add(1, std::memory_order_relaxed);
}

/// One shard is locked for some buckets, and no longer than it takes to take out a few. Returns how many it looked at, 1 at least.
std::size_t Store::sweep_step(std::size_t work) noexcept {
  std::array<Ref<StoredResponse>, 32> purged;  // destroyed when the lock is open again
  std::size_t count = 0;
  Shard& shard = shards_[sweep_.shard];
  const std::size_t from = sweep_.bucket;
  {
    const std::lock_guard lock(shard.mutex);
    const std::size_t buckets = shard.index.buckets(), end = std::min(from + work, buckets);
    while (sweep_.bucket < end && count < purged.size()) {
      shard.index.each_in(sweep_.bucket, [&](IndexNode& node) {
        auto& response = static_cast<StoredResponse&>(node);
        if (count < purged.size() && response.is_purged()) purged[count++] = Ref<StoredResponse>(&response);
      });
      if (count < purged.size()) ++sweep_.bucket;  // otherwise there may be more in this one
    }
    for (std::size_t i = 0; i < count; ++i) unlink(shard, *purged[i]);
    if (sweep_.bucket == buckets) {
      ++sweep_.shard;
      sweep_.bucket = 0;
    }
  }
  for (std::size_t i = 0; i < count; ++i) purged[i]->stop_keeping(nullptr, Reason::Invalidated);
  counts_.invalidated.fetch_add(count, std::memory_order_relaxed);
  sweep_.swept += count;
  return sweep_.bucket > from ? sweep_.bucket - from : 1;
}

std::size_t Store::sweep_purged(std::size_t work) noexcept {
  constexpr std::size_t kStep = 64;
  const std::unique_lock sweeping(sweep_.mutex, std::try_to_lock);
  if (!sweeping) return 0;
  const std::uint64_t emptied = groups_.emptied();
  if (sweep_.seen == emptied) return 0;
  if (sweep_.shard == 0 && sweep_.bucket == 0) sweep_.goal = emptied;
  sweep_.swept = 0;
  while (work > 0 && sweep_.shard < shard_count_) work -= std::min(work, sweep_step(std::min(work, kStep)));
  if (sweep_.shard == shard_count_) {  // the round is over
    sweep_.shard = 0;
    sweep_.seen = sweep_.goal;
  }
  return sweep_.swept;
}

}  // namespace freshet
