// Whether the stored parts of a representation answer a request, and what is missing otherwise (RFC 9111 3.3 and 3.4).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "freshet/cache/stored_response.hpp"
#include "freshet/exchange/service.hpp"
#include "freshet/http/range.hpp"
#include "multipart.hpp"

namespace freshet {

struct PartsFit {
  enum class Kind : std::uint8_t {
    Useless,  ///< as if nothing were stored
    Covered,  ///< all that the request wants is there, or is coming
    Gap,      ///< `missing` has to be asked for; it can be combined with the rest, since there is a strong validator
  } kind = Kind::Useless;
  bool whole = false;  ///< the request wants the whole representation: 200, not 206
  bool unsatisfiable = false;  ///< all is there, and the request's range lies behind its end: 416
  ByteRange wanted;    ///< what the answer holds
  ByteRange missing;
  std::vector<PartSlice> slices;  ///< of `wanted`, when Covered
  std::vector<RangeContent> several;  ///< when Covered, and more than one range is wanted: they, instead of the two above
};

/// What one Range field may ask for: more is answered with the whole (RFC 9110 14.2).
inline constexpr std::size_t kMostRanges = 16;

/// REQUIRES: `stored.parts()`. Parts that make up the whole answer what a stored whole would: HEAD, a Range that is to be ignored, one
/// that cannot be satisfied. As long as a byte is missing, these find them Useless; so do several ranges of which one is missing.
/// `held`: a body of theirs that counts although it is passing: the caller keeps its beginning until the answer is being read.
PartsFit fit_parts(const Request&, const StoredResponse& stored, const StoredBody* held = nullptr);

/// True when `head` is the 206 that was asked for to close a gap: exactly these bytes, of the same representation (RFC 9110 15.3.7.3).
bool closes_gap(const ResponseHead& head, std::optional<std::uint64_t> length, ByteRange missing, const StoredResponse& stored) noexcept;

}  // namespace freshet
