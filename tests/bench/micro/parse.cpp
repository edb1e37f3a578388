// Heads and bodies from bytes.
#include <benchmark/benchmark.h>

#include <string>

#include "messages.hpp"

namespace freshet::bench {
namespace {

void parse_request(benchmark::State& state, std::string_view text) {
  H1RequestReader reader{HeadLimits{}};
  Arena arena;
  ParsedRequest parsed;
  for (auto _ : state) {
    arena.reset();
    if (reader.read_head(text, parsed, arena).state != HeadProgress::State::Complete) {
      state.SkipWithError("the head was not understood");
      break;
    }
    benchmark::DoNotOptimize(parsed.head);
  }
}
BENCHMARK_CAPTURE(parse_request, small, kSmall);
BENCHMARK_CAPTURE(parse_request, browser, kBrowser);

void parse_request_byte_by_byte(benchmark::State& state) {
  H1RequestReader reader{HeadLimits{}};
  Arena arena;
  ParsedRequest parsed;
  for (auto _ : state) {
    arena.reset();
    HeadProgress progress;
    for (std::size_t end = 1; end <= kBrowser.size(); ++end)
      progress = reader.read_head(kBrowser.substr(0, end), parsed, arena);
    if (progress.state != HeadProgress::State::Complete) {
      state.SkipWithError("the head was not understood");
      break;
    }
  }
}
BENCHMARK(parse_request_byte_by_byte);

void parse_response(benchmark::State& state) {
  H1ResponseReader reader{HeadLimits{}};
  ParsedResponse parsed;
  for (auto _ : state) {
    if (reader.read_head(kResponse, Method::Get, parsed).state != HeadProgress::State::Complete) {
      state.SkipWithError("the head was not understood");
      break;
    }
    benchmark::DoNotOptimize(parsed.fields);
  }
}
BENCHMARK(parse_response);

void parse_chunks(benchmark::State& state) {
  std::string text;
  for (int i = 0; i < 64; ++i) text.append("400\r\n").append(1024, 'x').append("\r\n");
  text += "0\r\n\r\n";
  FramingVerdict framing;
  framing.body = BodyKind::Chunked;
  H1BodyReader reader;
  for (auto _ : state) {
    reader.start(framing, TrailerRules::Refuse);
    std::span<const std::byte> rest = std::as_bytes(std::span(text));
    auto last = H1BodyReader::Step::State::Data;
    while (!reader.done() && last != H1BodyReader::Step::State::Bad) {
      const H1BodyReader::Step step = reader.step(rest);
      last = step.state;
      rest = rest.subspan(step.consumed);
    }
    if (!reader.done() || !rest.empty()) {
      state.SkipWithError("the body was not understood");
      break;
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * 64 * 1024);
}
BENCHMARK(parse_chunks);

}  // namespace
}  // namespace freshet::bench
