#include "values.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>

#include "freshet/base/ascii.hpp"
#include "freshet/http/field_id.hpp"
#include "freshet/http/grammar.hpp"
#include "freshet/http/message.hpp"

namespace freshet::config {
namespace {

constexpr std::array<std::string_view, 2> kAccessActions{"allow", "deny"};
constexpr std::array<std::string_view, 2> kSetCookieRules{"bypass", "store"};
constexpr std::array<std::string_view, 3> kLogFormats{"combined", "json", "squid"};
constexpr std::array<std::string_view, 5> kLogLevels{"debug", "info", "warn", "error", "off"};

template <typename Enum, std::size_t n>
bool read_word(std::string_view text, const std::array<std::string_view, n>& words, Enum& out) {
  const auto found = std::ranges::find(words, text);
  if (found == words.end()) return false;
  out = static_cast<Enum>(found - words.begin());
  return true;
}

template <typename Whole>
bool read_whole(std::string_view text, Whole& out) {
  const auto value = ascii::parse_decimal(text);
  if (!value || *value > static_cast<Whole>(-1)) return false;
  out = static_cast<Whole>(*value);
  return true;
}

struct Address {
  int family = AF_UNSPEC;
  std::array<unsigned char, 16> bytes{};
  unsigned bits() const noexcept { return family == AF_INET ? 32 : 128; }
};

std::optional<Address> read_address(std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != text.npos) return {};
  const std::string terminated{text};
  Address address;
  for (int family : {AF_INET, AF_INET6}) {
    address.family = family;
    if (inet_pton(family, terminated.c_str(), address.bytes.data()) == 1) return address;
  }
  return {};
}

std::string to_text(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(address.family, address.bytes.data(), text.data(), text.size());
}

/// host and port of "host", "host:port", "[v6]", "[v6]:port"; brackets are removed.
struct HostPort {
  std::string host;
  std::optional<std::uint16_t> port;
  bool bracketed = false;
};

std::optional<HostPort> split_host_port(std::string_view text) {
  HostPort result;
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == text.npos) return {};
    result.bracketed = true;
    result.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    result.host = text.substr(0, colon);
    rest = colon == text.npos ? std::string_view{} : text.substr(colon);
  }
  if (result.host.empty()) return {};
  if (rest.empty()) return result;
  std::uint16_t port = 0;
  if (!rest.starts_with(':') || rest.size() > 6 || !read_whole(rest.substr(1), port)) return {};
  result.port = port;
  return result;
}

/// A host of a URL or an authority: a bracketed IPv6 literal, an IPv4 literal, or a name of letters, digits, '-', '_'
/// and '.'. Brings it to canonical spelling.
bool normalise_host(HostPort& at) {
  if (at.bracketed) {
    const auto address = read_address(at.host);
    if (!address || address->family != AF_INET6) return false;
    at.host = to_text(*address);
    return true;
  }
  std::ranges::transform(at.host, at.host.begin(), ascii::lower);
  if (at.host.size() > 1 && at.host.ends_with('.')) at.host.pop_back();
  const bool plain = std::ranges::all_of(
      at.host, [](char c) { return ascii::is_alpha(c) || ascii::is_digit(c) || c == '-' || c == '_' || c == '.'; });
  if (!plain || at.host.size() > 253 || at.host.starts_with('.') || at.host.find("..") != std::string::npos)
    return false;
  // What ends in a number is an IPv4 address or a mistake (URL Standard, 3.5).
  const auto last_label = std::string_view{at.host}.substr(at.host.rfind('.') + 1);
  return !std::ranges::all_of(last_label, ascii::is_digit) || read_address(at.host);
}

}  // namespace

bool ValueType<bool>::read(std::string_view text, bool& out, std::string&) {
  out = text == "true";
  return out || text == "false";
}

bool ValueType<std::uint32_t>::read(std::string_view text, std::uint32_t& out, std::string&) {
  return read_whole(text, out);
}
bool ValueType<std::uint16_t>::read(std::string_view text, std::uint16_t& out, std::string&) {
  return read_whole(text, out);
}

bool ValueType<Bytes>::read(std::string_view text, Bytes& out, std::string&) {
  const auto value = parse_size(text);
  if (value) out = *value;
  return value.has_value();
}

