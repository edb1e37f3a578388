#include "freshet/proxy/rate_limit.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <bit>
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

void add_address(const std::string& address, KeyText& key) noexcept {
  constexpr std::size_t kNetwork = 8;  // bytes of an IPv6 address
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) {
    key.add(bytes.data(), 4);
  } else if (inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) {
    key.add(bytes.data(), kNetwork);
  } else {
    const std::uint64_t other = hash_key(address);
    key.add(&other, sizeof other);
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
  add_address(request.peer.address, key);
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
