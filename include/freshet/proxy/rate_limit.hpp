// Rate limits: which bucket a request takes its token from, and where the buckets are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "freshet/exchange/service.hpp"
#include "freshet/proxy/token_bucket.hpp"

namespace freshet {

/// How often the requests of one route may come.
struct RateLimit {
  TokenRate rate;
  std::string header;  ///< clients are told apart by this request field; empty, or not in the request: by their address
  std::uint16_t id = 0;  ///< limits with different ids have different buckets
};

/// Which bucket a request takes its token from: made from the limit and the client's address (IPv6: its first 64 bits,
/// as one client often has all addresses behind them), or the field's first line. Keyed by a secret of this process, so
/// that nobody can choose collisions. No allocation.
std::uint64_t rate_key(const Request&, const RateLimit&) noexcept;

/// A fixed number of buckets for all limits and clients, shared by the workers. A new one takes the place of the one in
/// its set of eight that is the fullest, the longest full first: a client that has used up its tokens is the last to be
/// forgotten. Any thread; no allocation after construction.
class RateTable {
 public:
  static constexpr std::size_t kBuckets = 65536;
  /// `buckets` is rounded up to a power of two, and to eight at least.
  explicit RateTable(std::size_t buckets = kBuckets);

  /// As take_token(), from the bucket with that key.
  std::chrono::nanoseconds take(std::uint64_t key, const TokenRate&, SteadyTime now) noexcept;

 private:
  struct Bucket {
    std::uint64_t key = 0;
    SteadyTime full_at = SteadyTime::min();
    std::chrono::nanoseconds capacity{1};
    /// How far from full, from 0 to 1; negative: how long it has been full.
    double used(SteadyTime now) const noexcept;
  };
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kLocks = 256;
  using Set = std::array<Bucket, kWays>;

  std::size_t sets_;  // a power of two
  std::unique_ptr<Set[]> buckets_;
  std::array<std::mutex, kLocks> locks_;  // each guards every kLocks-th set
};

}  // namespace freshet
