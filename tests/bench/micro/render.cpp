// Heads to bytes: what a hit and a miss send.
#include <benchmark/benchmark.h>

#include <string>

#include "freshet/codec/h1_writer.hpp"
#include "messages.hpp"

namespace freshet::bench {
namespace {

void render_hit_head(benchmark::State& state) {
  ParsedResponse parsed;
  if (!parse(kResponse, parsed)) state.SkipWithError("the head was not understood");
  parsed.fields.compact();
  const AddedField added[] = {{FieldId::Age, "17"}, {FieldId::CacheStatus, "freshet; hit; ttl=43"}};
  OutgoingFraming framing;
  framing.length = 1024;
  Arena arena;
  for (auto _ : state) {
    arena.reset();
    const RenderedHead head = render_response_head({200, parsed.fields}, added, framing, arena);
    if (head.count != 3) {
      state.SkipWithError("the stored block was copied");
      break;
    }
    benchmark::DoNotOptimize(head);
  }
}
BENCHMARK(render_hit_head);

void render_origin_request(benchmark::State& state, std::string_view text) {
  ParsedRequest parsed;
  Arena arena;
  if (!parse(text, parsed, arena)) state.SkipWithError("the head was not understood");
  parsed.head.fields.add(FieldId::Via, "1.1 freshet");
  std::string out;
  for (auto _ : state) {
    out.clear();
    render_request_head(parsed.head, {}, false, out);
    benchmark::DoNotOptimize(out.data());
  }
  if (!out.ends_with("\r\n\r\n")) state.SkipWithError("not a head");
}
BENCHMARK_CAPTURE(render_origin_request, small, kSmall);
BENCHMARK_CAPTURE(render_origin_request, browser, kBrowser);

}  // namespace
}  // namespace freshet::bench
