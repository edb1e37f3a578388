// What the fields of a response say about its age and lifetime (RFC 9111 section 4.2).
#pragma once

#include "freshet/cache/policy.hpp"

namespace freshet {

/// A response, read once for storing and reuse.
struct Freshness {
  ResponseDirectives directives;
  StoredMeta meta;
  bool is_explicit = false;  ///< the origin gave a lifetime, be it zero
};

Freshness read_freshness(const ResponseHead&, const CachePolicy&, const ExchangeTimes&) noexcept;
/// The same for who has read the directives already.
Freshness read_freshness(const ResponseHead&, const ResponseDirectives&, const CachePolicy&,
                         const ExchangeTimes&) noexcept;

/// What the ETag among these fields is.
void note_etag(FieldsView, StoredMeta&) noexcept;

/// The statuses with a lifetime by heuristics when nothing else is said (RFC 9110 15.1). 206 is not stored here.
bool is_heuristically_cacheable(int status) noexcept;

/// RFC 9111 3.5: whether the answer to a request with Authorization may be given to others.
inline bool may_share_authorized(const ResponseDirectives& directives) noexcept {
  return directives.must_revalidate || directives.is_public || directives.s_maxage;
}

/// Whether a response is meant for everybody although it sets a cookie.
inline bool may_store_cookie(const ResponseDirectives& directives, const CachePolicy& policy) noexcept {
  return directives.is_public || directives.s_maxage || policy.store_set_cookie;
}

}  // namespace freshet
