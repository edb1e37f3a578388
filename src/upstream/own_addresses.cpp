#include "freshet/upstream/own_addresses.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "freshet/upstream/dialler.hpp"

namespace freshet {
namespace {

namespace ip = boost::asio::ip;

// An IPv4 address in IPv6 clothes is dialled as IPv4, and a zone does not make another address.
ip::address plain(const ip::address& address) noexcept {
  if (!address.is_v6()) return address;
  const ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, v6);
  return ip::address_v6(v6.to_bytes());
}

// The kernel connects the unspecified address to loopback.
ip::address as_dialled(const ip::address& address) noexcept {
  const ip::address it = plain(address);
  if (!it.is_unspecified()) return it;
  return it.is_v4() ? ip::address(ip::address_v4::loopback()) : ip::address(ip::address_v6::loopback());
}

}  // namespace

OwnAddresses::OwnAddresses(const std::vector<OriginServer>& listeners, std::vector<ip::address> local)
    : local_(std::move(local)) {
  for (const OriginServer& listener : listeners) {
    std::string literal = listener.host;
    if (literal.size() > 2 && literal.front() == '[' && literal.back() == ']')
      literal = literal.substr(1, literal.size() - 2);
    boost::system::error_code error;
    const ip::address address = ip::make_address(literal, error);
    if (!error && listener.port != 0) listeners_.emplace_back(plain(address), listener.port);
  }
  for (ip::address& address : local_) address = plain(address);
}

bool OwnAddresses::is_local(const ip::address& address) const noexcept {
  return address.is_loopback() || std::find(local_.begin(), local_.end(), address) != local_.end();
}

bool OwnAddresses::contains(const ip::tcp::endpoint& endpoint) const noexcept {
  const ip::address address = as_dialled(endpoint.address());
  for (const ip::tcp::endpoint& listener : listeners_) {
    if (listener.port() != endpoint.port()) continue;
    const ip::address& bound = listener.address();
    if (bound == address) return true;
    // A wildcard listener of one family does not hear the other one (IPV6_V6ONLY).
    if (bound.is_unspecified() && bound.is_v4() == address.is_v4() && is_local(address)) return true;
  }
  return false;
}

std::vector<ip::address> local_addresses() {
  std::vector<ip::address> found;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    if (entry->ifa_addr->sa_family == AF_INET) {
      sockaddr_in in{};
      std::memcpy(&in, entry->ifa_addr, sizeof(in));
      found.emplace_back(ip::address_v4(ntohl(in.sin_addr.s_addr)));
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      sockaddr_in6 in{};
      std::memcpy(&in, entry->ifa_addr, sizeof(in));
      ip::address_v6::bytes_type bytes;
      std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
      found.emplace_back(ip::address_v6(bytes));
    }
  }
  freeifaddrs(list);
  return found;
}

}  // namespace freshet
