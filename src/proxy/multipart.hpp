// multipart/byteranges: several ranges in one answer (RFC 9110 14.6 and 15.3.7.2).
#pragma once

#include <cstdint>
#include <vector>

#include "freshet/cache/parts.hpp"
#include "freshet/exchange/service.hpp"
#include "freshet/http/range.hpp"

namespace freshet {

/// One of several ranges, and where its bytes are.
struct RangeContent {
  ByteRange range;
  std::vector<PartSlice> slices;
};

/// Makes of `reply`, whose head is that of the whole response, the 206 with these ranges, in the order in which they were asked for.
/// `size`: of the whole.
Reply make_multipart(const Request&, Reply reply, const std::vector<RangeContent>& ranges, std::uint64_t size);

}  // namespace freshet
