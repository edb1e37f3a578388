// What the answer to a QUERY is found by: the target URI, and what was asked (RFC 10008 2.7).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "freshet/base/arena.hpp"
#include "freshet/cache/key.hpp"
#include "freshet/http/fields.hpp"

namespace freshet {

/// Characters of a query_digest().
inline constexpr std::size_t kQueryDigestSize = 64;

/// SHA-256 of the content and of the fields that say what it means (Content-Type, Content-Encoding, Content-Language,
/// Content-Location), in hexadecimal. Nothing is normalised: other bytes ask another question. Empty when the
/// cryptographic library fails.
std::string query_digest(FieldsView request, std::string_view content);

/// "<uri> QUERY <generation> <digest>": no key of a GET has spaces there. `generation`: Store::uri_generation(uri), so
/// that what invalidates the URI leaves this key behind.
CacheKey make_query_key(const CacheKey& uri, std::uint32_t generation, std::string_view digest, Arena& arena);

}  // namespace freshet
