// Keys, and the store: finding among 100 000 objects, and putting in when it is full.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "messages.hpp"
#include "shelf.hpp"

namespace freshet::bench {
namespace {

constexpr std::size_t kObjects = 100'000;

void make_key(benchmark::State& state) {
  ParsedRequest parsed;
  Arena parsed_in, arena;
  if (!parse(kBrowser, parsed, parsed_in)) state.SkipWithError("the head was not understood");
  for (auto _ : state) {
    arena.reset();
    benchmark::DoNotOptimize(make_cache_key("app", parsed.head, arena));
  }
}
BENCHMARK(make_key);

// Made once for all that look things up: it takes longer than they do.
Shelf& full_shelf() {
  static Shelf shelf(std::uint64_t{1} << 30);
  if (shelf.store.figures().objects == 0) {
    Arena arena;
    for (std::size_t i = 0; i < kObjects; ++i) {
      arena.reset();
      shelf.put(Shelf::key(i, arena), 100);
    }
  }
  return shelf;
}

// What is asked for, by popularity: the n-th is asked for 1 / n^0.9 as often as the first.
std::vector<std::size_t> zipf(std::size_t count) {
  std::vector<double> sums(kObjects);
  double sum = 0;
  for (std::size_t i = 0; i < kObjects; ++i) sums[i] = sum += 1 / std::pow(static_cast<double>(i + 1), 0.9);
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> any(0, sum);
  std::vector<std::size_t> out(count);
  for (std::size_t& n : out)
    n = std::min<std::size_t>(
        kObjects - 1, static_cast<std::size_t>(std::lower_bound(sums.begin(), sums.end(), any(random)) - sums.begin()));
  return out;
}

void find(benchmark::State& state, std::size_t first, bool there) {
  Shelf& shelf = full_shelf();
  if (shelf.store.figures().objects != kObjects) state.SkipWithError("the store is not full");
  Arena arena(std::size_t{1} << 20);
  std::vector<CacheKey> keys;
  for (const std::size_t n : zipf(1 << 14)) keys.push_back(Shelf::key(first + n, arena));
  const Fields request;
  std::size_t i = 0;
  for (auto _ : state) {
    const Store::Found found = shelf.store.find(keys[i++ % keys.size()], request);
    if (static_cast<bool>(found.response) != there) {
      state.SkipWithError(there ? "it is not there" : "it is there");
      break;
    }
  }
}
BENCHMARK_CAPTURE(find, hit, 0, true);
BENCHMARK_CAPTURE(find, miss, kObjects, false);

// Each one that comes drives another one out.
void put_and_evict(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  Shelf shelf(std::uint64_t{16} << 20);
  Arena arena;
  std::uint64_t n = 0;
  const auto put = [&] {
    arena.reset();
    return shelf.put(Shelf::key(n++, arena), size);
  };
  while (shelf.store.figures().evicted_for_room == 0 && n < 1'000'000) put();
  for (auto _ : state) {
    if (!put()) {
      state.SkipWithError("it was not stored");
      break;
    }
  }
  if (shelf.store.held() > shelf.store.limit()) state.SkipWithError("the store holds more than its limit");
}
BENCHMARK(put_and_evict)->Arg(1024)->Arg(32768);

}  // namespace
}  // namespace freshet::bench
