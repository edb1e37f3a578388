#include "freshet/net/address_policy.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "freshet/base/ascii.hpp"

namespace freshet {
namespace {

namespace ip = boost::asio::ip;

struct Block4 {
  std::uint32_t first;
  unsigned prefix;
};
constexpr std::uint32_t v4(unsigned a, unsigned b, unsigned c, unsigned d) { return a << 24 | b << 16 | c << 8 | d; }

/// Everything in the IANA IPv4 special-purpose registry that is not globally reachable, and what else a proxy must not
/// dial.
constexpr auto kInternal4 = std::to_array<Block4>({
    {v4(0, 0, 0, 0), 8},         // this network
    {v4(10, 0, 0, 0), 8},        // private use, RFC 1918
    {v4(100, 64, 0, 0), 10},     // shared address space (CGNAT), RFC 6598
    {v4(127, 0, 0, 0), 8},       // loopback
    {v4(168, 63, 129, 16), 32},  // Azure's platform service: public by number, served by the host
    {v4(169, 254, 0, 0), 16},    // link-local, RFC 3927; cloud metadata
    {v4(172, 16, 0, 0), 12},     // private use, RFC 1918
    {v4(192, 0, 0, 0), 24},      // IETF protocol assignments: .9 and .10 are answered nearby, .192 by a cloud
    {v4(192, 0, 2, 0), 24},      // documentation
    {v4(192, 88, 99, 0), 24},    // 6to4 relay anycast, deprecated by RFC 7526
    {v4(192, 168, 0, 0), 16},    // private use, RFC 1918
    {v4(198, 18, 0, 0), 15},     // benchmarking, RFC 2544
    {v4(198, 51, 100, 0), 24},   // documentation
    {v4(203, 0, 113, 0), 24},    // documentation
    {v4(224, 0, 0, 0), 4},       // multicast
    {v4(240, 0, 0, 0), 4},       // reserved; limited broadcast
});

constexpr bool is_internal4(std::uint32_t address) noexcept {
  for (const Block4& block : kInternal4)
    if ((address ^ block.first) >> (32 - block.prefix) == 0) return true;
  return false;
}

using Bytes16 = ip::address_v6::bytes_type;

/// An IPv6 block, and how to judge what lies in it.
struct Block6 {
  enum class Rule : std::uint8_t {
    Internal,
    Global,
    InnerAt2,   // the IPv4 address in bytes 2 to 5 decides
    InnerAt12,  // the IPv4 address in bytes 12 to 15 decides
    Teredo,     // the server's address in bytes 4 to 7 and the client's in 12 to 15, inverted: both decide
  };
  std::array<std::uint16_t, 8> first;
  unsigned prefix;
  Rule rule;
};
using Rule = Block6::Rule;

/// The first row that fits decides. From the IANA IPv6 special-purpose registry and RFC 4291; only 2000::/3 has been
/// given out as global unicast, so that all the rest is internal.
constexpr auto kBlocks6 = std::to_array<Block6>({
    {{0, 0, 0, 0, 0, 0xffff}, 96, Rule::InnerAt12},  // IPv4-mapped
    {{0x64, 0xff9b}, 96, Rule::InnerAt12},           // NAT64, RFC 6052
    {{0x2001, 0}, 32, Rule::Teredo},                 // RFC 4380
    {{0x2001, 3}, 32, Rule::Global},                 // AMT, RFC 7450
    {{0x2001, 4, 0x112}, 48, Rule::Global},          // AS112, RFC 7535
    {{0x2001, 0x20}, 28, Rule::Global},              // ORCHIDv2, RFC 7343
    {{0x2001, 0x30}, 28, Rule::Global},              // drone remote identification, RFC 9374
    {{0x2001, 0}, 23, Rule::Internal},               // IETF protocol assignments: anycast, benchmarking, ORCHID
    {{0x2001, 0xdb8}, 32, Rule::Internal},           // documentation
    {{0x2002}, 16, Rule::InnerAt2},                  // 6to4, RFC 3056
    {{0x3fff}, 20, Rule::Internal},                  // documentation, RFC 9637
    {{0x2000}, 3, Rule::Global},                     // global unicast
    // ::, ::1, IPv4-compatible, 64:ff9b:1::/48 (local NAT64), 100::/64 (discard), 5f00::/16 (SRv6), fc00::/7 (unique
    // local), fe80::/10 (link-local), fec0::/10 (site-local), ff00::/8 (multicast):
    {{}, 0, Rule::Internal},
});

bool same_prefix(std::span<const unsigned char> a, std::span<const unsigned char> b, unsigned prefix) noexcept {
  const std::size_t whole = prefix / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) return false;
  const unsigned rest = prefix % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

Bytes16 bytes_of(const Block6& block) noexcept {
  Bytes16 bytes{};
  for (std::size_t i = 0; i < block.first.size(); ++i) {
    bytes[2 * i] = static_cast<unsigned char>(block.first[i] >> 8);
    bytes[2 * i + 1] = static_cast<unsigned char>(block.first[i]);
  }
  return bytes;
}

std::uint32_t inner(const Bytes16& bytes, std::size_t at) noexcept {
  return v4(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
}

bool is_internal6(const Bytes16& bytes) noexcept {
  for (const Block6& block : kBlocks6) {
    if (!same_prefix(bytes, bytes_of(block), block.prefix)) continue;
    switch (block.rule) {
      case Rule::Internal:
        return true;
      case Rule::Global:
        return false;
      case Rule::InnerAt2:
        return is_internal4(inner(bytes, 2));
      case Rule::InnerAt12:
        return is_internal4(inner(bytes, 12));
      case Rule::Teredo:
        return is_internal4(inner(bytes, 4)) || is_internal4(~inner(bytes, 12));
    }
  }
  return true;
}

/// The IPv4 addresses through which an IPv6 address leads: one in NAT64 and 6to4, server and client in Teredo.
struct InnerAddresses {
  std::array<ip::address, 2> address;
  std::size_t count = 0;
  void add(std::uint32_t four) noexcept { address[count++] = ip::address_v4(four); }
};

InnerAddresses inner_addresses(const ip::address& address) noexcept {
  InnerAddresses found;
  if (address.is_v4()) return found;
  const Bytes16 bytes = address.to_v6().to_bytes();
  for (const Block6& block : kBlocks6) {
    if (!same_prefix(bytes, bytes_of(block), block.prefix)) continue;
    if (block.rule == Rule::InnerAt2) found.add(inner(bytes, 2));
    if (block.rule == Rule::InnerAt12) found.add(inner(bytes, 12));
    if (block.rule == Rule::Teredo) {
      found.add(inner(bytes, 4));
      found.add(~inner(bytes, 12));
    }
    break;
  }
  return found;
}

bool is_internal_network4(std::uint32_t address, unsigned prefix) noexcept {
  return std::any_of(kInternal4.begin(), kInternal4.end(), [&](const Block4& block) {
    return block.prefix <= prefix && (address ^ block.first) >> (32 - block.prefix) == 0;
  });
}

/// Whether the block, which has the network in it, makes all of it internal.
bool is_internal_inside(const Block6& block, const Bytes16& bytes, unsigned prefix) noexcept {
  if (block.rule == Rule::Internal) return true;
  const unsigned at = block.rule == Rule::InnerAt2 ? 16 : 96;
  const bool inside = block.rule == Rule::InnerAt2 || block.rule == Rule::InnerAt12;
  return inside && prefix >= at && is_internal_network4(inner(bytes, at / 8), std::min(prefix - at, 32U));
}

bool is_internal_network6(const Bytes16& bytes, unsigned prefix) noexcept {
  for (const Block6& block : kBlocks6) {
    if (!same_prefix(bytes, bytes_of(block), std::min(block.prefix, prefix))) continue;
    if (block.prefix <= prefix) return is_internal_inside(block, bytes, prefix);
    if (block.rule != Rule::Internal) return false;  // a part of the network is judged by something else
  }
  return true;
}

/// An IPv4-mapped address reaches the IPv4 address inside: it is that one which lists mean.
ip::address unmapped(const ip::address& address) noexcept {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address;
}

bool same_network(const ip::address& a, const ip::address& b, unsigned prefix) noexcept {
  if (a.is_v4() != b.is_v4()) return false;
  if (a.is_v4()) return same_prefix(a.to_v4().to_bytes(), b.to_v4().to_bytes(), std::min(prefix, 32U));
  return same_prefix(a.to_v6().to_bytes(), b.to_v6().to_bytes(), std::min(prefix, 128U));
}

bool host_bits_are_zero(const ip::address& address, unsigned prefix) noexcept {
  const auto zero_after = [prefix](std::span<const unsigned char> bytes) {
    for (std::size_t bit = prefix; bit < bytes.size() * 8; ++bit)
      if (bytes[bit / 8] >> (7 - bit % 8) & 1) return false;
    return true;
  };
  return address.is_v4() ? zero_after(address.to_v4().to_bytes()) : zero_after(address.to_v6().to_bytes());
}

std::optional<ip::address> parse_address(std::string_view text) {
  // No scope id, and nothing that make_address, which goes on to C functions, would cut off.
  const auto expected = [](char c) { return ascii::is_hex(c) || c == ':' || c == '.'; };
  if (!std::all_of(text.begin(), text.end(), expected)) return {};
  boost::system::error_code error;
  const ip::address address = ip::make_address(text, error);
  if (error) return {};
  return address;
}

bool matches(const AddressRule& rule, const ip::address& address) noexcept {
  const InnerAddresses ways = rule.verdict == Reason::None ? InnerAddresses{} : inner_addresses(address);
  return std::any_of(rule.networks.begin(), rule.networks.end(), [&](const Network& network) {
    return network.contains(address) || (ways.count > 0 && network.contains(ways.address[0])) ||
           (ways.count > 1 && network.contains(ways.address[1]));
  });
}

/// Whether the rule names an internal network that the address is in.
bool opens(const AddressRule& rule, const ip::address& address) noexcept {
  return std::any_of(rule.networks.begin(), rule.networks.end(), [&](const Network& network) {
    return network.contains(address) && is_internal_network(network);
  });
}

}  // namespace

bool Network::contains(const ip::address& candidate) const noexcept {
  return same_network(address, candidate, prefix) || same_network(address, unmapped(candidate), prefix);
}

std::optional<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return {};
  const unsigned longest = address->is_v4() ? 32 : 128;
  std::uint64_t prefix = longest;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto parsed = ascii::parse_decimal(digits);
    if (!parsed || *parsed > longest || (digits.size() > 1 && digits.front() == '0')) return {};
    prefix = *parsed;
  }
  Network network{*address, static_cast<unsigned>(prefix)};
  if (!host_bits_are_zero(network.address, network.prefix)) return {};
  if (network.prefix >= 96 && unmapped(*address) != *address) {  // ::ffff:10.0.0.0/104 means 10.0.0.0/8
    network.address = unmapped(*address);
    network.prefix -= 96;
  }
  return network;
}

