// Locks: a shard's mutex guards its index and fetches; the order's mutex guards the queues of eviction and expiry. A
// response enters and leaves both under both (shard first). Who evicts takes it from the queues first, lets that lock
// go, and then takes it out of the index: meanwhile it can still be found, which does no harm. Whatever is taken out is
// destroyed after the locks: bodies credit the ledger, and destruction takes time. No lock is held where memory is
// charged, since that may evict.
#include "freshet/cache/store.hpp"

#include <algorithm>
#include <bit>

#include "freshet/base/check.hpp"
#include "freshet/cache/vary.hpp"
#include "shard.hpp"

namespace freshet {
namespace {

constexpr std::uint64_t kBytesPerShard = 4u << 20;

unsigned count_shards(const StoreOptions& options) noexcept {
  const auto worthwhile = std::max<std::uint64_t>(options.max_size / kBytesPerShard, 2);
  return static_cast<unsigned>(std::bit_floor(std::min<std::uint64_t>(worthwhile, std::max(options.shards, 2u))));
}

// When a response is of no use any more. Stale, it still serves within its stale-* windows; where nothing forbids it,
// also while the origin cannot be reached (ten minutes); and as long as it may be validated, it saves the transfer (at
// least an hour, at most a day).
std::int64_t keep_until(const StoredMeta& meta, Seconds default_stale_if_error) noexcept {
  constexpr Seconds kDisconnected{600}, kShortest{3600}, kLongest{24 * 3600};
  const Seconds stale_if_error = meta.has_stale_if_error ? Seconds(meta.stale_if_error) : default_stale_if_error;
  Seconds stale{0};
  if (!meta.forbids_stale) stale = std::max<Seconds>({meta.stale_while_revalidate, stale_if_error, kDisconnected});
  if (meta.has_validator()) stale = std::max(stale, std::clamp<Seconds>(meta.lifetime, kShortest, kLongest));
  const Seconds fresh = std::max(Seconds(meta.lifetime) - meta.initial_age, Seconds{0});
  return Seconds(std::chrono::ceil<Seconds>(meta.response_time.time_since_epoch()) + fresh + stale).count();
}

Eviction::Standing measure(const EvictionNode& node) {
  const auto& response = static_cast<const StoredResponse&>(node);
  return {response.hash(), response.bytes(), response.body()->state() == StoredBody::State::Filling};
}

// Why a response cannot be kept, whatever else is stored.
Reason why_unfit(const StoredResponse* response) noexcept {
  if (response == nullptr) return Reason::NoRoom;
  if (response->why_not_kept() != Reason::None) return response->why_not_kept();
  if (response->is_purged()) return Reason::Invalidated;
  const bool part_passes = response->parts() && response->body()->passing();
  if (response->is_usable() && !part_passes) return Reason::None;
  const Reason passing = response->body()->why_passing();
  return passing == Reason::None ? Reason::CutShort : passing;
}

// Never 0: that is the whole.
std::uint64_t part_hash(const CacheKey& key, std::string_view part) noexcept {
  return (std::rotl(key.hash, 1) ^ hash_key(part)) | 1;
}

void count(std::atomic<std::uint64_t>& counter, std::uint64_t n = 1) noexcept {
  counter.fetch_add(n, std::memory_order_relaxed);
}

}  // namespace

// ---- tickets ----

FetchTicket::FetchTicket(FetchTicket&& other) noexcept { *this = std::move(other); }

FetchTicket& FetchTicket::operator=(FetchTicket&& other) noexcept {
  if (this == &other) return *this;
  if (store_ != nullptr) decline(Reason::None, false);
  store_ = std::exchange(other.store_, nullptr);
  fetch_ = std::move(other.fetch_);
  hash_ = other.hash_;
  part_hash_ = other.part_hash_;
  began_ = other.began_;
  purges_ = other.purges_;
  path_ = other.path_;
  remembered_ = other.remembered_;
  large_ = other.large_;
  return *this;
}

FetchTicket::~FetchTicket() {
  if (store_ != nullptr) decline(Reason::None, false);
}

Kept FetchTicket::publish(Ref<StoredResponse> response, bool share) {
  ENSURE(store_ != nullptr);
  return store_->put(*this, nullptr, response, share);
}

Kept FetchTicket::publish(const Ref<StoredResponse>& old, Ref<StoredResponse> freshened) {
  ENSURE(store_ != nullptr);
  return store_->put(*this, old.get(), freshened, true);
}

bool FetchTicket::has_followers() const noexcept {
  return fetch_ && fetch_->is_followed();
}

bool FetchTicket::share(const Ref<StoredResponse>& response, bool remember) {
  ENSURE(store_ != nullptr);
  return store_->hand_over(*this, response, remember);
}

void FetchTicket::decline(Reason why, bool remember) {
  ENSURE(store_ != nullptr);
  const Declined kept = why == Reason::TooLarge        ? Declined::TooLarge
                        : why == Reason::CookieRequest ? Declined::HasCookie
                                                       : Declined::NotShared;
  store_->settle(*this, {FetchVerdict::Declined, why, 0, {}}, remember ? kept : Declined::No);
}

void FetchTicket::decline_part(Reason why) {
  ENSURE(store_ != nullptr && is_for_part());
  store_->settle(*this, {FetchVerdict::Declined, why, 0, {}}, Declined::Part);
}

void FetchTicket::fail(Reason why, int status, bool origin_asked) {
  ENSURE(store_ != nullptr);
  store_->settle(*this, {FetchVerdict::Failed, why, status, {}, origin_asked}, Declined::No);
}

// ---- the store ----

Store::Store(const StoreOptions& options, const Clock& clock)
    : Ledger(options.max_size),
      clock_(clock),
      options_(options),
      shard_count_(count_shards(options)),
      shard_shift_(64u - static_cast<unsigned>(std::countr_zero(shard_count_))),
      order_(std::make_unique<Order>(clock.now().steady)),
      common_heads_(*this),
      generations_(options.max_size),
      rules_(options.max_size),
      fills_(options.max_fills),
      revalidations_(options.max_fills),
      query_bytes_(options.max_size / 8) {
  shards_ = std::make_unique<Shard[]>(shard_count_);
}

Store::~Store() {
  for (unsigned i = 0; i < shard_count_; ++i) {
    Nodes gone;
    Shard& shard = shards_[i];
    while (IndexNode* const node = shard.index.any()) take_out(shard, static_cast<StoredResponse&>(*node), gone);
  }
}

Store::Shard& Store::shard_of(std::uint64_t hash) const noexcept { return shards_[hash >> shard_shift_]; }

void Store::expect(std::uint64_t hash) const noexcept {
  Shard& shard = shard_of(hash);
  const std::unique_lock lock(shard.mutex, std::try_to_lock);
  if (lock) shard.expect(hash);
}

Store::Found Store::find_once(const CacheKey& key, FieldsView request, Ref<StoredResponse>& useless) {
  Found found;
  StoredResponse* parts = nullptr;  // a whole answers more
  VaryMatcher matcher(request);
  Shard& shard = shard_of(key.hash);
  const std::lock_guard lock(shard.mutex);
  for (StoredResponse* response = shard.first(key.hash, key.text); response != nullptr;
       response = shard.next(*response)) {
    if (!response->is_usable()) {  // purged, or its fill failed, and whoever was to take it out knew only one that it has replaced
      useless = Ref<StoredResponse>(response);
      continue;
    }
    if (!matcher.matches(response->vary_key())) {
      found.other_variants = true;
      continue;
    }
    if (response->parts() && parts == nullptr) parts = response;
    if (response->parts()) continue;
    response->mark_used();
    found.response = Ref<StoredResponse>(response);
    return found;
  }
  if (parts == nullptr) return found;
  parts->mark_used();
  found.response = Ref<StoredResponse>(parts);
  return found;
}

std::vector<Ref<StoredResponse>> Store::variants(const CacheKey& key, std::size_t most) {
  std::vector<Ref<StoredResponse>> found;
  Shard& shard = shard_of(key.hash);
  const std::lock_guard lock(shard.mutex);
  for (StoredResponse* response = shard.first(key.hash, key.text); response != nullptr && found.size() < most;
       response = shard.next(*response)) {
    const bool whole = !response->parts() && response->body()->state() == StoredBody::State::Complete;
    if (whole && response->is_usable() && response->meta().has_strong_etag) found.emplace_back(response);
  }
  return found;
}

// REQUIRES: the shard is locked. What keeps `response` alive goes to `gone`.
void Store::take_out(Shard& shard, StoredResponse& response, Nodes& gone) {
  gone.emplace_back(&response);  // first: nothing may fail once it is out of the index
  if (!unlink(shard, response)) gone.pop_back();
}

// The same for who has a reference. False when it is not there any more.
bool Store::unlink(Shard& shard, StoredResponse& response) noexcept {
  if (!shard.index.remove(response)) return false;
  response.release();  // the index's reference
  counts_.objects.fetch_sub(1, std::memory_order_relaxed);
  const std::lock_guard lock(order_->mutex);
  order_->eviction.erase(response);
  order_->expiry.remove(response);
  return true;
}

Kept Store::put(FetchTicket& ticket, const StoredResponse* old, const Ref<StoredResponse>& response, bool share) {
  Reason why = why_unfit(response.get());
  Nodes gone;
  if (why == Reason::None && old != nullptr && old->is_purged()) why = Reason::Invalidated;
  if (why == Reason::None) {
    Shard& shard = shard_of(response->hash());
    const std::lock_guard lock(shard.mutex);
    if (is_invalidated(shard, ticket, *response))
      why = Reason::Invalidated;
    else if (is_outdone(shard, old, *response))
      why = Reason::Outdone;
    else
      put_locked(shard, old, *response, gone);
    if (why == Reason::None && share) {
      shard.declined.forget(response->hash());
      shard.declined_parts.forget(ticket.part_hash_);
    }
  }
  stop_keeping(gone, response.get(), Reason::Invalidated);
  const bool shared = why == Reason::None && share;
  Fetch::Look look{shared ? FetchVerdict::Published : FetchVerdict::Declined, why, 0, {}};
  if (shared) look.response = response;
  settle(ticket, std::move(look), share ? Declined::No : Declined::NotShared);
  return Kept(why);
}

// REQUIRES: the shard is locked. True when something better than `response` is there: one that took the place of `old`
// while the origin was asked about that; or, for a part, a whole that is fresh.
bool Store::is_outdone(const Shard& shard, const StoredResponse* old, const StoredResponse& response) const noexcept {
  const SteadyTime now = clock_.now().steady;
  bool replaced = false;
  for (const StoredResponse* other = shard.first(response.hash(), response.key()); other != nullptr; other = shard.next(*other)) {
    if (other == old) return false;
    if (other->vary_key() != response.vary_key() || !other->is_usable()) continue;
    replaced = replaced || old != nullptr;
    const bool fresh = !other->meta().no_cache && current_age(other->meta(), now) < other->meta().lifetime && !other->outdated_since();
    if (response.parts() && !other->parts() && fresh) return true;
  }
  return replaced;
}

bool Store::hand_over(FetchTicket& ticket, const Ref<StoredResponse>& response, bool remember) {
  ENSURE(response->hash() == ticket.hash_);
  bool valid = false;
  {
    Shard& shard = shard_of(ticket.hash_);
    const std::lock_guard lock(shard.mutex);
    valid = !is_invalidated(shard, ticket, *response);
    if (valid) shard.declined_parts.forget(ticket.part_hash_);
  }
  Fetch::Look look{FetchVerdict::Declined, Reason::Invalidated, 0, {}};
  if (valid) look = {FetchVerdict::Published, Reason::TooLarge, 0, response};
  settle(ticket, std::move(look), remember ? Declined::TooLarge : Declined::No);
  return valid;
}

// REQUIRES: the shard of `response` is locked.
bool Store::is_invalidated(Shard& shard, const FetchTicket& ticket, const StoredResponse& response) const {
  const auto groups = response.groups();
  if (!groups.empty() && groups_.purged_since(ticket.purges_, origin_of_key(response.key().text()), groups)) return true;
  if (response.hash() == ticket.hash_) return shard.invalidations.may_contain(ticket.hash_, ticket.began_);
  return path_generation(response.key().text()) != ticket.path_;
}

// REQUIRES: the shard is locked; `response` is in no store.
void Store::put_locked(Shard& shard, const StoredResponse* old, StoredResponse& response, Nodes& gone) {
  Nodes hidden, surplus;
  std::size_t variants = 1;
  for (StoredResponse* other = shard.first(response.hash(), response.key()); other != nullptr;
       other = shard.next(*other)) {
    ENSURE(other != &response);
    // One without Vary answers every request: nothing older can be selected any more.
    // But parts answer few requests only.
    const bool for_all = response.vary_key().empty() && !response.parts();
    if (other == old || other->vary_key() == response.vary_key() || for_all) {
      hidden.emplace_back(other);
    } else if (++variants >
               options_.max_variants) {  // the newest come first: this one and those behind it are the oldest
      surplus.emplace_back(other);
    }
  }
  gone.reserve(hidden.size() + surplus.size());  // nothing may fail once the queues know the new one
  {
    const std::lock_guard lock(order_->mutex);
    if (hidden.empty()) {
      order_->eviction.insert(response, response.hash(), response.bytes());
    } else {
      order_->eviction.replace(*hidden.front(), response, response.hash(), response.bytes());
    }
    order_->expiry.add(response, keep_until(response.meta(), options_.default_stale_if_error));
  }
  response.retain();             // the index's reference
  shard.index.insert(response);  // while those are there that it replaces: it takes their place in the order of its bucket
  count(counts_.objects);
  for (const Ref<StoredResponse>& other : hidden) take_out(shard, *other, gone);
  for (const Ref<StoredResponse>& other : surplus) take_out(shard, *other, gone);
  count(counts_.replaced, hidden.size());
  count(counts_.evicted_variants, surplus.size());
}

// ---- fetches ----

std::uint32_t Store::path_generation(std::string_view key) const noexcept {
  return generations_.of(hash_key(path_of_key(key)));
}

std::string Store::variant_of(const CacheKey& key, FieldsView request) const {
  Ref<StoredResponse> like;
  {
    Shard& shard = shard_of(key.hash);
    const std::lock_guard lock(shard.mutex);
    StoredResponse* response = shard.first(key.hash, key.text);
    while (response != nullptr && (response->vary_key().empty() || !response->is_usable())) response = shard.next(*response);
    if (response == nullptr) return {};
    like = Ref<StoredResponse>(response);
  }
  return make_vary_key_like(like->vary_key(), request);
}

// REQUIRES: the shard is locked.
FetchTicket Store::make_ticket(Shard& shard, const CacheKey& key, std::uint32_t path) noexcept {
  FetchTicket ticket;
  ticket.hash_ = key.hash;
  ticket.path_ = path;
  ticket.began_ = shard.invalidations.now();
  ticket.purges_ = groups_.now();
  ticket.store_ = this;
  return ticket;
}

// REQUIRES: the shard is locked; nobody is fetching that variant.
void Store::announce(Shard& shard, const CacheKey& key, const Joining& joining, FetchTicket& ticket) const {
  if (shard.flights.count(key) >= options_.max_variants) return;
  const bool is_part = ticket.is_for_part();
  // Whoever thinks of many parts must not take the places of the whole.
  if (is_part && shard.flights.count_parts(key) >= options_.max_variants / 2) return;
  ticket.fetch_ = shard.flights.add(key, joining.variant, is_part ? joining.part : std::string_view());
}

Store::Joined Store::join(const CacheKey& key, const Joining& joining) {
  Joined joined;
  const std::uint32_t path = path_generation(key.text);
  Shard& shard = shard_of(key.hash);
  const SteadyTime now = clock_.now().steady;
  const std::lock_guard lock(shard.mutex);
  Declined declined = shard.declined.find(key.hash, now);
  if (declined == Declined::HasCookie) declined = joining.has_cookie ? Declined::NotShared : Declined::No;
  bool alone = joining.alone || declined == Declined::NotShared || (declined == Declined::TooLarge && joining.conditional);
  std::uint64_t part = 0;
  if (!joining.part.empty() && (!joining.tries_whole || declined != Declined::No)) {
    part = part_hash(key, joining.part);
    alone = alone || joining.own_part || shard.declined_parts.find(part, now) != Declined::No;
  }
  if (!alone) joined.follow = shard.flights.find(key, joining.variant, part != 0 ? joining.part : std::string_view());
  if (joined.follow) return joined;
  joined.ticket = make_ticket(shard, key, path);
  joined.ticket.part_hash_ = part;
  joined.ticket.remembered_ = declined != Declined::No;
  joined.ticket.large_ = declined == Declined::TooLarge;
  if (!alone) announce(shard, key, joining, joined.ticket);
  return joined;
}

std::optional<FetchTicket> Store::join_background(const CacheKey& key, std::string_view variant, std::string_view part) {
  const std::uint32_t path = path_generation(key.text);
  Shard& shard = shard_of(key.hash);
  const std::lock_guard lock(shard.mutex);
  if (shard.flights.find(key, variant, part)) return {};
  FetchTicket ticket = make_ticket(shard, key, path);
  ticket.fetch_ = shard.flights.add(key, variant, part);
  return ticket;
}

void Store::settle(FetchTicket& ticket, Fetch::Look look, Declined declined) noexcept {
  const Ref<Fetch> fetch = std::move(ticket.fetch_);
  ticket.store_ = nullptr;
  if (fetch || declined != Declined::No) {
    Shard& shard = shard_of(ticket.hash_);
    const SteadyTime now = clock_.now().steady;
    const std::lock_guard lock(shard.mutex);
    if (fetch) shard.flights.remove(ticket.hash_, fetch);
    if (declined == Declined::Part)
      shard.declined_parts.remember(ticket.part_hash_, now + options_.remember_declined, declined);
    else if (declined != Declined::No)
      shard.declined.remember(ticket.hash_, now + options_.remember_declined, declined);
    if (declined == Declined::TooLarge) shard.declined_parts.forget(ticket.part_hash_);  // a good answer, only large
  }
  if (fetch) fetch->settle(std::move(look));
}

// ---- leaving ----

std::size_t Store::invalidate(const CacheKey& key) {
  FetchTicket nobody;
  return invalidate(key, nobody);
}

// The generations first: put() looks at them under the lock of the shard that is emptied here.
std::size_t Store::invalidate(const CacheKey& key, FetchTicket& own) {
  const std::uint64_t path = hash_key(path_of_key(key.text));
  generations_.advance(key.hash);
  if (path != key.hash) generations_.advance(path);
  std::size_t gone = invalidate_key(key, own);
  if (!rules_.any()) return gone;
  Arena arena;
  for (const SearchRule& rule : rules_.of(path))
    if (const auto equivalent = make_search_key(key, rule, arena)) gone += invalidate_key(*equivalent, own);
  return gone;
}

std::size_t Store::invalidate_key(const CacheKey& key, FetchTicket& own) {
  Nodes gone;
  {
    Shard& shard = shard_of(key.hash);
    const std::lock_guard lock(shard.mutex);
    const bool is_own = own.store_ == this && &shard_of(own.hash_) == &shard;
    const bool was_good = is_own && !shard.invalidations.may_contain(own.hash_, own.began_);
    shard.invalidations.add(key.hash);
    if (was_good) own.began_ = shard.invalidations.now();
    // A fetch that began earlier goes on, but nobody joins it any more.
    shard.flights.remove_all(key);
    while (StoredResponse* const response = shard.first(key.hash, key.text)) take_out(shard, *response, gone);
  }
  stop_keeping(gone, nullptr, Reason::Invalidated);
  count(counts_.invalidated, gone.size());
  return gone.size();
}

void Store::remove(const Ref<StoredResponse>& response) {
  Nodes gone;
  Shard& shard = shard_of(response->hash());
  const std::lock_guard lock(shard.mutex);
  take_out(shard, *response, gone);
}

/// Puts a stale one in its place, if it is still there; without room for that it goes.
void Store::outdate(const Ref<StoredResponse>& response, SteadyTime since) {
  const Ref<StoredResponse> stale = make_outdated(*response, since, *this);
  if (!stale) return take_purged(response);
  Shard& shard = shard_of(response->hash());
  const std::lock_guard lock(shard.mutex);
  const StoredResponse* there = shard.first(response->hash(), response->key());
  while (there != nullptr && there != response.get()) there = shard.next(*there);
  if (there == nullptr) return;
  {
    const std::lock_guard order(order_->mutex);
    order_->eviction.replace(*response, *stale, stale->hash(), stale->bytes());
    order_->expiry.remove(*response);
    order_->expiry.add(*stale, keep_until(stale->meta(), options_.default_stale_if_error));
  }
  shard.index.replace(*response, *stale);
  stale->retain();  // the index's reference
  response->release();  // which was the old one's; the caller has another
  count(counts_.replaced);
}

void Store::outgrown(const Ref<StoredResponse>& response) {
  Nodes gone;
  Shard& shard = shard_of(response->hash());
  const SteadyTime now = clock_.now().steady;
  const std::lock_guard lock(shard.mutex);
  take_out(shard, *response, gone);
  shard.declined.remember(response->hash(), now + options_.remember_declined, Declined::TooLarge);
}

// Nobody finds them any more: what is still filling serves those who read it now, and no more is kept than they need.
// A body that `successor` has too stays.
void Store::stop_keeping(const Nodes& gone, const StoredResponse* successor, Reason why) noexcept {
  for (const Ref<StoredResponse>& response : gone) response->stop_keeping(successor, why);
}

// Takes what has left the queues out of the index too.
bool Store::forget(const Ref<StoredResponse>& response) noexcept {
  {
    Shard& shard = shard_of(response->hash());
    const std::lock_guard lock(shard.mutex);
    if (!shard.index.remove(*response)) return false;
    response->release();  // the index's reference; the caller has another one
  }
  counts_.objects.fetch_sub(1, std::memory_order_relaxed);
  response->stop_keeping(nullptr, Reason::NoRoom);
  return true;
}

bool Store::make_room(std::uint64_t bytes) noexcept {
  do {
    Ref<StoredResponse> victim;
    bool useless = false;
    const SteadyTime now = clock_.now().steady;
    {
      const std::lock_guard lock(order_->mutex);
      std::size_t work = 32;
      if (ExpiryNode* const due = order_->expiry.pop_due(Order::seconds(now), work)) {
        useless = true;
        victim = Ref<StoredResponse>(static_cast<StoredResponse*>(due));
        order_->eviction.erase(*victim);
      } else if (EvictionNode* const picked = order_->eviction.pick(measure)) {
        victim = Ref<StoredResponse>(static_cast<StoredResponse*>(picked));
        order_->expiry.remove(*victim);
      }
    }
    if (!victim) return false;
    if (forget(victim)) count(useless ? counts_.expired : counts_.evicted_for_room);
  } while (held() + bytes > limit());
  return true;
}

std::size_t Store::expire_some(SteadyTime now, std::size_t work) {
  std::size_t expired = 0;
  while (work > 0) {
    Ref<StoredResponse> useless;
    {
      const std::lock_guard lock(order_->mutex);
      ExpiryNode* const due = order_->expiry.pop_due(Order::seconds(now), work);
      if (due == nullptr) break;
      useless = Ref<StoredResponse>(static_cast<StoredResponse*>(due));
      order_->eviction.erase(*useless);
    }
    expired += forget(useless);
  }
  count(counts_.expired, expired);
  return expired;
}

void Store::add_passing(const Ref<StoredBody>& body) {
  const std::lock_guard lock(passing_mutex_);
  passing_.push_back(body);
}

void Store::remove_passing(const StoredBody& body) noexcept {
  const std::lock_guard lock(passing_mutex_);
  std::erase_if(passing_, [&body](const Ref<StoredBody>& other) { return other.get() == &body; });
}

std::size_t Store::cut_off_slow_readers() {
  std::vector<Ref<StoredBody>> passing;
  {
    const std::lock_guard lock(passing_mutex_);
    passing = passing_;
  }
  std::size_t cut = 0;
  for (const Ref<StoredBody>& body : passing) cut += body->cut_off_slow_readers();
  return cut;
}

StoreFigures Store::figures() const {
  StoreFigures figures;
  figures.objects = counts_.objects.load(std::memory_order_relaxed);
  figures.bytes = held();
  figures.limit = limit();
  figures.evicted_for_room = counts_.evicted_for_room.load(std::memory_order_relaxed);
  figures.evicted_variants = counts_.evicted_variants.load(std::memory_order_relaxed);
  figures.invalidated = counts_.invalidated.load(std::memory_order_relaxed);
  figures.replaced = counts_.replaced.load(std::memory_order_relaxed);
  figures.expired = counts_.expired.load(std::memory_order_relaxed);
  return figures;
}

}  // namespace freshet
