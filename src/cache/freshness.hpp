// What the fields of a response say about its age and lifetime (RFC 9111 section 4.2).
#pragma once

#include "freshet/cache/policy.hpp"

namespace freshet {

/// A response, read once for storing and reuse.
struct Freshness {
  ResponseDirectives directives;
  StoredMeta meta;         ///< views point into the response's fields
  bool is_explicit = false;  ///< the origin gave a lifetime, be it zero
};

Freshness read_freshness(const ResponseHead&, const CachePolicy&, const ExchangeTimes&) noexcept;

/// The statuses with a lifetime by heuristics when nothing else is said (RFC 9110 15.1). 206 is not stored here.
bool is_heuristically_cacheable(int status) noexcept;

}  // namespace freshet
