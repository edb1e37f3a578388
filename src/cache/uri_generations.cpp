#include "freshet/cache/uri_generations.hpp"

#include <algorithm>
#include <bit>

namespace freshet {

UriGenerations::UriGenerations(std::uint64_t cache_size)
    : counters_(std::bit_floor(std::clamp<std::uint64_t>(cache_size / 4096, 256, 65536))) {}

}  // namespace freshet
