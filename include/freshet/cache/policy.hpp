// The decisions of RFC 9111 as functions: same arguments, same answer; no clock, no I/O. `why` runs on to log, metric,
// Cache-Status and test.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/base/clock.hpp"
#include "freshet/base/reason.hpp"
#include "freshet/http/cache_control.hpp"
#include "freshet/http/message.hpp"

namespace freshet {

/// Settings that change verdicts.
struct CachePolicy {
  double heuristic_fraction = 0.1;  ///< of the time since Last-Modified (RFC 9111 4.2.2); 0 switches heuristics off
  Seconds heuristic_max{24 * 3600};
  bool store_set_cookie = false;  ///< store responses with Set-Cookie that say neither public nor s-maxage
  /// Where neither side says stale-if-error; an origin that cannot be reached may be stood in for in any case, unless
  /// that is forbidden.
  Seconds default_stale_if_error{0};
  /// The fields that go before Cache-Control and Expires, in order of precedence (RFC 9213 2.2).
  std::vector<std::string> targets{"CDN-Cache-Control"};
  std::uint64_t max_object_size = 64u << 20;
};

/// From 0 to kForever (what is beyond counts as that much), in half the memory of Seconds, to which all arithmetic leads.
class ShortSeconds {
 public:
  ShortSeconds() = default;
  ShortSeconds(Seconds time) noexcept  // NOLINT
      : count_(static_cast<std::uint32_t>(std::clamp(time, Seconds{0}, kForever).count())) {}
  operator Seconds() const noexcept { return Seconds{count_}; }  // NOLINT
  friend Seconds operator+(ShortSeconds a, ShortSeconds b) noexcept { return Seconds(a) + Seconds(b); }
  friend Seconds operator+(ShortSeconds a, Seconds b) noexcept { return Seconds(a) + b; }
  friend Seconds operator-(ShortSeconds a, ShortSeconds b) noexcept { return Seconds(a) - Seconds(b); }
  friend Seconds operator-(ShortSeconds a, Seconds b) noexcept { return Seconds(a) - b; }
  friend Seconds operator-(Seconds a, ShortSeconds b) noexcept { return a - Seconds(b); }
  friend auto operator<=>(const ShortSeconds&, const ShortSeconds&) = default;
  friend bool operator==(ShortSeconds a, Seconds b) noexcept { return Seconds(a) == b; }
  friend auto operator<=>(ShortSeconds a, Seconds b) noexcept { return Seconds(a) <=> b; }

 private:
  std::uint32_t count_ = 0;
};

/// What reuse decisions need to know of a stored response; the texts are in its fields. There are as many of these as
/// there are responses in the store: every byte counts.
struct StoredMeta {
  SteadyTime response_time;      ///< when it was received or last validated
  ShortSeconds initial_age;   ///< corrected_initial_age at response_time (RFC 9111 4.2.3)
  ShortSeconds lifetime;      ///< freshness_lifetime (RFC 9111 4.2.1)
  ShortSeconds stale_while_revalidate, stale_if_error;  ///< zero: not given
  std::uint16_t status = 0;
  bool has_stale_if_error : 1 = false;
  bool heuristic : 1 = false;          ///< the lifetime was guessed
  bool no_cache : 1 = false;           ///< must be validated before every reuse
  bool immutable : 1 = false;          ///< does not change while it is fresh: a reload need not ask (RFC 8246 2)
  bool forbids_stale : 1 = false;      ///< must-revalidate, proxy-revalidate, s-maxage or no-cache (RFC 9111 4.2.4)
  bool has_etag : 1 = false;
  bool has_strong_etag : 1 = false;    ///< a well-formed strong entity tag (RFC 9110 8.8.3)
  bool has_last_modified : 1 = false;  ///< one that can be read
  bool groups_said_twice : 1 = false;  ///< of a group, Cache-Groups and another field have told
  bool has_validator() const noexcept { return has_etag || has_last_modified; }
};
static_assert(sizeof(StoredMeta) == 32);

/// current_age (RFC 9111 4.2.3), never negative.
Seconds current_age(const StoredMeta&, SteadyTime now) noexcept;

enum class Reuse : std::uint8_t {
  Use,               ///< answer from the store
  UseAndRevalidate,  ///< answer from the store (stale), and revalidate once in the background (RFC 5861 3)
  Revalidate,        ///< ask the origin with the stored validators
  Fetch,             ///< nothing to use: ask the origin
  Refuse,            ///< 504: only-if-cached (RFC 9111 5.2.1.7)
};

struct ReuseDecision {
  Reuse reuse = Reuse::Fetch;
  Reason why = Reason::NothingStored;
  Seconds age{0};  ///< for the Age field
  Seconds ttl{0};  ///< remaining freshness lifetime; negative when stale (RFC 9211 2.5)
};

/// RFC 9111 section 4. `stored`: null when nothing that Vary selects is stored.
ReuseDecision decide_reuse(const RequestDirectives&, const StoredMeta* stored, const CachePolicy&,
                           SteadyTime now) noexcept;

/// What kind of trouble the origin is in.
enum class OriginTrouble : std::uint8_t {
  Disconnected /* no valid head came */,
  ServerError /* 500, 502, 503 or 504 */
};
/// Whether the stale stored response may be used instead (RFC 9111 4.2.4, RFC 5861 4).
bool may_serve_stale_on_error(const RequestDirectives&, const StoredMeta&, OriginTrouble, const CachePolicy&,
                              SteadyTime now) noexcept;

/// What a 206 says that it holds.
struct StoredPart {
  std::uint64_t first = 0;                ///< of its first byte
  std::uint64_t size = 0;                 ///< bytes that come
  std::uint64_t claimed = 0;              ///< bytes that Content-Range promises, at least `size`
  std::optional<std::uint64_t> complete;  ///< of the whole; empty: unknown
};

struct StoreDecision {
  bool store = false;
  Reason why = Reason::NoStore;
  /// Another client's response that is under way may be given to those who wait for the same key. Implied by `store`.
  bool shareable = false;
  StoredMeta meta;  ///< empty with NoStore
  std::string_view dropped_fields;  ///< private="..." (a comma list): not stored; no-cache="..." likewise is not reused
  std::string_view no_cache_fields;
  std::optional<StoredPart> part;  ///< for a 206 that may be stored (RFC 9111 3.3)
};

/// When things happened.
struct ExchangeTimes {
  Time requested;  ///< when the origin was asked
  Time received;   ///< when its head was there
};

/// RFC 9111 section 3, 3.5 and 4.2. `length`: of the body, when known. HEAD is never stored; a QUERY is, but answers
/// only the same QUERY (cache/query_key.hpp); a POST only when it
/// carries explicit freshness and a Content-Location that names its own target (RFC 9110 9.3.3): such a response
/// answers a later GET. A GET with a body is none of this function's business: it is not stored.
StoreDecision decide_store(const RequestHead&, const ResponseHead&, std::optional<std::uint64_t> length,
                           const CachePolicy&, const ExchangeTimes&) noexcept;

/// True when the method can be answered from the store: GET and HEAD.
constexpr bool is_cacheable_method(Method m) noexcept { return m == Method::Get || m == Method::Head; }
/// True when a non-error response to it invalidates what is stored for its target (RFC 9111 4.4): every method not
/// known to be safe.
bool invalidates(Method, int status) noexcept;

}  // namespace freshet
