#include "freshet/cache/stored_body.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <new>

#include "freshet/base/check.hpp"
#include "freshet/cache/mapping_pool.hpp"
#include "heap_cost.hpp"

namespace freshet {
namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kLargestChunk = 1024 * kKiB;
constexpr std::size_t kFirstOfMany = 256 * kKiB;
constexpr std::size_t kLargestWhole = 4 * 1024 * kKiB;  // a declared length up to this is one chunk
constexpr std::size_t kSmallestChunk = 1 * kKiB, kSecondChunk = 16 * kKiB;
constexpr std::size_t kPassingChunk = 64 * kKiB;
constexpr std::size_t kLargestWithin = 8 * kKiB;  // that lies behind the StoredBody itself
constexpr std::size_t kLargestMoved = 256 * kKiB;  // what compact() copies at most

// Chunks from here on get a mapping of their own: blocks of all sizes, coming and going on the heap, would leave holes
// that add up to half of the cache (tests/bench/bench_memory --random).
constexpr std::size_t kSmallestMapping = 16 * kKiB;

constexpr std::size_t chunk_cost(std::size_t capacity) noexcept {
  const std::size_t size = sizeof(BodyChunk) + capacity;
  return size >= kSmallestMapping ? mapping_cost(size) : heap_cost(size);
}

BodyChunk* allocate_chunk(std::size_t capacity) {
  const std::size_t size = sizeof(BodyChunk) + capacity;
  bool has_pages = false;
  void* const mapping = size >= kSmallestMapping ? mapping_pool().take(mapping_cost(size), &has_pages) : nullptr;
  auto* const chunk = new (mapping != nullptr ? mapping : ::operator new(size)) BodyChunk;  // mappings may run out
  chunk->capacity = static_cast<std::uint32_t>(capacity);
  if (mapping != nullptr) {
    chunk->home = BodyChunk::Home::Mapping;
    chunk->has_pages = has_pages;
  }
  return chunk;
}

void deallocate_chunk(BodyChunk* chunk) noexcept {
  if (chunk->home == BodyChunk::Home::Mapping) {
    mapping_pool().give(chunk, mapping_cost(sizeof(BodyChunk) + chunk->capacity));
  } else {
    ::operator delete(chunk);
  }
}

// Bytes that are charged, when there is room for them, and credited again if nothing comes of it.
class Charge {
 public:
  Charge(Ledger& ledger, std::uint64_t bytes) noexcept : ledger_(ledger), bytes_(ledger.charge(bytes) ? bytes : 0) {}
  ~Charge() { ledger_.credit(bytes_); }
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;
  explicit operator bool() const noexcept { return bytes_ > 0; }
  void keep() noexcept { bytes_ = 0; }

 private:
  Ledger& ledger_;
  std::uint64_t bytes_;
};

// Calls `each` for all chunks of a list; it may free them.
template <class Each>
void for_all(BodyChunk* first, Each each) {
  for (BodyChunk *chunk = first, *next = nullptr; chunk != nullptr; chunk = next != first ? next : nullptr) {
    next = chunk->next;
    each(chunk);
  }
}

}  // namespace

static_assert(sizeof(StoredBody) == 56);

StoredBody::StoredBody(Ledger& ledger, std::optional<std::uint64_t> expected, std::uint64_t max_size, std::uint32_t room)
    : ledger_(ledger), limit_(std::min(max_size, ledger.limit() / 2)), traffic_(std::make_unique<Traffic>()) {
  const bool too_large = expected && *expected > limit_;
  if (room > 0) {
    (new (own_chunk()) BodyChunk)->capacity = room;
    own_chunk()->home = BodyChunk::Home::Body;
    phase_ |= kRoom;
  }
  if (expected) {
    limit_ = *expected;
    phase_ |= kDeclared;
  }
  if (ledger_.charge(own_cost()))
    phase_ |= kCharged;
  else
    start_passing(Reason::NoRoom);
  if (too_large) start_passing(Reason::TooLarge);
}