bool ValueType<Milliseconds>::read(std::string_view text, Milliseconds& out, std::string& what) {
  const auto value = parse_duration(text);
  if (value)
    out = *value;
  else if (ascii::parse_decimal(text))
    what = "has no unit ('" + std::string{text} + "')";
  return value.has_value();
}

bool ValueType<std::string>::read(std::string_view text, std::string& out, std::string& what) {
  if (text.empty()) what = "is empty";
  if (text.find('\0') != text.npos) what = "has a NUL byte";
  if (!what.empty()) return false;
  out = text;
  return true;
}

bool ValueType<Endpoint>::read(std::string_view text, Endpoint& out, std::string& what) {
  const auto at = split_host_port(text);
  if (!at || !at->port) return false;
  const auto address = read_address(at->host);
  if (!address) {
    what = "names '" + at->host + "', which is no IP address";
    return false;
  }
  if ((address->family == AF_INET6) != at->bracketed) return false;
  out = {to_text(*address), *at->port};
  return true;
}

bool ValueType<AdminBind>::read(std::string_view text, AdminBind& out, std::string& what) {
  constexpr std::string_view kUnix = "unix:";
  if (!text.starts_with(kUnix)) {
    out.path.clear();
    return ValueType<Endpoint>::read(text, out.endpoint, what);
  }
  const std::string_view path = text.substr(kUnix.size());
  if (!path.starts_with('/') || path.ends_with('/') || path.find('\0') != path.npos) return false;
  constexpr std::size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() > kLongest) {
    what = "names a path of " + std::to_string(path.size()) + " bytes, and the system takes " + std::to_string(kLongest);
    return false;
  }
  out = {{}, std::string{path}};
  return true;
}

bool add_host_name(std::string_view name, HostNames& out) {
  auto at = split_host_port(name);
  if (!at || at->port || at->bracketed || !normalise_host(*at)) return false;
  out.names.push_back(std::move(at->host));
  return true;
}

/// One name, or several as a flow list: "[A, B]".
bool ValueType<HostNames>::read(std::string_view text, HostNames& out, std::string&) {
  out.names.clear();
  if (!text.starts_with('[')) return add_host_name(text, out);
  if (!text.ends_with(']')) return false;
  text = text.substr(1, text.size() - 2);
  ListReader names(text);
  for (std::string_view name; names.next(name);)
    if (!add_host_name(name, out)) return false;
  return true;
}

bool ValueType<ServerUrl>::read(std::string_view text, ServerUrl& out, std::string& what) {
  const auto scheme_end = text.find("://");
  if (scheme_end == text.npos) {
    what = "is '" + std::string{text} + "', which has no scheme";
    return false;
  }
  if (ascii::iequals(text.substr(0, scheme_end), "https")) {
    what = "is '" + std::string{text} + "', but this version cannot speak TLS to servers yet";
    return false;
  }
  if (!ascii::iequals(text.substr(0, scheme_end), "http")) return false;
  auto authority = text.substr(scheme_end + 3);
  if (const auto end = authority.find_first_of("/?#"); end != authority.npos) {
    if (authority.substr(end) != "/") {
      what = "is '" + std::string{text} + "', but a server has no path";
      return false;
    }
    authority = authority.substr(0, end);
  }
  if (authority.find('@') != authority.npos) {
    what = "has a user name, which cannot be sent";
    return false;
  }
  auto at = split_host_port(authority);
  if (!at || at->port == 0 || !normalise_host(*at)) return false;
  out = {"http", std::move(at->host), at->port.value_or(80)};
  return true;
}

bool ValueType<HostField>::read(std::string_view text, HostField& out, std::string&) {
  if (text == "keep" || text == "server") {
    out = {text == "keep" ? HostField::Kind::Keep : HostField::Kind::Server, {}};
    return true;
  }
  auto at = split_host_port(text);
  if (!at || !normalise_host(*at)) return false;
  out = {HostField::Kind::Literal, std::string{text}};
  return true;
}

