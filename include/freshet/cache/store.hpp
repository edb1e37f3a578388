// All stored responses, shared by the workers: sharded, with a byte budget and eviction without list moves on a hit.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "freshet/base/clock.hpp"
#include "freshet/cache/fetch.hpp"
#include "freshet/cache/groups.hpp"
#include "freshet/cache/key.hpp"
#include "freshet/cache/ledger.hpp"
#include "freshet/cache/quota.hpp"
#include "freshet/cache/search_rules.hpp"
#include "freshet/cache/stored_response.hpp"
#include "freshet/cache/uri_generations.hpp"
#include "freshet/http/fields.hpp"

namespace freshet {

struct StoreOptions {
  std::uint64_t max_size = 256u << 20;    ///< bytes: heads, keys, index, bodies, fills
  std::uint64_t max_fills = 4096;         ///< responses on their way into the store, and as many revalidations in the background
  unsigned shards = 64;                   ///< a power of two; a small cache takes fewer (one for each 4 MiB)
  std::size_t max_variants = 64;          ///< for one key; beyond, the oldest leaves
  Milliseconds remember_declined{60000};  ///< how long nobody waits for a key whose answer was not shareable
  Seconds default_stale_if_error{0};      ///< as in CachePolicy: so long is kept what does not say it itself
};

struct StoreFigures {
  std::uint64_t objects = 0, bytes = 0, limit = 0;
  std::uint64_t evicted_for_room = 0, evicted_variants = 0, invalidated = 0, replaced = 0, expired = 0;
};

/// What became of a response that was given to the store.
class Kept {
 public:
  explicit Kept(Reason why_not) noexcept : why_not_(why_not) {}
  explicit operator bool() const noexcept { return why_not_ == Reason::None; }
  /// None: it is there. Invalidated: its key was, after the fetch began. Outdone: something better is there. NoRoom,
  /// TooLarge, CutShort: its body cannot be kept. Or what the 304 that freshened it forbids (StoredResponse::why_not_kept()).
  Reason why_not() const noexcept { return why_not_; }

 private:
  Reason why_not_;
};

class Store;
enum class Declined : std::uint8_t;

/// The right and duty to fetch one key, or one variant of it. Movable; one thread. Dropping it unsettled declines without remembering.
class FetchTicket {
 public:
  FetchTicket() = default;
  FetchTicket(FetchTicket&&) noexcept;
  FetchTicket& operator=(FetchTicket&&) noexcept;
  ~FetchTicket();
  explicit operator bool() const noexcept { return store_ != nullptr; }
  /// The key is remembered as one whose answers to such requests are not stored.
  bool remembered() const noexcept { return remembered_; }
  /// It is remembered because they are too large: one of unknown length had better not be stored this time either.
  bool remembered_as_large() const noexcept { return large_; }
  /// Whether anybody waits right now.
  bool has_followers() const noexcept;

  /// Puts the response into the store (its body may still be filling) and wakes those who wait. When it may not be kept:
  /// Declined for the others. A response with another key than the ticket's must be of the same path; an invalidation of any URI of
  /// that path counts then. `share`: those who wait may use it; otherwise (it must be validated before any reuse) it is stored, but
  /// they are told Declined and the key is remembered, so that nobody waits for the next ones.
  Kept publish(Ref<StoredResponse> response, bool share);
  /// After a 304: `freshened` takes the place of `old`, which stays when the other one may not be kept.
  Kept publish(const Ref<StoredResponse>& old, Ref<StoredResponse> freshened);
  /// Those who wait may use the response, but it is not stored: its body is passing, or lives as long as they do.
  /// False, and Declined for the others, when the key was invalidated after the fetch began. `remember`: see decline().
  bool share(const Ref<StoredResponse>& response, bool remember);
  /// Wakes the waiters without a response to share; with `remember`, nobody waits for this key for a while. For
  /// TooLarge they still do, except for those with a condition of their own; for CookieRequest, except for those with a
  /// cookie.
  void decline(Reason, bool remember);
  /// The same where only the answer to this very range is of no use to others (Joining::part): nobody waits for that one for a while.
  void decline_part(Reason);
  bool is_for_part() const noexcept { return part_hash_ != 0; }
  /// `origin_asked`: false when the request did not get that far.
  void fail(Reason, int status, bool origin_asked = true);