bool is_internal_address(const ip::address& address) noexcept {
  return address.is_v4() ? is_internal4(address.to_v4().to_uint()) : is_internal6(address.to_v6().to_bytes());
}

bool is_internal_network(const Network& network) noexcept {
  const ip::address& address = network.address;
  return address.is_v4() ? is_internal_network4(address.to_v4().to_uint(), network.prefix)
                         : is_internal_network6(address.to_v6().to_bytes(), network.prefix);
}

bool AddressPolicy::allows(const ip::address& address) const noexcept {
  if (allow_internal || !is_internal_address(address)) return true;
  return std::any_of(allowed.begin(), allowed.end(), [&](const Network& n) { return n.contains(address); });
}

Reason AddressJudge::why_not(const ip::address& address) const noexcept {
  if (!policy_) return Reason::None;
  const Reason guarded = policy_->allows(address) ? Reason::None : Reason::PrivateAddress;
  for (std::size_t i = 0; i < policy_->rules.size() && i < 64; ++i) {
    if ((rules_ >> i & 1) == 0) continue;
    const AddressRule& rule = policy_->rules[i];
    if (!matches(rule, address)) continue;
    if (rule.verdict != Reason::None) return rule.verdict;
    return guarded == Reason::None || opens(rule, address) ? Reason::None : guarded;
  }
  return otherwise_ != Reason::None ? otherwise_ : guarded;
}

}  // namespace freshet