bool ValueType<RateKey>::read(std::string_view text, RateKey& out, std::string& what) {
  constexpr std::string_view kHeader = "header:";
  out.header.clear();
  if (text == "client") return true;
  if (!text.starts_with(kHeader)) return false;
  const std::string_view name = text.substr(kHeader.size());
  if (!is_token(name)) {
    what = "is '" + std::string{text} + "', which names no field";
    return false;
  }
  const FieldId id = intern_field(name);
  if (id == FieldId::Host || id == FieldId::ContentLength || (field_flags(id) & kHopByHop) != 0) {
    what = "is '" + std::string{text} + "', which says nothing about who asks";
    return false;
  }
  out.header = name;
  return true;
}
bool ValueType<SetCookieRule>::read(std::string_view text, SetCookieRule& out, std::string&) {
  return read_word(text, kSetCookieRules, out);
}
bool add_target(std::string_view name, TargetFields& out, std::string& what) {
  if (!is_token(name)) return false;
  const FieldId id = intern_field(name);
  const auto same = [name](const std::string& other) { return ascii::iequals(other, name); };
  if (std::ranges::any_of(out.names, same))
    what = "names '" + std::string{name} + "' twice";
  else if (id == FieldId::CacheControl)
    what = "names Cache-Control, which comes after all of them anyway";
  else if (id != FieldId::Unknown && id != FieldId::CdnCacheControl && id != FieldId::SurrogateControl)
    what = "names '" + std::string{name} + "', which means something else";
  if (!what.empty()) return false;
  out.names.emplace_back(name);
  return true;
}

/// One name, or several as a flow list: "[A, B]".
bool ValueType<TargetFields>::read(std::string_view text, TargetFields& out, std::string& what) {
  out.names.clear();
  if (!text.starts_with('[')) return add_target(text, out, what);
  if (!text.ends_with(']')) return false;
  text = text.substr(1, text.size() - 2);
  ListReader names(text);
  for (std::string_view name; names.next(name);)
    if (!add_target(name, out, what)) return false;
  return true;
}
bool ValueType<LogFormat>::read(std::string_view text, LogFormat& out, std::string&) {
  return read_word(text, kLogFormats, out);
}
bool ValueType<LogLevel>::read(std::string_view text, LogLevel& out, std::string&) {
  return read_word(text, kLogLevels, out);
}

bool ValueType<AccessAction>::read(std::string_view text, AccessAction& out, std::string&) {
  return read_word(text, kAccessActions, out);
}

bool ValueType<ClientNetwork>::read(std::string_view text, ClientNetwork& out, std::string& what) {
  const auto network = read_network(text, what);
  if (network) out.text = *network;
  return network.has_value();
}

bool ValueType<DestinationNetwork>::read(std::string_view text, DestinationNetwork& out, std::string& what) {
  const auto network = read_network(text, what);
  if (network) out.text = *network;
  return network.has_value();
}

bool ValueType<UserName>::read(std::string_view text, UserName& out, std::string&) {
  const auto plain = [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != ':'; };
  if (text.empty() || !std::ranges::all_of(text, plain)) return false;
  out.text = text;
  return true;
}

bool ValueType<MethodName>::read(std::string_view text, MethodName& out, std::string& what) {
  if (!is_token(text)) return false;
  std::string upper{text};
  std::ranges::transform(upper, upper.begin(), [](char c) { return ascii::is_alpha(c) ? static_cast<char>(c & ~0x20) : c; });
  if (upper != text && parse_method(upper) != Method::Other) {
    what = "is '" + std::string{text} + "', which is another method than " + upper;
    return false;
  }
  out.text = text;
  return true;
}

bool ValueType<HostPattern>::read(std::string_view text, HostPattern& out, std::string& what) {
  std::string ignored;
  const bool brackets = text.starts_with('[') && text.ends_with(']');
  if (const auto address = canonical_address(brackets ? text.substr(1, text.size() - 2) : text)) {
    out.text = *address;
    return !brackets || address->find(':') != address->npos;
  }
  if (read_network(text, ignored)) {
    what = "is '" + std::string{text} + "', which is a network (those stand under destinations)";
    return false;
  }
  const std::string_view prefix = text.starts_with("*.") ? "*." : text.starts_with('.') ? "." : "";
  HostPort at;
  at.host = text.substr(prefix.size());
  if (at.host != "*" || !prefix.empty()) {
    // "*.127.0.0.1": there is nothing below an address.
    if (at.host.empty() || !normalise_host(at) || read_address(at.host)) return false;
  }
  out.text = std::string{prefix} + at.host;
  return true;
}

bool ValueType<PortNumbers>::read(std::string_view text, PortNumbers& out, std::string&) {
  const auto hyphen = text.find('-');
  if (!read_whole(text.substr(0, hyphen), out.first)) return false;
  out.last = out.first;
  if (hyphen != text.npos && !read_whole(text.substr(hyphen + 1), out.last)) return false;
  return out.first != 0 && out.first <= out.last;
}

