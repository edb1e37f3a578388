// What counts as one client, where clients share something that is scarce.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace freshet {

/// What is counted as one client: an IPv4 address or an IPv6 /64, which is what one customer of a network usually has.
struct ClientKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const ClientKey&) const = default;
};

/// `address`: an IP literal without brackets. An IPv4 address in IPv6 clothes (v4-mapped, 64:ff9b::/96) counts as
/// itself; a link-local address counts whole, because all hosts of a link share its /64. Empty for what is not counted:
/// loopback, behind which another proxy may speak for many, and what is not an address. Pure.
std::optional<ClientKey> client_key(std::string_view address) noexcept;

}  // namespace freshet
