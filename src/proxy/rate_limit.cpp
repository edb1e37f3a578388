#include "freshet/proxy/rate_limit.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <string_view>

#include "freshet/cache/key.hpp"

namespace freshet {
namespace {

/// What a key is made of, side by side.
class KeyText {
 public:
  KeyText(std::uint16_t limit, char kind) noexcept {
    add(&limit, sizeof limit);
    add(&kind, 1);
  }
  void add(const void* bytes, std::size_t size) noexcept {
    std::memcpy(text_.data() + size_, bytes, size);
    size_ += size;
  }
  std::uint64_t hash() const noexcept { return hash_key(std::string_view(text_.data(), size_)); }

 private:
  std::array<char, 32> text_{};
  std::size_t size_ = 0;
};

using Groups = std::array<std::uint16_t, 8>;

/// Reads groups of hexadecimal digits with a colon between them. Returns how many.
std::size_t read_groups(std::string_view text, Groups& groups) noexcept {
  std::size_t count = 0;
  while (!text.empty() && count < groups.size()) {
    const std::size_t end = std::min(text.find(':'), text.size());
    std::from_chars(text.data(), text.data() + end, groups[count++], 16);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return count;
}

/// The first 64 bits of an IPv6 address. What is no address gives something that it gives again.
Groups network_of(std::string_view address) noexcept {
  const std::size_t gap = address.find("::");
  Groups all{}, behind{};
  read_groups(address.substr(0, gap), all);
  if (gap != address.npos) {
    const std::size_t count = read_groups(address.substr(gap + 2), behind);
    std::copy_n(behind.begin(), count, all.end() - static_cast<std::ptrdiff_t>(count));
  }
  std::fill(all.begin() + 4, all.end(), std::uint16_t{0});
  return all;
}

void add_address(std::string_view address, KeyText& key) noexcept {
  // An IPv4 address in IPv6 clothes (::ffff:192.0.2.1) is one client, not all of them.
  if (address.find('.') != address.npos) address.remove_prefix(address.rfind(':') + 1);
  if (address.find(':') != address.npos) {
    const Groups network = network_of(address);
    key.add(network.data(), sizeof network);
  } else {
    const std::uint64_t hash = hash_key(address);
    key.add(&hash, sizeof hash);
  }
}

}  // namespace

std::uint64_t rate_key(const Request& request, const RateLimit& limit) noexcept {
  const auto value = limit.header.empty() ? std::nullopt : request.head.fields.first(limit.header);
  if (value && !value->empty()) {
    KeyText key(limit.id, 'h');
    const std::uint64_t hash = hash_key(*value);
    key.add(&hash, sizeof hash);
    return key.hash();
  }
  KeyText key(limit.id, 'a');
  add_address(request.peer->address, key);
  return key.hash();
}

RateTable::RateTable(std::size_t buckets)
    : sets_(std::bit_ceil(std::max<std::size_t>(buckets, kWays)) / kWays), buckets_(std::make_unique<Set[]>(sets_)) {}

double RateTable::Bucket::used(SteadyTime now) const noexcept {
  // The oldest possible time is as far away as any: its difference would not fit.
  if (full_at == SteadyTime::min()) return -1e30;
  return static_cast<double>((full_at - now).count()) / static_cast<double>(capacity.count());
}

std::chrono::nanoseconds RateTable::take(std::uint64_t key, const TokenRate& rate, SteadyTime now) noexcept {
  const std::size_t index = key & (sets_ - 1);
  const std::lock_guard lock(locks_[index % kLocks]);
  Set& set = buckets_[index];
  auto bucket = std::find_if(set.begin(), set.end(), [key](const Bucket& b) { return b.key == key; });
  if (bucket == set.end()) {
    bucket = std::min_element(set.begin(), set.end(),
                              [now](const Bucket& a, const Bucket& b) { return a.used(now) < b.used(now); });
    *bucket = Bucket();
    bucket->key = key;
  }
  bucket->capacity = rate.capacity();
  return take_token(rate, now, bucket->full_at);
}

}  // namespace freshet
