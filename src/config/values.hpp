// How each type of setting is read from one text, and how documentation and messages speak of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/config/settings.hpp"

namespace freshet::config {

/// The words for a type: a short name for the reference, and what a message says was expected.
struct TypeText {
  std::string_view name;
  std::string_view expected;
};

/// read(text, out, what): puts the value into `out`, or returns false; then it may have put a better complaint than
/// "is 'text'" into `what`.
template <typename T>
struct ValueType;

#define FRESHET_VALUE_TYPE(type, type_name, type_expected)            \
  template <>                                                         \
  struct ValueType<type> {                                            \
    static constexpr TypeText kText{type_name, type_expected};        \
    static bool read(std::string_view, type& out, std::string& what); \
  };

FRESHET_VALUE_TYPE(bool, "true or false", "true or false")
FRESHET_VALUE_TYPE(std::uint32_t, "number", "a whole number")
FRESHET_VALUE_TYPE(std::uint16_t, "number", "a whole number")
FRESHET_VALUE_TYPE(Bytes, "size", "a size such as 256MiB, 64KiB or 1000")
FRESHET_VALUE_TYPE(Milliseconds, "duration", "a duration such as 30s, 500ms, 5m, 1h or 1d")
FRESHET_VALUE_TYPE(std::string, "text", "a text")
FRESHET_VALUE_TYPE(Endpoint, "address:port", "ADDRESS:PORT such as 127.0.0.1:8080 or \"[::1]:8080\"")
FRESHET_VALUE_TYPE(AdminBind, "address:port or unix:/path", "ADDRESS:PORT such as 127.0.0.1:9180, or unix:/PATH")
FRESHET_VALUE_TYPE(HostNames, "list of host names", "a list of host names such as [freshet.example.com]")
FRESHET_VALUE_TYPE(ServerUrl, "URL", "http://HOST or http://HOST:PORT")
FRESHET_VALUE_TYPE(HostField, "keep, server or a host", "keep, server or a host name")
FRESHET_VALUE_TYPE(RateKey, "client or header:NAME", "client or a request field such as header:X-Api-Key")
FRESHET_VALUE_TYPE(SetCookieRule, "bypass or store", "bypass or store")
FRESHET_VALUE_TYPE(TargetFields, "list of field names",
                   "a list of field names such as [Freshet-Cache-Control, CDN-Cache-Control]")
FRESHET_VALUE_TYPE(LogFormat, "combined, json or squid", "combined, json or squid")
FRESHET_VALUE_TYPE(LogLevel, "debug, info, warn, error or off", "debug, info, warn, error or off")
FRESHET_VALUE_TYPE(AccessAction, "allow or deny", "allow or deny")
FRESHET_VALUE_TYPE(ClientNetwork, "network", "a network such as 10.0.0.0/8 or \"fd00::/8\"")
FRESHET_VALUE_TYPE(DestinationNetwork, "network", "a network such as 10.0.0.0/8 or \"fd00::/8\"")
FRESHET_VALUE_TYPE(UserName, "user", "a user name without colon and control characters, or \"*\"")
FRESHET_VALUE_TYPE(MethodName, "method", "a method such as GET or CONNECT")
FRESHET_VALUE_TYPE(HostPattern, "host", "a host name without scheme and port, \"*.NAME\", .NAME, an IP address or \"*\"")
FRESHET_VALUE_TYPE(PortNumbers, "port", "a port or a range such as 8000-8999, from 1 to 65535")
#undef FRESHET_VALUE_TYPE

#define FRESHET_LIST_TYPE(type, type_name, type_expected)    \
  template <>                                                \
  struct ValueType<std::vector<type>> {                      \
    static constexpr TypeText kText{type_name, type_expected}; \
  };

FRESHET_LIST_TYPE(ClientNetwork, "list of networks", "a list of networks such as [10.0.0.0/8, \"fd00::/8\"]")
FRESHET_LIST_TYPE(DestinationNetwork, "list of networks", "a list of networks such as [10.0.0.0/8, \"fd00::/8\"]")
FRESHET_LIST_TYPE(UserName, "list of names", "a list of user names such as [alice, bob]")
FRESHET_LIST_TYPE(MethodName, "list of methods", "a list of methods such as [GET, HEAD, CONNECT]")
FRESHET_LIST_TYPE(HostPattern, "list of hosts", "a list of hosts such as [example.com, \"*.example.com\"]")
FRESHET_LIST_TYPE(PortNumbers, "list of ports", "a list of ports such as [80, 443, 8000-8999]")
#undef FRESHET_LIST_TYPE

/// Types that are not one text.
template <>
struct ValueType<std::vector<std::uint16_t>> {
  static constexpr TypeText kText{"list of numbers", "a list of ports such as [443, 8443]"};
};
template <>
struct ValueType<std::vector<ServerUrl>> {
  static constexpr TypeText kText{"list of URLs", "a list such as [\"http://127.0.0.1:8000\"]"};
};
template <>
struct ValueType<PrivateAccess> {
  static constexpr TypeText kText{"true, false or a list of networks",
                                  "true, false or a list of networks such as [10.0.0.0/8, \"fd00::/8\"]"};
};
template <>
struct ValueType<std::optional<std::string>> {
  static constexpr TypeText kText{"text or none", "a text or none"};
};
template <>
struct ValueType<std::optional<std::uint32_t>> {
  static constexpr TypeText kText{"number or auto", "a whole number or auto"};
};

/// Appends one name to the list, or says in `what` why it cannot stand there.
bool add_target(std::string_view name, TargetFields& out, std::string& what);

/// Appends one name to the list, in lower case; false when it is no host name.
bool add_host_name(std::string_view name, HostNames& out);

/// A CIDR block, or an address alone, in canonical spelling; empty when malformed or when bits after the prefix are
/// set.
std::optional<std::string> read_network(std::string_view text, std::string& what);

/// An IPv4 or IPv6 literal (no brackets, no scope) in canonical spelling.
std::optional<std::string> canonical_address(std::string_view text);

}  // namespace freshet::config
