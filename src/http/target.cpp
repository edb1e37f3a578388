#include "freshet/http/target.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "freshet/base/ascii.hpp"

namespace freshet {
namespace {

// reg-name of RFC 3986 3.2.2 without percent-encoding and sub-delims, which no name that can be looked up needs.
enum NameChar : std::uint8_t { kNotInName = 0, kInName = 1, kDot = 2, kUpper = 4 };
constexpr std::array<std::uint8_t, 256> kNameChars = [] {
  std::array<std::uint8_t, 256> table{};
  for (int c = 0; c < 128; ++c)
    if (ascii::is_alpha(static_cast<char>(c)) || ascii::is_digit(static_cast<char>(c)))
      table[static_cast<std::size_t>(c)] = kInName;
  for (char c : std::string_view("-_~")) table[static_cast<unsigned char>(c)] = kInName;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = kInName | kUpper;
  table[static_cast<unsigned char>('.')] = kDot;
  return table;
}();
// The DNS has 253 (RFC 1035 2.3.4).
constexpr std::size_t kLongestName = 255;

// Takes a registered name or an IPv4 literal off `rest`: labels of allowed characters, none of them empty, and maybe a dot
// behind them, which does not count. False when there is none.
bool take_name(std::string_view& rest, Authority& authority) noexcept {
  std::uint8_t before = kDot, all = 0;
  std::size_t size = 0;
  for (; size < rest.size(); ++size) {
    const std::uint8_t kind = kNameChars[static_cast<unsigned char>(rest[size])];
    if (kind == kNotInName) break;
    if ((kind & before & kDot) != 0) return false;
    before = kind;
    all |= kind;
  }
  if (size == 0) return false;
  authority.host = rest.substr(0, before == kDot ? size - 1 : size);
  authority.is_lower = (all & kUpper) == 0;
  rest.remove_prefix(size);
  return authority.host.size() <= kLongestName;
}

// dec-octet "." dec-octet "." dec-octet "." dec-octet, without leading zeros.
bool is_ipv4(std::string_view s) noexcept {
  int octets = 0;
  for (bool more = true; more; ++octets) {
    const std::size_t dot = s.find('.');
    more = dot != std::string_view::npos;
    const std::string_view octet = s.substr(0, dot);
    if (octet.size() > 3 || (octet.size() > 1 && octet.front() == '0')) return false;
    const auto value = ascii::parse_decimal(octet);
    if (!value || *value > 255) return false;
    if (more) s.remove_prefix(dot + 1);
  }
  return octets == 4;
}

// What stands between the brackets: IPv6address of RFC 3986 3.2.2. No zone, no IPvFuture.
bool is_ipv6(std::string_view s) noexcept {
  int groups = 0;
  bool compressed = false;
  if (s.starts_with("::")) {
    compressed = true;
    s.remove_prefix(2);
    if (s.empty()) return true;
  }
  for (;;) {
    const std::size_t colon = s.find(':');
    const std::string_view group = s.substr(0, colon);
    if (colon == std::string_view::npos && group.find('.') != std::string_view::npos) {
      if (!is_ipv4(group)) return false;
      groups += 2;
      break;
    }
    if (group.empty() || group.size() > 4 || !std::all_of(group.begin(), group.end(), ascii::is_hex)) return false;
    ++groups;
    if (colon == std::string_view::npos) break;
    s.remove_prefix(colon + 1);
    if (s.starts_with(':')) {
      if (compressed) return false;
      compressed = true;
      s.remove_prefix(1);
      if (s.empty()) break;
    }
  }
  return compressed ? groups <= 7 : groups == 8;
}

bool has_upper(std::string_view s) noexcept {
  return std::any_of(s.begin(), s.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// "host:port" or "host" in lower case. `text` is what `authority` was split from; it is kept when it says just that.
std::string_view render(std::string_view text, const Authority& authority, std::uint16_t port, Arena& arena) {
  if (port == 0 && authority.is_lower) return authority.host;
  std::array<char, 6> digits{':'};
  const char* end = digits.data();
  if (port != 0) end = std::to_chars(digits.data() + 1, digits.data() + digits.size(), port).ptr;
  const std::string_view suffix(digits.data(), static_cast<std::size_t>(end - digits.data()));
  const std::string_view host = authority.host;
  const bool as_it_came = text.starts_with(host) && text.substr(host.size()).starts_with(suffix);
  if (as_it_came && authority.is_lower && (suffix.empty() || text.size() == host.size() + suffix.size()))
    return text.substr(0, host.size() + suffix.size());
  const std::span<char> room = arena.text(host.size() + suffix.size());
  std::transform(host.begin(), host.end(), room.begin(), ascii::lower);
  std::copy(suffix.begin(), suffix.end(), room.begin() + static_cast<std::ptrdiff_t>(host.size()));
  return {room.data(), room.size()};
}

TargetVerdict refuse(Reason error, int status) noexcept {
  TargetVerdict verdict;
  verdict.error = error;
  verdict.status = status;
  return verdict;
}

enum TargetChar : std::uint8_t {
  kNever = 1,    // visible ASCII without '#' is what there may be: a fragment is never sent (RFC 9112 3.2)
  kUnclear = 2,  // in paths: a backslash, which some read as a slash, quotes and angle brackets, which clients encode
  kPercent = 4,
};
constexpr std::array<std::uint8_t, 256> kTargetChars = [] {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t c = 0; c < table.size(); ++c) table[c] = c <= 0x20 || c >= 0x7F || c == '#' ? kNever : 0;
  for (char c : std::string_view("\\\"<>")) table[static_cast<unsigned char>(c)] = kUnclear;
  table[static_cast<unsigned char>('%')] = kPercent;
  return table;
}();

// The kinds of all bytes together.
std::uint8_t kinds_in(std::string_view text) noexcept {
  std::uint8_t found = 0;
  for (char c : text) found |= kTargetChars[static_cast<unsigned char>(c)];
  return found;
}

// Everything else passes, also bytes that RFC 3986 wants encoded: browsers send | { } [ ] ^ ` in paths, in queries also
// " < > and \, and origins read them. `kinds`: what the whole target has. No encoded NUL, where some stop to
// read.
bool is_clear_path(std::string_view path, std::uint8_t kinds) noexcept {
  if ((kinds & (kUnclear | kPercent)) == 0) return true;
  path = path.substr(0, path.find('?'));
  return (kinds_in(path) & kUnclear) == 0 && path.find("%00") == std::string_view::npos;
}

// The scheme in front of "://"; empty when there is none.
std::string_view scheme_of(std::string_view raw) noexcept {
  const std::size_t end = raw.find("://");
  if (end == std::string_view::npos || end == 0 || !ascii::is_alpha(raw.front())) return {};
  const std::string_view scheme = raw.substr(0, end);
  const bool good = std::all_of(scheme.begin(), scheme.end(), [](char c) {
    return ascii::is_alpha(c) || ascii::is_digit(c) || c == '+' || c == '-' || c == '.';
  });
  return good ? scheme : std::string_view{};
}

// What goes into every form of target besides the target itself.
struct HostField {
  std::optional<std::string_view> value;
  std::size_t count;
  bool required;  // HTTP/1.1 (RFC 9112 3.2)
};

bool has_right_count(const HostField& host) noexcept { return host.count == 1 || (host.count == 0 && !host.required); }

// True when the number of Host lines is right and the one there is has a valid value.
bool is_good(const HostField& host) noexcept {
  return has_right_count(host) && (host.count == 0 || (host.value && split_authority(*host.value)));
}

TargetVerdict decide_connect(std::string_view raw, const HostField& host, std::string_view default_scheme,
                             Arena& arena) {
  if (raw.find('@') != std::string_view::npos) return refuse(Reason::Userinfo, 400);
  const auto authority = split_authority(raw);
  if (!authority || authority->port == 0) return refuse(Reason::BadTarget, 400);
  if (!is_good(host)) return refuse(Reason::BadHost, 400);
  TargetVerdict verdict;
  verdict.scheme = default_scheme;
  verdict.target = render(raw, *authority, authority->port, arena);
  verdict.authority = verdict.target;
  return verdict;
}

TargetVerdict decide_absolute(Method method, std::string_view raw, std::string_view scheme, const HostField& host,
                              std::uint8_t kinds, Arena& arena) {
  TargetVerdict verdict;
  verdict.absolute = true;
  verdict.scheme = ascii::iequals(scheme, "http") ? "http" : ascii::iequals(scheme, "https") ? "https" : "";
  if (verdict.scheme.empty()) return refuse(Reason::UnsupportedScheme, 501);
  const std::string_view rest = raw.substr(scheme.size() + 3);
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view named = rest.substr(0, end), path = rest.substr(end);
  if (named.find('@') != std::string_view::npos) return refuse(Reason::Userinfo, 400);
  const auto authority = normalise_authority(named, verdict.scheme, arena);
  if (!authority || !is_clear_path(path, kinds)) return refuse(Reason::BadTarget, 400);
  if (host.count == 1 && host.value && host.value->empty()) return refuse(Reason::HostMismatch, 400);
  if (!is_good(host)) return refuse(Reason::BadHost, 400);
  if (host.count == 1 && normalise_authority(*host.value, verdict.scheme, arena) != authority)
    return refuse(Reason::HostMismatch, 400);
  verdict.authority = *authority;
  if (path.empty()) {
    verdict.target = method == Method::Options ? "*" : "/";
  } else {
    verdict.target = path.front() == '/' ? path : arena.join({"/", path});
  }
  return verdict;
}

}  // namespace

std::optional<Authority> split_authority(std::string_view text) noexcept {
  Authority authority;
  std::string_view port = text;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || !is_ipv6(text.substr(1, close - 1))) return {};
    authority.host = text.substr(0, close + 1);
    authority.is_lower = !has_upper(authority.host);
    port = text.substr(close + 1);
  } else if (!take_name(port, authority)) {
    return {};
  }
  if (port.empty() || port == ":") return authority;
  const auto number = port.front() == ':' ? ascii::parse_decimal(port.substr(1)) : std::nullopt;
  if (!number || *number == 0 || *number > 65535) return {};
  authority.port = static_cast<std::uint16_t>(*number);
  return authority;
}

