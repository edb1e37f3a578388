// Which server of an upstream gets the next request: round robin, with those that failed set aside for a while.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "freshet/base/clock.hpp"

namespace freshet {

/// The servers of one upstream, as one worker sees them. healthy() is for any thread, the rest for the worker's.
class Balance {
 public:
  /// REQUIRES: at least one server. `first`: where the round begins, so that the workers do not all begin with the same
  /// one.
  Balance(std::size_t servers, Milliseconds set_aside, std::size_t first = 0);

  /// The next server that is neither set aside nor among `tried`; when there is none, the one among the set-aside whose
  /// time ends first. Empty when all have been tried.
  std::optional<std::size_t> pick(SteadyTime now, std::span<const std::size_t> tried) noexcept;
  /// Sets the server aside, unless no other would be left.
  void failed(std::size_t server, SteadyTime now) noexcept;
  /// It answered: it is no longer set aside.
  void answered(std::size_t server) noexcept;
  bool healthy(std::size_t server, SteadyTime now) const noexcept;
  std::size_t size() const noexcept { return size_; }

 private:
  std::size_t size_;
  Milliseconds set_aside_;
  std::size_t next_;
  std::unique_ptr<std::atomic<std::int64_t>[]> aside_until_;  // nanoseconds of the steady clock
};

}  // namespace freshet
