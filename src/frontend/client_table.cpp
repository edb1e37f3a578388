#include "freshet/frontend/client_table.hpp"

#include <random>

#include "freshet/base/check.hpp"

namespace freshet {
namespace {

std::uint64_t random_seed() {
  std::random_device random;
  return std::uint64_t{random()} << 32 | random();
}

std::uint64_t mix(std::uint64_t x) noexcept {  // the finalizer of splitmix64
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

std::size_t ClientTable::Hash::operator()(const ClientKey& key) const noexcept {
  return mix(mix(key.high + seed) ^ (key.low + seed));
}

ClientTable::ClientTable(std::size_t limit) : limit_(limit), hash_{random_seed()} {
  for (auto& shard : shards_) shard = std::make_unique<Shard>(hash_);
}

bool ClientTable::enter(const ClientKey& key) noexcept {
  try {
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    std::uint32_t& count = shard.connections[key];
    if (count >= limit_) return false;
    ++count;
    return true;
  } catch (...) {
    return false;
  }
}

void ClientTable::leave(const ClientKey& key) noexcept {
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.connections.find(key);
  ENSURE(found != shard.connections.end());
  if (--found->second == 0) shard.connections.erase(found);
}

bool ClientTable::is_full(const ClientKey& key) const noexcept {
  const Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.connections.find(key);
  return found != shard.connections.end() && found->second >= limit_;
}

std::size_t ClientTable::addresses() const {
  std::size_t all = 0;
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    all += shard->connections.size();
  }
  return all;
}

}  // namespace freshet
