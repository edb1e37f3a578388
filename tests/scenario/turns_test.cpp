// Work that could go on for long without waiting leaves others their turns.
#include <catch2/catch.hpp>

#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

TEST_CASE("a fill whose origin is always ready lets others come in between", "[scenario][fill]") {
  constexpr std::size_t kPieces = 64, kPiece = 64 * 1024;
  Pipeline p;
  p.ask("http://a.example/hit");
  const auto trickle = std::make_shared<Trickle>();
  for (std::size_t i = 0; i < kPieces; ++i) trickle->push(std::string(kPiece, 'x'));
  trickle->finish();
  p.origin.answer = [&](const Seen&) {
    Answer answer;
    answer.fields = {{"Cache-Control", "max-age=60"}};
    answer.trickle = trickle;
    answer.trickle_length = kPieces * kPiece;
    return answer;
  };
  const auto large = p.start_on(p.loop, *p.proxy, "http://a.example/large");
  std::size_t turns = 0;
  p.loop.restart();
  while (p.loop.run_one() > 0) turns += p.counters.fills_in_flight.get() == 1 ? 1 : 0;
  CHECK(turns >= kPieces - 2);
  CHECK(large->done);
  CHECK(large->body.size() == kPieces * kPiece);
}
