// IP addresses and networks as plain bytes, for decisions that know no sockets.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace freshet {

/// An address. IPv4 inside IPv6 (::ffff:0:0/96) is always held as IPv4, so that one address has one form.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};  ///< of IPv4 the first four, the rest zero
  bool v4 = false;
  bool operator==(const IpAddress&) const = default;
};

/// A literal without brackets and scope; IPv4 as four decimal numbers without leading zeros.
std::optional<IpAddress> parse_ip(std::string_view text) noexcept;

/// The host of an authority, unless it is a name: IPv6 in brackets, or IPv4 in every form that inet_aton(3), and with
/// it getaddrinfo(3), takes for an address: 127.0.0.1, 127.1, 0x7f.1, 0177.0.0.1, 2130706433.
std::optional<IpAddress> ip_of_host(std::string_view host) noexcept;

/// An address block, e.g. 10.0.0.0/8 or fd00::/8.
struct IpNetwork {
  IpAddress address;
  unsigned prefix = 0;  ///< of IPv4 up to 32, else up to 128
  bool contains(const IpAddress&) const noexcept;
};

/// "address/prefix" or an address alone; empty when malformed. Bits behind the prefix do not matter.
std::optional<IpNetwork> parse_ip_network(std::string_view text) noexcept;

}  // namespace freshet