std::optional<std::string> read_network(std::string_view text, std::string& what) {
  const auto slash = text.find('/');
  auto address = read_address(text.substr(0, slash));
  if (!address) return {};
  const unsigned bits = address->bits();
  std::uint32_t prefix = bits;
  if (slash != text.npos && (!read_whole(text.substr(slash + 1), prefix) || prefix > bits)) return {};
  Address masked = *address;
  for (unsigned bit = prefix; bit < bits; ++bit)
    masked.bytes[bit / 8] &= static_cast<unsigned char>(~(0x80U >> (bit % 8)));
  const auto canonical = to_text(masked) + '/' + std::to_string(prefix);
  if (masked.bytes == address->bytes) return canonical;
  what = "is '" + std::string{text} + "', which has bits set after its prefix (the network is " + canonical + ")";
  return {};
}

std::optional<std::string> canonical_address(std::string_view text) {
  const auto address = read_address(text);
  if (!address) return {};
  return to_text(*address);
}

}  // namespace freshet::config

namespace freshet {

std::string_view to_string(LogFormat format) noexcept { return config::kLogFormats[static_cast<std::size_t>(format)]; }
std::string_view to_string(LogLevel level) noexcept { return config::kLogLevels[static_cast<std::size_t>(level)]; }

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  Endpoint endpoint;
  std::string what;
  if (!config::ValueType<Endpoint>::read(text, endpoint, what)) return {};
  return endpoint;
}

std::optional<AdminBind> parse_admin_bind(std::string_view text) {
  AdminBind bind;
  std::string what;
  if (!config::ValueType<AdminBind>::read(text, bind, what)) return {};
  return bind;
}

std::optional<ServerUrl> parse_server_url(std::string_view text, std::string& what) {
  ServerUrl server;
  what.clear();
  if (config::ValueType<ServerUrl>::read(text, server, what)) return server;
  if (what.empty()) what = "is '" + std::string{text} + "'";
  what += ", expected " + std::string{config::ValueType<ServerUrl>::kText.expected};
  return {};
}

template <typename T>
T initial(std::string_view text) {
  T value{};
  std::string what;
  if (!text.empty()) config::ValueType<T>::read(text, value, what);
  return value;
}

template <>
std::optional<std::uint32_t> initial(std::string_view) {
  return {};  // the word in settings.def stands for "none given"
}
template <>
std::optional<std::string> initial(std::string_view) {
  return {};
}
template <>
PrivateAccess initial(std::string_view text) {
  return {text == "true", {}};
}
template <>
std::vector<ServerUrl> initial(std::string_view) {
  return {};
}
template <>
std::vector<std::uint16_t> initial(std::string_view text) {
  std::vector<std::uint16_t> values;
  while (!text.empty()) {
    const auto end = text.find_first_of("[], ");
    std::uint16_t value = 0;
    if (config::read_whole(text.substr(0, end), value)) values.push_back(value);
    if (end == text.npos) break;
    text.remove_prefix(end + 1);
  }
  return values;
}

// Lists in access rules: empty stands for anything.
template <>
std::vector<ClientNetwork> initial(std::string_view) {
  return {};
}
template <>
std::vector<DestinationNetwork> initial(std::string_view) {
  return {};
}
template <>
std::vector<UserName> initial(std::string_view) {
  return {};
}
template <>
std::vector<MethodName> initial(std::string_view) {
  return {};
}
template <>
std::vector<HostPattern> initial(std::string_view) {
  return {};
}
template <>
std::vector<PortNumbers> initial(std::string_view) {
  return {};
}

template bool initial(std::string_view);
template AccessAction initial(std::string_view);
template std::uint32_t initial(std::string_view);
template Bytes initial(std::string_view);
template Milliseconds initial(std::string_view);
template std::string initial(std::string_view);
template Endpoint initial(std::string_view);
template AdminBind initial(std::string_view);
template HostNames initial(std::string_view);
template HostField initial(std::string_view);
template TargetFields initial(std::string_view);
template SetCookieRule initial(std::string_view);
template RateKey initial(std::string_view);
template LogFormat initial(std::string_view);
template LogLevel initial(std::string_view);

}  // namespace freshet
