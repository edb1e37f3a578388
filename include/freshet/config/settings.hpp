// What an operator can set. Plain values: made once by load() or by the makers below, read by app, which translates
// them into the small Options of each module. The members of the sections are rows of settings.def.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/config/units.hpp"

namespace freshet {

/// An address to listen on.
struct Endpoint {
  std::string address;     ///< an IP literal, IPv6 without brackets, in canonical spelling
  std::uint16_t port = 0;  ///< 0: the system chooses
  bool operator==(const Endpoint&) const = default;
};
/// "127.0.0.1:80", "[::1]:80".
std::string to_string(const Endpoint&);
/// "ADDRESS:PORT" with an IPv4 literal or a bracketed IPv6 literal; empty when it is not that.
std::optional<Endpoint> parse_endpoint(std::string_view text);

/// Where the admin pages are served: at a TCP address, or on a Unix socket.
struct AdminBind {
  Endpoint endpoint;  ///< when there is no `path`
  std::string path;   ///< of the Unix socket: absolute, and short enough for bind(2); empty: TCP
  bool operator==(const AdminBind&) const = default;
};
/// "127.0.0.1:9180", "unix:/run/freshet/admin.sock".
std::string to_string(const AdminBind&);
/// What an endpoint is, or "unix:/PATH"; empty when it is neither.
std::optional<AdminBind> parse_admin_bind(std::string_view text);

/// Host names as a Host field has them, without port, in lower case.
struct HostNames {
  std::vector<std::string> names;
  bool operator==(const HostNames&) const = default;
};

/// One server of an upstream.
struct ServerUrl {
  std::string scheme;      ///< "http"
  std::string host;        ///< a name in lower case or an IP literal; IPv6 without brackets
  std::uint16_t port = 0;  ///< never 0
  bool operator==(const ServerUrl&) const = default;
};
/// "http://host:port", IPv6 in brackets; the port always stands.
std::string to_string(const ServerUrl&);
/// The authority a client would ask for: "host" or "host:port" without the scheme's default port, IPv6 in brackets.
std::string authority_of(const ServerUrl&);

/// "http://HOST[:PORT]"; empty when it is not that, with what is wrong and what was expected in `what`.
std::optional<ServerUrl> parse_server_url(std::string_view text, std::string& what);

/// Which non-global addresses clients of a forward listener may reach.
struct PrivateAccess {
  bool all = false;
  std::vector<std::string>
      networks;  ///< when not `all`: the CIDR blocks that are open, canonical, e.g. "10.0.0.0/8", "fd00::/8"
  bool operator==(const PrivateAccess&) const = default;
};

/// The Host field of requests to an upstream.
struct HostField {
  enum class Kind : std::uint8_t { Keep, Server, Literal };
  Kind kind = Kind::Keep;
  std::string literal;  ///< for Literal: an authority
  bool operator==(const HostField&) const = default;
};

/// Names of targeted cache control fields, the one that goes first before the others; none twice in any case.
struct TargetFields {
  std::vector<std::string> names;
  bool operator==(const TargetFields&) const = default;
};

enum class AccessAction : std::uint8_t { Allow, Deny };

/// What access rules are made of. The texts are canonical: networks as "10.0.0.0/8", hosts in lower case without a final
/// dot, addresses among them without brackets.
struct ClientNetwork {
  std::string text;
  bool operator==(const ClientNetwork&) const = default;
};
struct DestinationNetwork {
  std::string text;
  bool operator==(const DestinationNetwork&) const = default;
};
struct UserName {
  std::string text;
  bool operator==(const UserName&) const = default;
};
struct MethodName {
  std::string text;
  bool operator==(const MethodName&) const = default;
};
struct HostPattern {
  std::string text;
  bool operator==(const HostPattern&) const = default;
};
struct PortNumbers {
  std::uint16_t first = 0;  ///< never 0
  std::uint16_t last = 0;   ///< belongs to them
  bool operator==(const PortNumbers&) const = default;
};

/// What tells the clients of a rate limit apart.
struct RateKey {
  std::string header;  ///< the name of a request field; empty: the client's address
  bool operator==(const RateKey&) const = default;
};

enum class SetCookieRule : std::uint8_t { Bypass, Store };
enum class LogFormat : std::uint8_t { Combined, Json, Squid };
enum class LogLevel : std::uint8_t { Debug, Info, Warn, Error, Off };
std::string_view to_string(LogFormat) noexcept;
std::string_view to_string(LogLevel) noexcept;

/// The value that a default of settings.def stands for. REQUIRES: a text of that type (a unit test parses all of them).
template <typename T>
T initial(std::string_view text);
template <>
std::optional<std::uint32_t> initial(std::string_view);
template <>
std::optional<std::string> initial(std::string_view);
template <>
PrivateAccess initial(std::string_view);
template <>
std::vector<ServerUrl> initial(std::string_view);
template <>
std::vector<std::uint16_t> initial(std::string_view);
template <>
std::vector<ClientNetwork> initial(std::string_view);
template <>
std::vector<DestinationNetwork> initial(std::string_view);
template <>
std::vector<UserName> initial(std::string_view);
template <>
std::vector<MethodName> initial(std::string_view);
template <>
std::vector<HostPattern> initial(std::string_view);
template <>
std::vector<PortNumbers> initial(std::string_view);

#define FRESHET_MEMBER(type, name, fallback, low, high, help) type name = initial<type>(fallback);

struct RateLimitSettings {
#define RATE_SETTING FRESHET_MEMBER
#include "freshet/config/settings.def"
};

struct RouteSettings {
#define ROUTE_SETTING FRESHET_MEMBER
#include "freshet/config/settings.def"
  std::optional<RateLimitSettings> rate_limit;
};

struct AuthSettings {
#define AUTH_SETTING FRESHET_MEMBER
#include "freshet/config/settings.def"
};

struct AccessRuleSettings {
#define ACCESS_RULE_SETTING FRESHET_MEMBER
#include "freshet/config/settings.def"
};

struct ForwardSettings {
#define FORWARD_SETTING FRESHET_MEMBER
#include "freshet/config/settings.def"
  /// Empty: clients need no credentials.
  std::optional<AuthSettings> auth;
  std::optional<RateLimitSettings> rate_limit;
};

struct ListenerSettings {
#define LISTENER_SETTING FRESHET_MEMBER
#include "freshet/config/settings.def"
  /// A reverse listener: tried in order, the first match wins. Empty on a forward listener.
  std::vector<RouteSettings> routes;
  /// In order, the first that matches decides; empty: everything is allowed.
  std::vector<AccessRuleSettings> access;
  /// Set: a forward proxy. Exactly one of `routes` and `forward` is there.
  std::optional<ForwardSettings> forward;
};

struct UpstreamSettings {
  std::string name;
#define UPSTREAM_SETTING FRESHET_MEMBER
#include "freshet/config/settings.def"
};

struct CacheSettings {
#define CACHE_SETTING FRESHET_MEMBER
#include "freshet/config/settings.def"
};

struct AdminSettings {
#define ADMIN_SETTING FRESHET_MEMBER
#include "freshet/config/settings.def"
};

struct AccessLogSettings {
#define ACCESS_LOG_SETTING FRESHET_MEMBER
#include "freshet/config/settings.def"
};

struct LogSettings {
#define LOG_SETTING FRESHET_MEMBER
#include "freshet/config/settings.def"
};

struct TimeoutSettings {
#define TIMEOUT_SETTING FRESHET_MEMBER
#include "freshet/config/settings.def"
};

struct LimitSettings {
#define LIMIT_SETTING FRESHET_MEMBER
#include "freshet/config/settings.def"
};

struct Settings {
  std::vector<ListenerSettings> listeners;  ///< one at least
  std::vector<UpstreamSettings> upstreams;  ///< in the order of the file; names are unique
  CacheSettings cache;
  std::optional<AdminSettings> admin = AdminSettings{};  ///< empty: off
  AccessLogSettings access_log;
  LogSettings log;
  TimeoutSettings timeouts;
  LimitSettings limits;
#define ROOT_SETTING FRESHET_MEMBER
#include "freshet/config/settings.def"

  /// The upstream with that name, or null.
  const UpstreamSettings* find_upstream(std::string_view name) const noexcept;
  /// "1 listener (forward 127.0.0.1:3128), 0 upstreams, cache 256MiB, admin 127.0.0.1:9180": for people.
  std::string summary() const;
};

#undef FRESHET_MEMBER

/// Sets one setting outside listeners and upstreams from its text, e.g. ("cache.max_size", "1GiB"), as the file would.
/// Returns what is wrong and what was expected, or nothing when it is set.
std::string set(Settings&, std::string_view path, std::string_view text);

/// A reverse proxy on `listen` for everything, before one upstream "app" with `servers`. REQUIRES: at least one server.
Settings reverse_settings(Endpoint listen, std::vector<ServerUrl> servers);
/// A forward proxy on `listen`.
Settings forward_settings(Endpoint listen, bool allow_private);

}  // namespace freshet
