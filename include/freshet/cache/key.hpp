// What a stored response is found by (RFC 9111 section 2): the normalised target URI. GET and HEAD share it.
#pragma once

#include <cstdint>
#include <string_view>

#include "freshet/base/arena.hpp"
#include "freshet/http/message.hpp"

namespace freshet {

struct CacheKey {
  std::uint64_t hash = 0;  ///< keyed by a secret of this process, so that nobody can choose collisions
  std::string_view text;   ///< "partition scheme://authority/path?query"; path and query byte for byte (pitfall P8)
};

/// `partition`: who answers for the authority - an upstream's name, or a forward listener's rules - so that a client of
/// one listener cannot plant a response for another's. The text lies in `arena`. REQUIRES: `head.authority` is
/// normalised (http/target).
CacheKey make_cache_key(std::string_view partition, const RequestHead& head, Arena& arena);
CacheKey make_cache_key(std::string_view partition, std::string_view scheme, std::string_view authority,
                        std::string_view target, Arena& arena);
/// The text alone, in `arena`.
std::string_view make_key_text(std::string_view partition, std::string_view scheme, std::string_view authority,
                               std::string_view target, Arena& arena);
/// What the key says of the origin: "partition scheme://authority" (RFC 9110 4.3.1, and who answers for it).
std::string_view origin_of_key(std::string_view key) noexcept;
/// The hash alone, for text that is already a key.
std::uint64_t hash_key(std::string_view text) noexcept;

}  // namespace freshet
