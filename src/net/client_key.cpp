#include "freshet/net/client_key.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <string>

#include "freshet/base/ip.hpp"

namespace freshet {
namespace {

namespace ip = boost::asio::ip;

/// 64:ff9b::/96, where translators put IPv4 clients (RFC 6052 2.1).
constexpr std::array<unsigned char, 12> kTranslated = {0x00, 0x64, 0xff, 0x9b};
/// No IPv6 address that is in use begins like this (RFC 4291 2.4): the /64s of IPv4 addresses here.
constexpr std::uint64_t kVersion4 = 1ULL << 32;

ClientKey key_of(const ip::address_v4& address) noexcept { return {kVersion4 | address.to_uint(), 0}; }

std::uint64_t big_endian(const unsigned char* bytes) noexcept {
  std::uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | bytes[i];
  return number;
}

std::optional<ClientKey> key_of(const ip::address_v6& address) noexcept {
  if (address.is_loopback()) return {};
  const ip::address_v6::bytes_type bytes = address.to_bytes();
  if (address.is_v4_mapped() || std::equal(kTranslated.begin(), kTranslated.end(), bytes.begin())) {
    const ip::address_v4 inner({bytes[12], bytes[13], bytes[14], bytes[15]});
    if (inner.is_loopback()) return {};
    return key_of(inner);
  }
  return ClientKey{big_endian(bytes.data()), address.is_link_local() ? big_endian(bytes.data() + 8) : 0};
}

}  // namespace

std::optional<ClientKey> client_key(std::string_view address) noexcept {
  if (const auto plain = parse_ip(address); plain && plain->v4) {  // what most clients have, for less
    const ip::address_v4 four({plain->bytes[0], plain->bytes[1], plain->bytes[2], plain->bytes[3]});
    if (four.is_loopback()) return {};
    return key_of(four);
  }
  try {
    boost::system::error_code error;
    const ip::address parsed = ip::make_address(std::string(address), error);
    if (error) return {};
    if (parsed.is_v6()) return key_of(parsed.to_v6());
    if (parsed.is_loopback()) return {};
    return key_of(parsed.to_v4());
  } catch (...) {  // no memory for the copy
    return {};
  }
}

}  // namespace freshet
