// How many connections each client address has, all workers together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace freshet {

/// What is counted as one client: an IPv4 address or an IPv6 /64, which is what one customer of a network usually has.
struct ClientKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const ClientKey&) const = default;
};

/// `address`: an IP literal without brackets. An IPv4 address in IPv6 clothes (v4-mapped, 64:ff9b::/96) counts as
/// itself; a link-local address counts whole, because all hosts of a link share its /64. Empty for what is not counted:
/// loopback, behind which another proxy may speak for many, and what is not an address. Pure.
std::optional<ClientKey> client_key(std::string_view address) noexcept;

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
