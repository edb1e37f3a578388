// Who may share stored responses where access rules depend on the address that a name leads to: only clients that are left with the
// same rules, since what one of them may fetch, all of them may.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

#include "freshet/base/arena.hpp"
#include "freshet/base/reason.hpp"

namespace freshet {

/// The sets of such rules that requests of a listener have been left with so far. Shared by all workers; nothing is ever taken out.
class AddressClasses {
 public:
  static constexpr std::size_t kMost = 256;
  static constexpr unsigned kMostRules = 62;  ///< bits of `rules`

  /// False when there is no room for another one: then nothing may be stored for it. REQUIRES: 0 < rules < 2^kMostRules; `otherwise` is
  /// None, AddressDenied or AuthenticationRequired.
  bool remember(std::uint64_t rules, Reason otherwise) noexcept;
  /// The partition of each, after `prefix`.
  std::vector<std::string_view> partitions(std::string_view prefix, Arena&) const;

  /// The partition of one of them. Without a space, as in all partitions.
  static std::string_view partition(std::string_view prefix, std::uint64_t rules, Reason otherwise, Arena&);

 private:
  std::array<std::atomic<std::uint64_t>, kMost> classes_{};  // rules, and above them what is said otherwise; 0: free
};

}  // namespace freshet
