// Who may ask for what: the access rules of a listener, in order; the first that matches decides.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/base/ip.hpp"
#include "freshet/base/reason.hpp"

namespace freshet {

/// Hosts by name or address, made once and then only read. Looking one up allocates nothing.
class HostSet {
 public:
  HostSet() = default;
  /// Each pattern in lower case: "*" (every host), "name", "*.name" (every name below it), ".name" (it and every name
  /// below it), or an address, IPv6 with or without brackets.
  explicit HostSet(const std::vector<std::string>& patterns);
  bool empty() const noexcept { return !any_ && exact_.empty() && below_.empty() && addresses_.empty(); }
  /// `host`: of a normalised authority; `address`: what ip_of_host() makes of it. An address is never "below" a name.
  bool contains(std::string_view host, const std::optional<IpAddress>& address) const noexcept;

 private:
  bool any_ = false;
  std::vector<std::string> exact_, below_;  // sorted
  std::vector<IpAddress> addresses_;
};

struct PortRange {
  std::uint16_t first = 0, last = 0;  ///< both belong to it
};

/// One rule. It matches when all its lists do; an empty list matches everything.
struct AccessRule {
  bool allow = false;
  std::vector<IpNetwork> clients;
  std::vector<std::string> users;    ///< "*": every client that has proven to be somebody
  std::vector<std::string> methods;  ///< case-sensitive (RFC 9110 9.1)
  HostSet hosts;
  std::vector<PortRange> ports;
  /// A rule with destinations matches by the address that is dialled: these are its bits in
  /// AccessVerdict::address_rules. 0: it has none.
  std::uint64_t by_address = 0;
  /// In place of `by_address` for a client that would have to say who it is first; only with `users`.
  std::uint64_t by_address_unknown = 0;
};

/// What is known of a request before any name is resolved. Views.
struct AccessFacts {
  std::string_view client;  ///< IP literal
  std::string_view user;    ///< empty: nobody in particular
  std::string_view method_name;
  std::string_view host;   ///< of a normalised authority
  std::uint16_t port = 0;  ///< the one that is meant: never 0, unless there is no host
};

struct AccessVerdict {
  Reason error = Reason::None;      ///< AccessDenied, AuthenticationRequired; None: allowed, or up to the address
  std::uint64_t address_rules = 0;  ///< the rules that the address may still match; 0: it is allowed
  Reason otherwise =
      Reason::None;  ///< AddressDenied, AuthenticationRequired or None, for an address that matches none of them
};

/// Pure. Without rules everything is allowed; with rules, what no rule allows is denied. A rule with `users` that would
/// match a client that has not said who it is asks for authentication, whatever its action: a denial could otherwise be
/// escaped by saying nothing. Nothing is left to the address when no address could lead to anything but a denial.
AccessVerdict decide_access(const AccessFacts&, const std::vector<AccessRule>&) noexcept;

}  // namespace freshet