 private:
  friend class Store;
  Store* store_ = nullptr;
  Ref<Fetch> fetch_;  // null: alone (not announced to anybody)
  std::uint64_t hash_ = 0;
  std::uint64_t part_hash_ = 0;  // of the key and the part that is asked for; 0: the whole
  std::uint64_t began_ = 0;  // how many invalidations its shard had seen
  std::uint64_t purges_ = 0;  // how many purges of groups there had been
  std::uint32_t path_ = 0;   // generation of the path, for a response that belongs under another key of it
  bool remembered_ = false, large_ = false;
};

/// Outlives every response and body that was made with it, wherever they are pinned. Any thread.
class Store final : public Ledger {
 public:
  Store(const StoreOptions&, const Clock&);
  ~Store() override;

  struct Found {
    Ref<StoredResponse> response;  ///< the newest that Vary selects, a whole one before parts; null: none
    bool other_variants = false;   ///< something is stored for the key, but not for these request fields
  };
  /// The hit path: one short lock, no allocation, marks the response as used. What it meets of purged groups leaves on the way, or
  /// becomes stale (which allocates).
  Found find(const CacheKey&, FieldsView request);
  /// A key with this hash will be looked for soon: asks for the memory of the response that find() will look at first. Waits for the
  /// index's memory, under a short lock, but does nothing where somebody else has that.
  void expect(std::uint64_t hash) const noexcept;

  /// Complete responses of the key that have a strong ETag, whatever Vary selects: one of them may do for a request that selects none
  /// (RFC 9111 4.1). At most `most`, the newest first. For misses: it allocates.
  std::vector<Ref<StoredResponse>> variants(const CacheKey&, std::size_t most);

  /// The variant of the key that this request is about, by what the newest stored response that has a Vary names in it.
  /// Empty when there is none.
  std::string variant_of(const CacheKey&, FieldsView request) const;

  /// With whom a request could share a fetch.
  struct Joining {
    bool alone = false;        ///< with nobody
    bool conditional = false;  ///< it has a condition of its own
    bool has_cookie = false;
    std::string_view variant;  ///< the vary key of what it is about, as far as that can be told
    std::string_view part;     ///< the Range that it sends on; empty: it asks for the whole
    bool own_part = false;     ///< others cannot use the answer to that
    bool tries_whole = false;  ///< it sends the Range only when the key is remembered
  };
  /// Who fetches? Leads with a ticket; or a fetch to wait for; or a ticket that nobody else waits for (`alone`, or the
  /// key is remembered as not shareable, or as too large and the request is conditional, or as not for those with a
  /// cookie and it has one; or the part is remembered). One fetch is under way for each variant and part, at most
  /// `max_variants` for a key, half of them for parts; who comes when there are more fetches for nobody else.
  struct Joined {
    FetchTicket ticket;  ///< valid: this caller asks the origin
    Ref<Fetch> follow;   ///< else: wait for this one
  };
  Joined join(const CacheKey&, const Joining&);
  Joined join(const CacheKey& key, bool alone) {
    Joining joining;
    joining.alone = alone;
    return join(key, joining);
  }

  /// What No-Vary-Search has said of paths. A response that says it is stored under make_search_key(); learn the rule
  /// before.
  SearchRules& search_rules() noexcept { return rules_; }

  /// Removes all variants of a URI's key (RFC 9111 4.4), also those that are stored for an equivalent URI
  /// (No-Vary-Search), and keeps fetches that began earlier from being stored. Returns how many there were.
  std::size_t invalidate(const CacheKey&);
  /// The same by a request whose own answer may be stored afterwards: `own` stays as good as it was.
  std::size_t invalidate(const CacheKey&, FetchTicket& own);
  /// Changes with each invalidation of the URI that `uri` is the key of: part of the keys of QUERY (make_query_key()),
  /// whose responses are invalidated with it.
  std::uint32_t uri_generation(const CacheKey& uri) const noexcept { return generations_.of(uri.hash); }
  /// What responses are in. A purge of a group takes no lock that a hit takes; what it means for stored responses shows when they are
  /// met, and their memory comes back then, or by sweep_purged().
  CacheGroups* groups() noexcept override { return &groups_; }
  /// Looks at up to about `work` buckets for responses of purged groups, and takes them out. For a worker to call each second; cheap when
  /// nothing was purged since all buckets were looked at. Returns how many responses went.
  std::size_t sweep_purged(std::size_t work) noexcept;
  /// Takes one response out, if it is still there: its fill failed or outgrew the limits.
  void remove(const Ref<StoredResponse>&);
  /// Takes one out whose body has turned out larger than may be stored, and remembers that.
  void outgrown(const Ref<StoredResponse>&);
  /// A ticket when a background revalidation of the stored response with this key and vary key may start: nobody else is
  /// at it (RFC 5861: exactly one). It settles as usual.
  std::optional<FetchTicket> join_background(const CacheKey&, std::string_view variant = {}, std::string_view part = {});

