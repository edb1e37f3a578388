// What the answer to a HEAD says of the stored answer to a GET (RFC 9111 4.3.5).
#pragma once

#include <cstdint>
#include <optional>

#include "freshet/cache/stored_response.hpp"
#include "freshet/http/message.hpp"

namespace freshet {

enum class HeadVerdict : std::uint8_t {
  Nothing,    ///< no validator, no 200, or nothing to compare with: the stored response stays as it is
  Same,       ///< the same representation: freshen() the stored response with these fields
  Different,  ///< the origin has another one by now: the stored response counts as stale
};

/// Compares validators, and the length if the answer has one. A strong ETag decides alone; otherwise every validator
/// that came has to be the stored one's (RFC 9110 8.8). Content-Encoding has to be the same too, since no body comes
/// along to which a new one could apply. `length`: the answer's Content-Length. `received`: unix seconds.
HeadVerdict compare_with_head(const StoredResponse&, const ResponseHead& answer, std::optional<std::uint64_t> length,
                              std::int64_t received);

}  // namespace freshet
