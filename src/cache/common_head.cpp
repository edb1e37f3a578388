#include "freshet/cache/common_head.hpp"

#include <cstring>
#include <new>

#include "heap_cost.hpp"

namespace freshet {
namespace {

constexpr std::size_t kBucketShare = 16;

// Lines that belong to one response alone: were they the same twice, that would be chance.
bool is_own(FieldId id) noexcept {
  return id == FieldId::Date || id == FieldId::ETag || id == FieldId::LastModified || id == FieldId::Expires;
}

// Partition, scheme and authority, as make_cache_key() puts them together.
std::size_t key_start_size(std::string_view key) noexcept {
  const std::size_t scheme_end = key.find("://");
  if (scheme_end == std::string_view::npos) return 0;
  const std::size_t path = key.find('/', scheme_end + 3);
  return path == std::string_view::npos ? 0 : path;
}

std::string_view bytes_of(std::span<const FieldEntry> entries) noexcept {
  return {reinterpret_cast<const char*>(entries.data()), entries.size_bytes()};
}

// Of entries, lines and start of the key together.
std::uint64_t hash_of(const DividedHead& head) noexcept {
  return hash_key(bytes_of(head.entries())) ^ 3 * hash_key(head.common_lines()) ^ 5 * hash_key(head.key_start());
}

}  // namespace

// ---- one head ----

bool CommonHead::retain_if_used() const noexcept {
  std::uint32_t uses = uses_.load(std::memory_order_relaxed);
  while (uses != 0)
    if (uses_.compare_exchange_weak(uses, uses + 1, std::memory_order_relaxed)) return true;
  return false;  // about to be forgotten
}

void CommonHead::release() const noexcept {
  if (uses_.fetch_sub(1, std::memory_order_acq_rel) == 1) owner_->forget(*this);
}

void DividedHead::add(const FieldEntry& entry, std::string_view line, bool common) noexcept {
  std::size_t& at = common ? common_size_ : own_size_;
  std::memcpy((common ? common_ : own_).data() + at, line.data(), line.size());
  FieldEntry& added = entries_[entry_count_++];
  added = entry;
  added.name_at = static_cast<std::uint32_t>(at) | (common ? FieldEntry::kInSecond : 0);
  at += line.size();
}

// ---- all of them ----

const CommonHead* CommonHeads::divide(FieldsView lines, const CacheKey& key, DividedHead& divided) noexcept {
  const std::string_view wire = lines.wire().value_or(std::string_view());
  if (lines.size() > DividedHead::kMostLines || wire.size() > DividedHead::kLargest) return nullptr;
  for (const FieldEntry& entry : lines.entries()) {
    const std::string_view line = wire.substr(entry.name_at, entry.name_size + entry.value_size + std::size_t{4});
    divided.add(entry, line, !is_own(entry.id) && seen(hash_key(line), key.hash));
  }
  divided.key_start_ = key.text.substr(0, key_start_size(key.text));
  divided.own_key_ = key.text.substr(divided.key_start_.size());
  const std::uint64_t hash = hash_of(divided);
  {
    const std::lock_guard lock(mutex_);
    if (const CommonHead* const head = find(hash, divided)) return head;
  }
  return seen(hash, key.hash) ? make(hash, divided) : nullptr;
}

// Whether something with this hash came lately, last under another key. From now on it has.
bool CommonHeads::seen(std::uint64_t hash, std::uint64_t key) noexcept {
  std::atomic<std::uint64_t>& place = seen_[hash % kPlaces];
  const std::uint64_t now = (hash & ~std::uint64_t{UINT32_MAX}) | key >> 32;
  const std::uint64_t before = place.load(std::memory_order_relaxed);
  if (before == now) return false;
  place.store(now, std::memory_order_relaxed);
  return before >> 32 == now >> 32;
}

bool CommonHeads::is_same(const CommonHead& head, const DividedHead& divided) noexcept {
  return bytes_of(head.entries()) == bytes_of(divided.entries()) && head.key_start() == divided.key_start() &&
         std::string_view(head.lines(), head.lines_size()) == divided.common_lines();
}

// REQUIRES: the mutex is held. Counts the use.
const CommonHead* CommonHeads::find(std::uint64_t hash, const DividedHead& divided) const noexcept {
  for (const IndexNode* node = index_.first(hash); node != nullptr; node = index_.next(*node)) {
    const auto& head = static_cast<const CommonHead&>(*node);
    if (is_same(head, divided) && head.retain_if_used()) return &head;
  }
  return nullptr;
}

// Null when there is no room. It may be evicted for, so that no lock may be held.
const CommonHead* CommonHeads::make(std::uint64_t hash, const DividedHead& divided) noexcept {
  const std::string_view entries = bytes_of(divided.entries()), lines = divided.common_lines(), start = divided.key_start();
  const std::size_t size = sizeof(CommonHead) + entries.size() + lines.size() + start.size();
  if (!ledger_.charge(heap_cost(size) + kBucketShare)) return nullptr;
  void* const room = ::operator new(size, std::nothrow);
  if (room == nullptr) {
    ledger_.credit(heap_cost(size) + kBucketShare);
    return nullptr;
  }
  auto* const head = new (room) CommonHead(hash);
  head->owner_ = this;
  head->entry_count_ = static_cast<std::uint16_t>(divided.entries().size());
  head->lines_size_ = static_cast<std::uint32_t>(lines.size());
  head->key_start_size_ = static_cast<std::uint32_t>(start.size());
  char* at = reinterpret_cast<char*>(head + 1);
  for (const std::string_view part : {entries, lines, start}) {
    if (!part.empty()) std::memcpy(at, part.data(), part.size());
    at += part.size();
  }
  const std::lock_guard lock(mutex_);
  index_.insert(*head);
  return head;
}

void CommonHeads::forget(const CommonHead& head) noexcept {
  {
    const std::lock_guard lock(mutex_);
    index_.remove(const_cast<CommonHead&>(head));
  }
  ledger_.credit(heap_cost(sizeof(CommonHead) + head.size()) + kBucketShare);
  head.~CommonHead();
  ::operator delete(const_cast<CommonHead*>(&head));
}

std::size_t CommonHeads::size() const noexcept {
  const std::lock_guard lock(mutex_);
  return index_.size();
}

}  // namespace freshet
