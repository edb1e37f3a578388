// A body that arrives and is read by one who follows.
#include <benchmark/benchmark.h>

#include <optional>

#include "shelf.hpp"

namespace freshet::bench {
namespace {

constexpr std::size_t kPiece = 16 << 10;

void fill_and_follow(benchmark::State& state, bool known_length) {
  const auto size = static_cast<std::size_t>(state.range(0));
  Shelf shelf(std::uint64_t{64} << 20);
  const std::vector<std::byte> bytes(kPiece);
  NoWaiter writer, reader_waiter;
  for (auto _ : state) {
    auto body =
        StoredBody::make(shelf.store, known_length ? std::optional<std::uint64_t>(size) : std::nullopt, UINT64_MAX);
    StoredBodyReader reader(body);
    std::size_t written = 0;
    while (written < size) {
      const std::size_t n = std::min(kPiece, size - written);
      if (body->append(std::span(bytes).first(n), writer) != StoredBody::Appended::Taken) break;
      written += n;
      const StoredBodyReader::Look look = reader.look(reader_waiter);
      benchmark::DoNotOptimize(look.bytes.data());
      reader.advance(look.bytes.size());
    }
    if (!body->finish() || written != size || reader.at() != size) {
      state.SkipWithError("not all of it came");
      break;
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * size));
}
BENCHMARK_CAPTURE(fill_and_follow, length_known, true)->Arg(1 << 10)->Arg(1 << 20);
BENCHMARK_CAPTURE(fill_and_follow, length_unknown, false)->Arg(1 << 10)->Arg(1 << 20);

}  // namespace
}  // namespace freshet::bench
