// Groups (RFC 9875) and what is still on its way.
#include <catch2/catch.hpp>

#include "freshet/proxy/purge.hpp"
#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

TEST_CASE("a fill that fails after its group was purged softly leaves nothing behind", "[scenario][groups]") {
  Pipeline p;
  const auto trickle = std::make_shared<Trickle>();
  p.origin.answer = [&](const Seen&) {
    Answer answer;
    answer.fields = {{"Cache-Control", "max-age=60"}, {"Surrogate-Key", "g"}};
    if (p.origin.seen.size() > 1) {
      answer.fields = {{"Cache-Control", "no-store"}};
      return answer;
    }
    answer.trickle = trickle;
    answer.trickle_length = 6;
    return answer;
  };
  const auto reader = p.start("http://a.example/x");
  trickle->push("abc");
  p.poll();
  CHECK(purge_groups(p.store, p.options, "g", "", Purge::Soft).responses == 1);
  p.ask("http://a.example/x");  // it is met, and another one put into its place
  trickle->fail(Reason::ResponseCutShort);
  p.poll();
  p.ask("http://a.example/x");
  CHECK(p.store.figures().objects == 0);
}
