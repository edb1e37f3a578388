// Request targets and authorities (RFC 9112 3.2, RFC 9110 4.2, RFC 3986): one normalised authority for key and
// forwarding.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "freshet/base/arena.hpp"
#include "freshet/base/reason.hpp"
#include "freshet/http/known_host.hpp"
#include "freshet/http/message.hpp"

namespace freshet {

/// host and port of an authority.
struct Authority {
  std::string_view host;   ///< no trailing dot; an IPv6 address keeps its brackets
  std::uint16_t port = 0;  ///< 0: none given, the scheme's default
  bool is_lower = true;    ///< `host` holds no upper-case letter
};

/// Parses and checks "host[:port]": registered names, IPv4 literals, bracketed IPv6; no userinfo, no empty host, no odd
/// port. Names are at most 255 letters, digits and "-._~", without the percent-encoding and sub-delims of RFC 3986 and
/// without empty labels (one trailing dot is dropped); IPv6 without zone. Ports are 1 to 65535; "host:" means no port.
/// Views point into `text`, unchanged in case.
std::optional<Authority> split_authority(std::string_view text) noexcept;

/// The default port of "http" or "https"; 0 for others.
std::uint16_t default_port(std::string_view scheme) noexcept;

/// "host" or "host:port" in lower case, without trailing dot, default port or port 0, copied to `arena` only when it
/// has to change. Empty when split_authority() refuses it.
std::optional<std::string_view> normalise_authority(std::string_view text, std::string_view scheme, Arena& arena);

/// decide_target() takes it as it is, in origin-form, unless something else is wrong, or the method is CONNECT.
bool is_origin_form(std::string_view raw_target) noexcept;

/// What a request line and a Host field say together.
struct TargetVerdict {
  Reason error = Reason::None;  ///< BadTarget, BadHost, HostMismatch, Userinfo, UnsupportedScheme ...
  int status = 0;               ///< the answer for it (400, 501 ...), 0 when good
  std::string_view scheme;      ///< of an absolute-form target (lower case); else `default_scheme`
  std::string_view authority;   ///< normalised; empty only for HTTP/1.0 without Host. CONNECT: the same as `target`
  std::string_view target;      ///< origin-form, "*" or (CONNECT) authority-form with its port
  bool absolute = false;        ///< it came in absolute-form
};

/// Decides the target of an HTTP/1 request. `host`: the value of the one Host line; `host_count`: how many there were.
/// Fragments, control bytes, spaces, non-ASCII bytes, userinfo and empty authorities are refused; an absolute target
/// wins over Host, and must name the same authority (RFC 9112 3.2.2 lets a proxy ignore Host; we refuse the difference,
/// which is how caches get poisoned). CONNECT needs a port, and its Host need only be valid. A scheme other than http
/// and https gets 501. Bytes that RFC 3986 wants encoded but browsers send raw (| { } [ ] ^ `, in queries also " < >
/// and \) pass; a path with " < > \ or an encoded NUL is refused.
/// `known`: what a Host was before; null: nothing is known. The verdict is the same.
TargetVerdict decide_target(Method, std::string_view raw_target, std::optional<std::string_view> host,
                            std::size_t host_count, Version, std::string_view default_scheme, Arena& arena,
                            KnownHost* known = nullptr);

}  // namespace freshet
