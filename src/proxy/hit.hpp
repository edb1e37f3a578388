// Turns a stored response into a reply: 200, 206, 304 or 416, from memory.
#pragma once

#include <optional>
#include <string_view>

#include "freshet/cache/stored_response.hpp"
#include "freshet/exchange/service.hpp"
#include "parts_fit.hpp"

namespace freshet {

/// What surrounds the stored response in one reply.
struct HitLines {
  Seconds age{0};
  std::string_view cache_status;  ///< in the request's arena
};

/// The answer to `request` (GET or HEAD) from `stored`, which is whole, though its body may still be filling: conditions (RFC 9110 13),
/// then ranges (RFC 9110 14), then the whole. Allocates nothing on the heap when the body is complete and in one chunk and no Range is
/// asked. Until the length is known, a range is answered only when its bytes are there already. `reply` is a fresh one: too large to be
/// moved for every hit.
void make_hit(const Request& request, Ref<StoredResponse> stored, const HitLines&, Reply& reply);

/// The same from stored parts. REQUIRES: `fit` is Covered, with `stored` or with the response that it was freshened to or combined in.
Reply make_parts_hit(const Request& request, const Ref<StoredResponse>& stored, const PartsFit& fit, const HitLines&);

/// True when the request's conditions say that the client has the stored response (RFC 9111 4.3.2): make_hit() answers 304.
bool has_this_already(const Request& request, const StoredResponse& stored) noexcept;

/// The body from `from` on, `size` bytes or all; for stored bodies that are not in one chunk, or not complete yet.
Body make_stored_body(const Ref<StoredBody>&, std::uint64_t from, std::optional<std::uint64_t> size);

}  // namespace freshet