Ref<StoredBody> StoredBody::make(Ledger& ledger, std::optional<std::uint64_t> expected, std::uint64_t max_size) {
  const bool fits = expected && *expected > 0 && *expected <= kLargestWithin && *expected <= max_size;
  if (!fits) return make_ref<StoredBody>(ledger, expected, max_size);
  struct Delete {
    void operator()(void* at) const noexcept { ::operator delete(at); }
  };
  const auto room = static_cast<std::uint32_t>(*expected);
  std::unique_ptr<void, Delete> at(::operator new(sizeof(StoredBody) + sizeof(BodyChunk) + room));
  auto* const body = new (at.get()) StoredBody(ledger, expected, max_size, room);
  at.release();
  return Ref<StoredBody>(body);
}

void StoredBody::destroy() noexcept {
  this->~StoredBody();
  ::operator delete(static_cast<void*>(this));
}

std::size_t StoredBody::own_cost() const noexcept {
  return heap_cost(sizeof(StoredBody) + (has(kRoom) ? sizeof(BodyChunk) + own_chunk()->capacity : 0));
}

StoredBody::~StoredBody() {
  for_all(first(), [this](BodyChunk* chunk) { free_chunk(chunk); });
  if (has(kCharged)) ledger_.credit(own_cost());
}

void StoredBody::free_chunk(BodyChunk* chunk) noexcept {
  if (chunk->home == BodyChunk::Home::Body) return;  // goes with the body
  if (chunk->charged) ledger_.credit(chunk_cost(chunk->capacity));
  deallocate_chunk(chunk);
}

// REQUIRES: the mutex is held.
void StoredBody::add_chunk(BodyChunk* chunk) noexcept {
  chunk->next = last_ != nullptr ? last_->next : chunk;
  if (last_ != nullptr) last_->next = chunk;
  last_ = chunk;
}

// ---- the writer ----

StoredBody::Appended StoredBody::append(std::span<const std::byte> bytes, Waiter& writer) {
  const std::uint64_t before = size();
  if (!passing() && size() + bytes.size() > limit_) start_passing(Reason::TooLarge);
  for (bool first = true; first || !bytes.empty(); first = false) {
    if (first && passing())
      if (const auto refused = check_window(writer)) return *refused;
    if (bytes.empty()) break;
    if ((last_ == nullptr || last_->used == last_->capacity) && !extend(bytes.size())) {
      if (const auto refused = first ? check_window(writer) : std::nullopt) return *refused;
      ENSURE(extend(bytes.size()));  // passing now: small chunks are always to be had
    }
    // Behind `used` nobody looks: no lock for the copying.
    BodyChunk& chunk = *last_;
    const std::size_t n = std::min<std::size_t>(bytes.size(), chunk.capacity - chunk.used);
    if (!chunk.has_pages) ask_for_pages(chunk.bytes() + chunk.used, n);
    std::memcpy(chunk.bytes() + chunk.used, bytes.data(), n);
    prepare_next(chunk, n);
    bytes = bytes.subspan(n);
    const std::lock_guard lock(mutex_);
    if (state() != State::Filling) return Appended::Unread;
    chunk.used += static_cast<std::uint32_t>(n);
    size_.store(size() + n, std::memory_order_release);
    if (bytes.empty()) traffic_->waiting_readers.wake_all();
    const auto& unread_from = traffic_->unread_from;
    if (unread_from && !is_declared() && before - *unread_from > traffic_->worth.left) {
      give_up();
      return Appended::Unread;
    }
  }
  return Appended::Taken;
}

// `n` bytes are about to be added to that chunk, the last one. Room for a large chunk may have to be made of a thousand small responses:
// that takes a millisecond, in which the thread serves nobody. So some of it is made each time, as much as of this chunk is filled.
void StoredBody::prepare_next(const BodyChunk& chunk, std::size_t n) noexcept {
  const std::uint64_t left = chunk.capacity - chunk.used;
  // Of what has no declared length most ends in its first chunks: nothing has to leave for what may never come.
  const bool is_last = is_declared() ? limit_ - size() <= left : chunk.capacity < kFirstOfMany;
  if (is_last || passing()) return;
  const std::uint64_t next = chunk_cost(next_capacity(n, chunk.from + chunk.capacity));
  ledger_.prepare(next, next * n / chunk.capacity + 1);
}

