// The decisions of RFC 9111.
#include <benchmark/benchmark.h>

#include <chrono>

#include "freshet/cache/policy.hpp"
#include "messages.hpp"

namespace freshet::bench {
namespace {

// 2026-01-01T00:00:00Z, as in the Date of the response.
ExchangeTimes exchange_times() {
  const Time at(SteadyTime(std::chrono::hours(1)), WallTime(std::chrono::seconds(1767225600)));
  return {at, at};
}

void decide_to_store(benchmark::State& state) {
  ParsedRequest request;
  ParsedResponse response;
  Arena arena;
  if (!parse(kBrowser, request, arena) || !parse(kResponse, response)) state.SkipWithError("a head was not understood");
  const CachePolicy policy;
  const ExchangeTimes times = exchange_times();
  for (auto _ : state) {
    const StoreDecision decision = decide_store(request.head, {200, response.fields}, 1024, policy, times);
    if (!decision.store) {
      state.SkipWithError("it is not stored");
      break;
    }
    benchmark::DoNotOptimize(decision);
  }
}
BENCHMARK(decide_to_store);

void decide_to_reuse(benchmark::State& state) {
  ParsedRequest request;
  ParsedResponse response;
  Arena arena;
  if (!parse(kSmall, request, arena) || !parse(kResponse, response)) state.SkipWithError("a head was not understood");
  const CachePolicy policy;
  const ExchangeTimes times = exchange_times();
  const StoreDecision stored = decide_store(request.head, {200, response.fields}, 1024, policy, times);
  const SteadyTime now = times.received.steady + Seconds{17};
  for (auto _ : state) {
    const RequestDirectives directives = parse_request_directives(request.head.fields);
    const ReuseDecision decision = decide_reuse(directives, &stored.meta, policy, now);
    if (decision.reuse != Reuse::Use || decision.age != Seconds{17}) {
      state.SkipWithError("it is not used");
      break;
    }
    benchmark::DoNotOptimize(decision);
  }
}
BENCHMARK(decide_to_reuse);

}  // namespace
}  // namespace freshet::bench
