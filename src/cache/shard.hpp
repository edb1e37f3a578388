// One part of the store: responses and fetches whose keys hash here, under one lock.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "freshet/base/prefetch.hpp"
#include "freshet/base/small_mutex.hpp"
#include "freshet/cache/eviction.hpp"
#include "freshet/cache/expiry.hpp"
#include "freshet/cache/index.hpp"
#include "freshet/cache/store.hpp"
#include "flights.hpp"

namespace freshet {

/// What is remembered of keys whose answers were not stored.
enum class Declined : std::uint8_t {
  No,
  NotShared,  ///< nobody waits for anybody
  TooLarge,   ///< those who wait share it while it passes
  HasCookie,  ///< nobody waits who has a cookie
  Part,       ///< of one range of the key's representation: nobody waits for that one
};

/// Keys whose answers were not stored, for a while: sets of four places, so that memory is bounded; the one that
/// ends first is overwritten. A fingerprint that meets another one's makes a request go to the origin by itself, or its
/// answer pass, no more.
template <std::size_t kSets>
class DeclinedKeys {
 public:
  void remember(std::uint64_t hash, SteadyTime until, Declined why) noexcept {
    Place* chosen = nullptr;
    for (Place& place : set_of(hash)) {
      if (place.hash == hash) chosen = &place;
      if (chosen == nullptr || (chosen->hash != hash && place.until < chosen->until)) chosen = &place;
    }
    *chosen = {hash, until, why};
  }
  Declined find(std::uint64_t hash, SteadyTime now) const noexcept {
    for (const Place& place : places_[index(hash)])
      if (place.hash == hash && now < place.until) return place.why;
    return Declined::No;
  }
  void forget(std::uint64_t hash) noexcept {
    for (Place& place : set_of(hash))
      if (place.hash == hash) place = {};
  }

 private:
  struct Place {
    std::uint64_t hash = 0;
    SteadyTime until{};
    Declined why = Declined::No;
  };
  using Set = std::array<Place, 4>;
  static std::size_t index(std::uint64_t hash) noexcept { return (hash >> 8) % kSets; }
  Set& set_of(std::uint64_t hash) noexcept { return places_[index(hash)]; }
  std::array<Set, kSets> places_{};
};

/// The last invalidations, so that a fetch that began before one for its own key is not stored, and one for another key does not matter.
/// Memory is bounded: when more have followed than are remembered, any of them may have been for this key.
class Invalidations {
 public:
  /// What a fetch that begins now has to remember.
  std::uint64_t now() const noexcept { return count_; }
  void add(std::uint64_t hash) noexcept { last_[count_++ % last_.size()] = hash; }
  bool may_contain(std::uint64_t hash, std::uint64_t since) const noexcept {
    if (count_ - since > last_.size()) return true;
    for (std::uint64_t i = since; i != count_; ++i)
      if (last_[i % last_.size()] == hash) return true;
    return false;
  }

 private:
  std::uint64_t count_ = 0;
  std::array<std::uint64_t, 256> last_{};
};

struct alignas(64) Store::Shard {
  /// Asks for the memory of what is probably that one.
  void expect(std::uint64_t hash) const noexcept { prefetch(index.likely(hash), kLikelySize); }
  StoredResponse* first(std::uint64_t hash, const KeyText& key) const noexcept {
    expect(hash);
    return same_key(index.first(hash), key);
  }
  StoredResponse* next(const StoredResponse& node) const noexcept { return same_key(index.next(node), node.key()); }

  mutable SmallMutex mutex;  // before the order's mutex, where both are taken
  Index index;
  Flights flights;
  Invalidations invalidations;
  DeclinedKeys<32> declined;
  DeclinedKeys<8> declined_parts;  // apart: one URL has as many parts as clients can think of

 private:
  static constexpr std::size_t kLikelySize = 320;  // object, lines and key of most responses
  static constexpr std::size_t kLikelyBody = sizeof(StoredBody) + sizeof(BodyChunk) + 1024;  // and what is sent first of it, if it is small

  StoredResponse* same_key(IndexNode* node, const KeyText& key) const noexcept {
    for (; node != nullptr; node = index.next(*node)) {
      auto* const response = static_cast<StoredResponse*>(node);
      prefetch(response->body().get(), kLikelyBody);
      if (response->key() == key) return response;
    }
    return nullptr;
  }
};

/// Who leaves next, for all shards together: not touched by hits.
struct Store::Order {
  explicit Order(SteadyTime now) : expiry(seconds(now)) {}
  static std::int64_t seconds(SteadyTime t) noexcept {
    return std::chrono::floor<Seconds>(t.time_since_epoch()).count();
  }
  std::mutex mutex;
  Eviction eviction;
  ExpiryWheel expiry;
};

}  // namespace freshet