// REQUIRES: passing. Empty when append() may go on.
std::optional<StoredBody::Appended> StoredBody::check_window(Waiter& writer) {
  const std::lock_guard lock(mutex_);
  if (state() != State::Filling) return Appended::Unread;
  traffic_->waiting_writer.remove(writer);
  if (traffic_->readers.empty()) {
    give_up();
    return Appended::Unread;
  }
  free_left_chunks();
  const std::uint64_t ahead = size() - std::min(slowest_locked(), size());
  // Without room in the ledger, one chunk at a time: it goes on, but holds next to nothing.
  const bool chunk_in_spite = last_ != nullptr && !last_->charged;
  const bool full = ahead >= kWindow || (chunk_in_spite && ahead > 0);
  if (full) traffic_->waiting_writer.add(writer);
  note_hold_up();
  return full ? std::optional(Appended::WindowFull) : std::nullopt;
}

std::uint64_t StoredBody::slowest_locked() const noexcept {
  std::uint64_t slowest = UINT64_MAX;
  for (const StoredBodyReader* reader : traffic_->readers) slowest = std::min(slowest, reader->at_);
  return slowest;
}

// REQUIRES: the mutex is held, by the writer; passing.
void StoredBody::free_left_chunks() noexcept {
  const std::uint64_t slowest = slowest_locked();
  for (BodyChunk* left = first(); left != nullptr; left = first()) {
    if (left->used != left->capacity || left->from + left->used > slowest) return;
    last_->next = left->next;
    if (left == last_) last_ = nullptr;
    for (StoredBodyReader* reader : traffic_->readers)
      if (reader->chunk_ == left) reader->chunk_ = nullptr;
    left->left = true;
    if (left->keepers == 0) free_chunk(left);
  }
}

void StoredBody::start_passing(Reason why) noexcept {
  if (state() != State::Filling) return;
  const std::lock_guard lock(mutex_);
  if (state() != State::Filling || passing()) return;
  why_ = why;
  phase_.fetch_or(kPassing, std::memory_order_release);
}

Reason StoredBody::why_passing() const noexcept {
  const std::lock_guard lock(mutex_);
  return passing() && state() != State::Aborted ? why_ : Reason::None;
}

// `size`: what will be there before it.
std::size_t StoredBody::next_capacity(std::size_t wanted, std::uint64_t size) const noexcept {
  if (passing()) return kPassingChunk;
  if (is_declared() && size < limit_) {
    const std::uint64_t missing = limit_ - size;
    if (limit_ <= kLargestWhole) return static_cast<std::size_t>(missing);
    return static_cast<std::size_t>(std::min<std::uint64_t>(missing, std::clamp<std::uint64_t>(size, kFirstOfMany, kLargestChunk)));
  }
  // Unknown: what is there, then doubling; a short answer mostly comes in one go.
  const std::size_t step = size == 0 ? kSmallestChunk : std::max<std::size_t>(size, kSecondChunk);
  return std::min(std::max(wanted, step), kLargestChunk);
}

// A new last chunk. False, and passing, when the ledger has no room for it; never false when passing already.
bool StoredBody::extend(std::size_t wanted) {
  BodyChunk* chunk = nullptr;
  if (has(kRoom) && size() == 0) {
    chunk = own_chunk();
    chunk->charged = has(kCharged);
  } else {
    const std::size_t capacity = next_capacity(wanted, size());
    Charge charge(ledger_, chunk_cost(capacity));  // no lock held: this may evict, and destroy bodies
    if (!charge && !passing()) {
      start_passing(Reason::NoRoom);
      return false;
    }
    chunk = allocate_chunk(capacity);
    chunk->charged = static_cast<bool>(charge);
    charge.keep();
  }
  chunk->from = size();
  const std::lock_guard lock(mutex_);
  add_chunk(chunk);
  return true;
}

bool StoredBody::finish() {
  if (state() != State::Filling) return false;
  ENSURE(!is_declared() || limit_ == size());
  if (!passing()) compact();
  return settle(State::Complete, Reason::None);
}

bool StoredBody::abort(Reason why) { return settle(State::Aborted, why); }

bool StoredBody::settle(State state, Reason why) {
  const std::lock_guard lock(mutex_);
  return settle_locked(state, why);
}

bool StoredBody::settle_locked(State state, Reason why) noexcept {
  if (this->state() != State::Filling) return false;
  if (state == State::Aborted) why_ = why;
  phase_.fetch_add(static_cast<std::uint8_t>(state), std::memory_order_release);  // Filling is 0
  traffic_->waiting_readers.wake_all();
  release_traffic();
  return true;
}