  /// Takes out up to about `work` responses that have become useless: stale beyond every window in which they could be
  /// used or validated (see keep_until() in store.cpp). For a worker to call each second; cheap when there is nothing
  /// to do. Returns how many.
  std::size_t expire_some(SteadyTime now, std::size_t work);

  const Clock& clock() const noexcept { return clock_; }
  /// One share for each fill.
  Quota& fills() noexcept { return fills_; }
  /// One share for each revalidation that no client waits for.
  Quota& revalidations() noexcept { return revalidations_; }
  /// Bytes of QUERY contents that are held for their keys: an eighth of the budget, so that they cannot drive out what is stored. They are
  /// charged like everything else besides.
  Quota& query_bytes() noexcept { return query_bytes_; }
  /// Bodies that are passing: cut_off_slow_readers() looks after them from `add` to `remove`.
  void add_passing(const Ref<StoredBody>&);
  void remove_passing(const StoredBody&) noexcept;
  /// See StoredBody. For a worker to call each second. Returns how many were cut off.
  std::size_t cut_off_slow_readers();

  CommonHeads* common_heads() noexcept override { return &common_heads_; }
  StoreFigures figures() const;

 protected:
  bool make_room(std::uint64_t bytes) noexcept override;

 private:
  friend class FetchTicket;
  struct Shard;
  struct Order;
  using Nodes = std::vector<Ref<StoredResponse>>;

  Shard& shard_of(std::uint64_t hash) const noexcept;
  Kept put(FetchTicket&, const StoredResponse* old, const Ref<StoredResponse>& response, bool share);
  Found find_once(const CacheKey&, FieldsView request, Ref<StoredResponse>& useless);
  void take_purged(const Ref<StoredResponse>&) noexcept;
  void outdate(const Ref<StoredResponse>&, SteadyTime since);
  std::size_t sweep_step(std::size_t work) noexcept;
  bool is_outdone(const Shard&, const StoredResponse* old, const StoredResponse& response) const noexcept;
  void put_locked(Shard&, const StoredResponse* old, StoredResponse& response, Nodes& gone);
  void take_out(Shard&, StoredResponse&, Nodes& gone);
  bool unlink(Shard&, StoredResponse&) noexcept;
  bool forget(const Ref<StoredResponse>& unlinked) noexcept;
  static void stop_keeping(const Nodes& gone, const StoredResponse* successor, Reason) noexcept;
  bool hand_over(FetchTicket&, const Ref<StoredResponse>&, bool remember);
  FetchTicket make_ticket(Shard&, const CacheKey&, std::uint32_t path) noexcept;
  void announce(Shard&, const CacheKey&, const Joining&, FetchTicket&) const;
  std::uint32_t path_generation(std::string_view key) const noexcept;
  bool is_invalidated(Shard&, const FetchTicket&, const StoredResponse&) const;
  std::size_t invalidate_key(const CacheKey&, FetchTicket& own);
  void settle(FetchTicket&, Fetch::Look, Declined) noexcept;

  const Clock& clock_;
  StoreOptions options_;
  CacheGroups groups_{*this};  // before what holds responses
  unsigned shard_count_;
  unsigned shard_shift_;
  std::unique_ptr<Shard[]> shards_;
  std::unique_ptr<Order> order_;
  CommonHeads common_heads_;
  UriGenerations generations_;
  std::mutex passing_mutex_;  // taken alone
  std::vector<Ref<StoredBody>> passing_;
  struct Sweep {
    std::mutex mutex;  // before a shard's
    std::uint64_t seen = 0, goal = 0;  // CacheGroups::emptied(): when the last round ended, and when this one began
    unsigned shard = 0;
    std::size_t bucket = 0;
    std::size_t swept = 0;  // responses, in this call
  };
  Sweep sweep_;
  SearchRules rules_;
  Quota fills_, revalidations_, query_bytes_;
  struct Counts {
    std::atomic<std::uint64_t> objects{0}, evicted_for_room{0}, evicted_variants{0}, invalidated{0}, replaced{0},
        expired{0};
  };
  Counts counts_;
};

}  // namespace freshet
