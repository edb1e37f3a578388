// How many connections each client address has, all workers together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "freshet/net/client_key.hpp"

namespace freshet {

/// Any thread. Holds one entry for each address that has a connection, and nothing of those that have none.
class ClientTable {
 public:
  /// `limit`: connections of one client; 0 is no limit, and nothing is counted.
  explicit ClientTable(std::size_t limit);
  ClientTable(const ClientTable&) = delete;
  ClientTable& operator=(const ClientTable&) = delete;

  /// Counts one more connection. False, and not counted, when the client has `limit` of them already, or when there is
  /// no memory to count it.
  bool enter(const ClientKey&) noexcept;
  /// REQUIRES: enter() said true.
  void leave(const ClientKey&) noexcept;
  /// enter() would say false.
  bool is_full(const ClientKey&) const noexcept;
  bool limits() const noexcept { return limit_ > 0; }
  /// How many addresses have a connection.
  std::size_t addresses() const;

 private:
  struct Hash {
    std::uint64_t seed;  // so that nobody can choose addresses that collide
    std::size_t operator()(const ClientKey&) const noexcept;
  };
  struct Shard {
    explicit Shard(Hash hash) : connections(0, hash) {}
    mutable std::mutex mutex;
    std::unordered_map<ClientKey, std::uint32_t, Hash> connections;
  };
  static constexpr std::size_t kShards = 32;
  Shard& shard_of(const ClientKey& key) const noexcept { return *shards_[(hash_(key) >> 32) % kShards]; }

  const std::size_t limit_;
  const Hash hash_;
  std::array<std::unique_ptr<Shard>, kShards> shards_;
};

}  // namespace freshet
