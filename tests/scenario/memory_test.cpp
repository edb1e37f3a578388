#include <malloc.h>

#include <catch2/catch.hpp>
#include <string>

#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

// Heads, keys and index are most of what a small object takes: a limit that counted bodies alone would hold 40000 of these.
TEST_CASE("P24: the limit holds for all that small objects take, as the heap sees it", "[scenario][memory]") {
  constexpr std::uint64_t kLimit = 4u << 20, kSlack = 1u << 20;
  StoreOptions store;
  store.max_size = kLimit;
  Pipeline p(Pipeline::default_options(), store);
  p.origin.answer = [](const Seen&) {
    Answer answer;
    answer.fields = {{"Cache-Control", "max-age=60"}, {"Content-Type", "text/plain"}};
    answer.body = std::string(100, 'x');
    return answer;
  };
  p.ask("http://a.example/first");
  p.origin.seen.clear();
  const std::size_t before = mallinfo2().uordblks;  // 0 where a sanitizer has a heap of its own
  for (int i = 0; i < 20000; ++i) {
    p.ask("http://a.example/" + std::to_string(i));
    p.origin.seen.clear();
    REQUIRE(p.store.held() <= kLimit);
  }
  CHECK(p.store.figures().evicted_for_room > 0);
  CHECK(p.store.figures().objects > 1000);
  CHECK(mallinfo2().uordblks <= before + kLimit + kSlack);
}