void StoredBody::watch_readers(const FillWorth& worth, Waiter& filler, const Clock* clock) {
  const std::lock_guard lock(mutex_);
  if (!traffic_) return;
  traffic_->clock = clock;
  traffic_->worth = worth;
  traffic_->filler = &filler;
  judge();  // the reader may have left already
}

void StoredBody::stop_watching() noexcept {
  const std::lock_guard lock(mutex_);
  if (!traffic_) return;
  traffic_->filler = nullptr;
  traffic_->clock = nullptr;
  traffic_->held_up_since.reset();
}

// REQUIRES: the mutex is held. Gives the body up when the last of its readers has left and the rest is not worth it.
void StoredBody::judge() noexcept {
  if (state() != State::Filling || traffic_->filler == nullptr || !traffic_->was_read || !traffic_->readers.empty())
    return;
  traffic_->unread_from = size();
  if (!is_worth_finishing()) give_up();
}

// REQUIRES: the mutex is held; filling; no reader is left.
bool StoredBody::is_worth_finishing() const noexcept {
  if (passing()) return false;
  if (!is_declared()) return true;  // append() counts what comes from here on
  const FillWorth& worth = traffic_->worth;
  const std::uint64_t share = limit_ / 100 * worth.percent + limit_ % 100 * worth.percent / 100;
  return size() >= share || limit_ - size() <= worth.left;
}

// REQUIRES: the mutex is held; filling; no reader is left.
void StoredBody::give_up() noexcept {
  if (traffic_->filler != nullptr) traffic_->filler->wake();
  settle_locked(State::Aborted, Reason::ClientClosed);
}

void StoredBody::stop_writing(Waiter& writer) noexcept {
  const std::lock_guard lock(mutex_);
  if (!traffic_) return;
  traffic_->waiting_writer.remove(writer);
  release_traffic();
}

// REQUIRES: the mutex is held.
void StoredBody::release_traffic() noexcept {
  const bool over = state() != State::Filling;
  if (over && traffic_ && traffic_->readers.empty() && traffic_->waiting_writer.empty()) traffic_.reset();
}

// One chunk without waste, as long as nobody has seen the bytes where they are now.
void StoredBody::compact() {
  const auto total = static_cast<std::size_t>(std::min<std::uint64_t>(size(), SIZE_MAX));
  if (total == 0 || total > kLargestMoved || last_ == nullptr) return;
  const std::size_t cost = chunk_cost(total);
  if (first() == last_ && chunk_cost(last_->capacity) <= cost + cost / 8) return;
  {
    const std::lock_guard lock(mutex_);
    if (seen_) return;
  }
  Charge charge(ledger_, cost);
  if (!charge) return;
  BodyChunk* whole = allocate_chunk(total);
  whole->charged = true;
  charge.keep();
  whole->next = whole;
  if (!whole->has_pages) ask_for_pages(whole->bytes(), total);
  for_all(first(), [whole](BodyChunk* chunk) {
    std::memcpy(whole->bytes() + whole->used, chunk->bytes(), chunk->used);
    whole->used += chunk->used;
  });
  {
    const std::lock_guard lock(mutex_);
    if (!seen_) std::swap(last_, whole);
  }
  for_all(whole->next, [this](BodyChunk* chunk) { free_chunk(chunk); });  // the old chunks, or the copy that came too late
}

// ---- the readers ----

std::optional<std::span<const std::byte>> StoredBody::contiguous() const noexcept {
  if (state() != State::Complete || passing()) return {};
  if (last_ == nullptr) return std::span<const std::byte>{};
  if (last_->next != last_) return {};
  return std::span<const std::byte>(last_->bytes(), last_->used);
}

std::size_t StoredBody::readers() const noexcept {
  const std::lock_guard lock(mutex_);
  return traffic_ ? traffic_->readers.size() : 0;
}

void StoredBody::add_reader(StoredBodyReader& reader) {
  if (state() == State::Complete && !passing()) return;  // nothing will change any more
  const std::lock_guard lock(mutex_);
  const std::uint64_t begins = last_ != nullptr ? first()->from : size();
  reader.missed_ = state() == State::Aborted || reader.at_ < begins;
  if (state() != State::Filling) return;
  book_hold_up();
  traffic_->readers.push_back(&reader);
  traffic_->unread_from.reset();
  reader.registered_ = true;
}