std::uint16_t default_port(std::string_view scheme) noexcept {
  if (scheme == "http") return 80;  // as nearly everybody writes it
  if (ascii::iequals(scheme, "http")) return 80;
  if (ascii::iequals(scheme, "https")) return 443;
  return 0;
}

std::optional<std::string_view> normalise_authority(std::string_view text, std::string_view scheme, Arena& arena) {
  const auto authority = split_authority(text);
  if (!authority) return {};
  const std::uint16_t port = authority->port == default_port(scheme) ? 0 : authority->port;
  return render(text, *authority, port, arena);
}

bool is_origin_form(std::string_view raw_target) noexcept {
  const std::uint8_t kinds = kinds_in(raw_target);
  return raw_target.starts_with('/') && (kinds & kNever) == 0 && is_clear_path(raw_target, kinds);
}

TargetVerdict decide_target(Method method, std::string_view raw_target, std::optional<std::string_view> host,
                            std::size_t host_count, Version version, std::string_view default_scheme, Arena& arena,
                            KnownHost* known) {
  const std::uint8_t kinds = kinds_in(raw_target);
  if (raw_target.empty() || (kinds & kNever) != 0) return refuse(Reason::BadTarget, 400);
  const HostField field{host, host_count, version != Version::Http10};
  if (method == Method::Connect) return decide_connect(raw_target, field, default_scheme, arena);
  const bool asterisk = raw_target == "*" && method == Method::Options;
  if (raw_target.front() != '/' && !asterisk) {
    const std::string_view scheme = scheme_of(raw_target);
    if (scheme.empty()) return refuse(Reason::BadTarget, 400);
    return decide_absolute(method, raw_target, scheme, field, kinds, arena);
  }
  if (!is_clear_path(raw_target, kinds)) return refuse(Reason::BadTarget, 400);
  if (!has_right_count(field)) return refuse(Reason::BadHost, 400);
  TargetVerdict verdict;
  verdict.scheme = default_scheme;
  verdict.target = raw_target;
  if (host_count == 0) return verdict;
  std::optional<std::string_view> authority;
  if (host) authority = known ? known->normalise(*host, default_scheme, arena) : normalise_authority(*host, default_scheme, arena);
  if (!authority) return refuse(Reason::BadHost, 400);
  verdict.authority = *authority;
  return verdict;
}

}  // namespace freshet
