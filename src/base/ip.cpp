#include "freshet/base/ip.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "freshet/base/ascii.hpp"

namespace freshet {
namespace {

/// A copy that ends with NUL, for C functions; empty when it is longer than any literal, or has a NUL itself.
class CText {
 public:
  explicit CText(std::string_view text) noexcept {
    if (text.size() >= bytes_.size() || text.find('\0') != std::string_view::npos) return;
    std::copy(text.begin(), text.end(), bytes_.begin());
  }
  const char* get() const noexcept { return bytes_.data(); }

 private:
  std::array<char, 64> bytes_{};
};

constexpr std::size_t kMappedPrefix = 12;  // bytes of ::ffff:0:0/96

IpAddress from4(const in_addr& from) noexcept {
  IpAddress made;
  made.v4 = true;
  std::memcpy(made.bytes.data(), &from, sizeof from);
  return made;
}

IpAddress from6(const in6_addr& from) noexcept {
  static constexpr std::array<std::uint8_t, kMappedPrefix> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  IpAddress made;
  made.v4 = std::memcmp(&from, kMapped.data(), kMapped.size()) == 0;
  const std::size_t skipped = made.v4 ? kMappedPrefix : 0;
  std::memcpy(made.bytes.data(), reinterpret_cast<const std::uint8_t*>(&from) + skipped, sizeof from - skipped);
  return made;
}

/// Whether the last label begins like a number: no such name exists in the DNS.
bool ends_in_number(std::string_view host) noexcept {
  const std::size_t dot = host.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? host : host.substr(dot + 1);
  return !last.empty() && ascii::is_digit(last.front());
}

bool is_mapped_literal(std::string_view text, const IpAddress& address) noexcept {
  return address.v4 && text.find(':') != std::string_view::npos;
}

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) noexcept {
  const CText copy(text);
  in_addr four;
  if (inet_pton(AF_INET, copy.get(), &four) == 1) return from4(four);
  in6_addr six;
  if (inet_pton(AF_INET6, copy.get(), &six) == 1) return from6(six);
  return {};
}

std::optional<IpAddress> ip_of_host(std::string_view host) noexcept {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') return parse_ip(host.substr(1, host.size() - 2));
  if (!ends_in_number(host)) return {};
  const CText copy(host);
  in_addr four;
  if (inet_aton(copy.get(), &four) == 0) return {};
  return from4(four);
}

bool IpNetwork::contains(const IpAddress& candidate) const noexcept {
  if (candidate.v4 != address.v4) return false;
  const std::size_t whole = prefix / 8;
  if (std::memcmp(candidate.bytes.data(), address.bytes.data(), whole) != 0) return false;
  const unsigned rest = prefix % 8;
  return rest == 0 || ((candidate.bytes[whole] ^ address.bytes[whole]) >> (8 - rest)) == 0;
}

std::optional<IpNetwork> parse_ip_network(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  const auto address = parse_ip(text.substr(0, slash));
  if (!address) return {};
  const bool mapped = is_mapped_literal(text.substr(0, slash), *address);
  const unsigned longest = address->v4 && !mapped ? 32 : 128;
  std::uint64_t prefix = longest;
  if (slash != std::string_view::npos) {
    const auto parsed = ascii::parse_decimal(text.substr(slash + 1));
    if (!parsed || *parsed > longest) return {};
    prefix = *parsed;
  }
  // ::ffff:10.0.0.0/104 means 10.0.0.0/8; a shorter prefix would reach beyond IPv4.
  if (mapped && prefix < 96) return {};
  return IpNetwork{*address, static_cast<unsigned>(mapped ? prefix - 96 : prefix)};
}

}  // namespace freshet