void StoredBody::remove_reader(StoredBodyReader& reader) noexcept {
  const std::lock_guard lock(mutex_);
  book_hold_up();
  if (reader.cut_off_) return let_go(reader);
  stop_waiting_locked(reader);
  std::erase(traffic_->readers, &reader);
  traffic_->waiting_writer.wake_all();
  note_hold_up();
  if (reader.purpose_ == StoredBodyReader::Purpose::Reading) traffic_->was_read = true;
  judge();
  release_traffic();
}

void StoredBody::stop_waiting_locked(StoredBodyReader& reader) noexcept {
  if (reader.waiter_ == nullptr) return;
  traffic_->waiting_readers.remove(*reader.waiter_);
  reader.waiter_ = nullptr;
}

StoredBody::Look StoredBody::look(StoredBodyReader& reader, Waiter* waiter) {
  const bool settled = state() == State::Complete && !passing();
  if (settled && reader.waiter_ == nullptr) return look_locked(reader, waiter);  // complete bodies do not change
  const std::lock_guard lock(mutex_);
  return look_locked(reader, waiter);
}

StoredBody::Look StoredBody::look_locked(StoredBodyReader& reader, Waiter* waiter) {
  Look look;
  const std::uint64_t here = size();
  const State state = this->state();
  if (reader.cut_off_) {
    look.state = Look::State::Aborted;
    look.why = Reason::ClientTooSlow;
    return look;
  }
  if (reader.at_ < here) {
    look = data_at(reader, here);
  } else if (state == State::Complete) {
    look.state = Look::State::End;
  } else if (state == State::Aborted) {
    look.state = Look::State::Aborted;
    look.why = why_;
  } else {
    if (reader.waiter_ != waiter) {
      stop_waiting_locked(reader);
      traffic_->waiting_readers.add(*waiter);
      reader.waiter_ = waiter;
    }
    return look;
  }
  stop_waiting_locked(reader);
  return look;
}

// REQUIRES: reader.at_ < size.
StoredBody::Look StoredBody::data_at(StoredBodyReader& reader, std::uint64_t size) noexcept {
  Look look;
  const bool behind = reader.chunk_ == nullptr || reader.at_ < reader.chunk_->from;
  BodyChunk* chunk = behind ? first() : reader.chunk_;
  while (chunk != nullptr && reader.at_ >= chunk->from + chunk->used) chunk = chunk->next;
  if (chunk == nullptr || reader.at_ < chunk->from) {  // came when the beginning was gone already
    look.state = Look::State::Aborted;
    look.why = why_;
    return look;
  }
  reader.chunk_ = chunk;
  const auto skip = static_cast<std::size_t>(reader.at_ - chunk->from);
  look.state = Look::State::Data;
  look.bytes = {chunk->bytes() + skip, chunk->used - skip};
  const std::uint64_t end = reader.at_ + look.bytes.size();
  const State state = this->state();
  look.last = (is_declared() && end == limit_) || (end == size && state == State::Complete);
  if (state != State::Complete) seen_ = true;
  return look;
}

StoredBodyReader::StoredBodyReader(Ref<StoredBody> body, std::uint64_t from, Purpose purpose)
    : body_(std::move(body)), at_(from), purpose_(purpose) {
  body_->add_reader(*this);
}

StoredBodyReader::~StoredBodyReader() {
  if (registered_) body_->remove_reader(*this);
}

StoredBodyReader::Look StoredBodyReader::look(Waiter& waiter) { return body_->look(*this, &waiter); }

void StoredBodyReader::stop_waiting() noexcept {
  if (waiter_ == nullptr) return;
  const std::lock_guard lock(body_->mutex_);
  body_->stop_waiting_locked(*this);
}

void StoredBodyReader::advance(std::uint64_t n) noexcept {
  if (!registered_ || body_->state() == StoredBody::State::Complete) {
    at_ += n;
    return;
  }
  const std::lock_guard lock(body_->mutex_);
  body_->book_hold_up();
  at_ += n;
  if (cut_off_) return body_->let_go(*this);
  if (body_->traffic_) body_->traffic_->waiting_writer.wake_all();
  body_->note_hold_up();
}

}  // namespace freshet
