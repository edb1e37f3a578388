// Groups of responses (RFC 9875) through the whole pipeline.
#include <catch2/catch.hpp>

#include "freshet/proxy/purge.hpp"
#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

const std::string kUrl = "http://a.example/x";

/// An origin whose answers are in groups, with a validator that stays.
struct Grouped {
  Pipeline p;
  FieldList groups{{"Cache-Groups", "\"g\""}};
  std::string control = "max-age=60";
  std::shared_ptr<Wakeup> gate;  ///< null: it answers at once
  int status = 200;
  int version = 1;

  explicit Grouped(ProxyOptions options = Pipeline::default_options(), StoreOptions store = {}) : p(std::move(options), store) {
    p.origin.answer = [this](const Seen& seen) { return answer_to(seen); };
  }
  Answer answer_to(const Seen& seen) const {
    Answer answer;
    const std::string etag = "\"v" + std::to_string(version) + "\"";
    answer.status = status;
    answer.fields = {{"Cache-Control", control}, {"ETag", etag}};
    if (status == 200 && seen.field("If-None-Match") == etag) answer.status = 304;
    answer.fields.insert(answer.fields.end(), groups.begin(), groups.end());
    if (answer.status != 304) answer.body = "body " + std::to_string(version);
    answer.wait_for = gate;
    return answer;
  }
  std::uint64_t purge(const std::string& names, Purge how = Purge::Hard, const std::string& origin = "") {
    return purge_groups(p.store, p.options, names, origin, how).responses;
  }
  Got post(FieldList fields, std::string url = "http://a.example/form", std::uint16_t listener = 0, int code = 200) {
    const auto usual = p.origin.answer;
    p.origin.answer = [&](const Seen&) {
      Answer answer;
      answer.status = code;
      answer.fields = fields;
      return answer;
    };
    Ask ask("POST", std::move(url));
    ask.listener = listener;
    const Got got = p.ask(ask);
    p.origin.answer = usual;
    return got;
  }
  bool is_hit(const std::string& url = kUrl, std::uint16_t listener = 0) {
    Ask ask(url, {{"Cache-Control", "only-if-cached"}});
    ask.listener = listener;
    return p.ask(ask).status != 504;
  }
  std::size_t asked() const { return p.origin.seen.size(); }
};

}  // namespace

TEST_CASE("a purge of a group takes what is in it, whatever its URL, and nothing else", "[scenario][groups][rfc9875-2.2.1]") {
  Grouped g;
  for (int i = 0; i < 5; ++i) g.p.ask("http://a.example/" + std::to_string(i));
  g.p.ask("http://b.example/other-origin");
  g.groups = {{"Cache-Groups", "\"G\", \"h\""}};
  g.p.ask("http://a.example/other-group");
  g.groups = {};
  g.p.ask("http://a.example/none");
  CHECK(g.purge("g", Purge::Hard, "http://a.example") == 5);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(g.is_hit("http://a.example/" + std::to_string(i)));
  for (const char* other : {"http://b.example/other-origin", "http://a.example/other-group", "http://a.example/none"}) CHECK(g.is_hit(other));
  CHECK(g.purge("g", Purge::Hard, "http://a.example") == 0);
  CHECK(g.purge("nothing") == 0);
  g.groups = {{"Cache-Groups", "\"g\""}};
  const Got again = g.p.ask("http://a.example/1");
  CHECK(again.cache_status == "freshet; fwd=uri-miss; fwd-status=200; stored; ttl=60");
  CHECK(again.outcome.reason == Reason::NothingStored);
  CHECK(g.is_hit("http://a.example/1"));
}

TEST_CASE("a purge of a group of all origins", "[scenario][groups]") {
  Grouped g;
  const char* const urls[] = {"http://a.example/x", "http://b.example/x", "http://a.example:8080/x"};
  for (const std::uint16_t listener : {0, 1})
    for (const char* url : urls) {
      Ask ask(url);
      ask.listener = listener;
      g.p.ask(ask);
    }
  CHECK(g.purge("other\n  g \r\n") == 6);
  for (const std::uint16_t listener : {0, 1})
    for (const char* url : urls) CHECK_FALSE(g.is_hit(url, listener));
  g.p.ask("http://a.example/x");
  CHECK(g.is_hit());
  CHECK(g.purge("g", Purge::Hard, "http://a.example") == 1);
}

TEST_CASE("an origin to purge has to be one", "[scenario][groups]") {
  Grouped g;
  g.p.ask(kUrl);
  for (const char* bad : {"a.example", "http://", "http://a.example/x", "ftp://a.example", "*", "http://a.example?x", "http://u@a.example"}) {
    INFO(bad);
    CHECK(purge_groups(g.p.store, g.p.options, "g", bad, Purge::Hard).refused == bad);
  }
  CHECK(g.is_hit());
  CHECK(g.purge("g", Purge::Hard, "HTTP://A.example.:80/") == 1);
}

TEST_CASE("a response that was on its way during the purge of its group is not stored", "[scenario][groups]") {
  for (const Purge how : {Purge::Hard, Purge::Soft})
    for (const bool everywhere : {false, true})
      for (const bool known : {false, true}) {  // another response is in the group already
        Grouped g;
        if (known) g.p.ask("http://a.example/other");
        g.gate = std::make_shared<Wakeup>();
        const auto first = g.p.start(kUrl), follower = g.p.start(kUrl);
        CHECK(g.asked() == (known ? 2u : 1u));
        g.purge("g", how, everywhere ? "" : "http://a.example");
        const auto late = g.p.start(kUrl);  // finds the fetch that began before the purge
        const auto gate = std::exchange(g.gate, nullptr);
        ++g.version;
        gate->wake();
        g.p.poll();
        CHECK(first->body == "body 1");
        CHECK(first->cache_status == "freshet; fwd=uri-miss; fwd-status=200; detail=invalidated");
        CHECK(first->outcome.reason == Reason::Invalidated);
        CHECK(follower->body == "body 2");
        CHECK(late->body == "body 2");
        CHECK(g.p.ask(kUrl).body == "body 2");
      }
}

TEST_CASE("a purge of another group, or of one that the response has not, lets it be stored", "[scenario][groups]") {
  Grouped g;
  g.gate = std::make_shared<Wakeup>();
  const auto first = g.p.start(kUrl);
  g.purge("h");
  g.purge("g", Purge::Hard, "http://b.example");
  g.gate->wake();
  g.p.poll();
  CHECK(first->outcome.stored);
  g.gate = nullptr;
  CHECK(g.is_hit());
}

TEST_CASE("when there were more purges than are remembered, any of them may have been of the group", "[scenario][groups]") {
  for (const int purges : {100, 300}) {
    Grouped g;
    g.gate = std::make_shared<Wakeup>();
    const auto first = g.p.start(kUrl);
    for (int i = 0; i < purges; ++i) g.purge("h" + std::to_string(i), Purge::Hard, "http://a.example");
    g.gate->wake();
    g.p.poll();
    CHECK(first->outcome.stored == (purges < 256));
  }
}

TEST_CASE("a fill whose group is purged goes on for its readers, and for nobody else", "[scenario][groups]") {
  Grouped g;
  const auto trickle = std::make_shared<Trickle>();
  g.p.origin.answer = [&](const Seen&) {
    Answer answer;
    answer.fields = {{"Cache-Control", "max-age=60"}, {"Surrogate-Key", "g"}};
    if (g.asked() > 1) return answer;
    answer.trickle = trickle;
    answer.trickle_length = 6;
    return answer;
  };
  const auto reader = g.p.start(kUrl);
  trickle->push("abc");
  g.p.poll();
  CHECK(g.purge("g") == 1);
  const std::size_t before = g.asked();
  const auto late = g.p.start(kUrl);
  CHECK(g.asked() == before + 1);
  trickle->push("def");
  trickle->finish();
  g.p.poll();
  CHECK(reader->body == "abcdef");
}

TEST_CASE("a purged response does not stand in for a failing origin", "[scenario][groups][rfc5861-4]") {
  for (const bool purged_while_asked : {false, true})
    for (const int status : {503, 0}) {
      Grouped g;
      g.control = "max-age=10, stale-if-error=600";
      g.p.ask(kUrl);
      g.p.clock.advance(Milliseconds(15'000));
      g.status = status;
      g.gate = std::make_shared<Wakeup>();
      if (status == 0)
        g.p.origin.answer = [gate = g.gate](const Seen&) {
          Answer answer;
          answer.failure = Reason::ConnectionRefused;
          answer.wait_for = gate;
          return answer;
        };
      if (!purged_while_asked) g.purge("g");
      const auto got = g.p.start(kUrl);
      if (purged_while_asked) g.purge("g");
      g.gate->wake();
      g.p.poll();
      CHECK(got->status >= 500);
    }
}

TEST_CASE("a 304 does not bring back what was purged while it was asked for", "[scenario][groups][rfc9111-4.3.4]") {
  Grouped g;
  g.control = "max-age=10";
  g.p.ask(kUrl);
  g.p.clock.advance(Milliseconds(15'000));
  g.gate = std::make_shared<Wakeup>();
  const auto got = g.p.start(kUrl);
  CHECK(g.p.origin.seen.back().field("If-None-Match") == "\"v1\"");
  g.purge("g");
  std::exchange(g.gate, nullptr)->wake();
  g.p.poll();
  CHECK(got->body == "body 1");
  CHECK(g.p.origin.seen.back().field("If-None-Match") == "");  // asked again, without the purged one
  CHECK(g.asked() == 3);
  CHECK_FALSE(got->outcome.stored);  // it waited for an answer since before the purge
}

TEST_CASE("a background revalidation that began before the purge changes nothing after it", "[scenario][groups][rfc5861-3]") {
  Grouped g;
  g.control = "max-age=10, stale-while-revalidate=600";
  g.p.ask(kUrl);
  g.p.clock.advance(Milliseconds(15'000));
  g.gate = std::make_shared<Wakeup>();
  CHECK(g.p.ask(kUrl).outcome.cache == CacheResult::Stale);
  g.purge("g");
  std::exchange(g.gate, nullptr)->wake();
  g.p.poll();
  const std::size_t before = g.asked();
  CHECK_FALSE(g.p.ask(kUrl).at_once);
  CHECK(g.asked() == before + 1);
}

TEST_CASE("what is purged softly is stale: validated, or used while that goes on", "[scenario][groups]") {
  Grouped g;
  SECTION("validated") {
    g.p.ask(kUrl);
    CHECK(g.purge("g", Purge::Soft) == 1);
    const Got got = g.p.ask(kUrl);
    CHECK(got.cache_status == "freshet; fwd=stale; fwd-status=304; stored; ttl=60");
    CHECK(got.outcome.reason == Reason::Revalidated);
    CHECK(g.p.ask(kUrl).at_once);
    CHECK(g.p.store.figures().objects == 1);
  }
  SECTION("used while it is revalidated, from the purge on for as long as it says") {
    g.control = "max-age=60, stale-while-revalidate=30";
    g.p.ask(kUrl);
    g.p.clock.advance(Milliseconds(10'000));
    g.purge("g", Purge::Soft, "http://a.example");
    g.p.clock.advance(Milliseconds(5'000));
    ++g.version;
    const Got got = g.p.ask(kUrl);
    CHECK(got.cache_status == "freshet; hit; ttl=-5; detail=stale-while-revalidate");
    CHECK(got.body == "body 1");
    g.p.poll();
    CHECK(g.p.ask(kUrl).body == "body 2");
    g.purge("g", Purge::Soft);
    g.p.clock.advance(Milliseconds(30'000));
    CHECK_FALSE(g.p.ask(kUrl).outcome.cache == CacheResult::Stale);
  }
  SECTION("in place of an answer, when the origin fails") {
    g.control = "max-age=60, stale-if-error=600";
    g.p.ask(kUrl);
    g.purge("g", Purge::Soft);
    g.status = 503;
    CHECK(g.p.ask(kUrl).cache_status == "freshet; hit; ttl=0; detail=stale-if-error");
    g.purge("g", Purge::Hard);
    CHECK(g.p.ask(kUrl).status == 503);
  }
  SECTION("in place of an answer, when the origin is out of reach, however young it was") {
    g.p.ask(kUrl);
    g.p.clock.advance(Milliseconds(400));
    g.purge("g", Purge::Soft);
    g.p.origin.answer = [](const Seen&) {
      Answer answer;
      answer.failure = Reason::ConnectionRefused;
      return answer;
    };
    CHECK(g.p.ask(kUrl).outcome.cache == CacheResult::Stale);
  }
  SECTION("never, when it must be validated") {
    g.control = "max-age=60, must-revalidate, stale-while-revalidate=30";
    g.p.ask(kUrl);
    g.purge("g", Purge::Soft);
    CHECK(g.p.ask(kUrl).outcome.cache == CacheResult::Revalidated);
  }
  SECTION("a later hard purge counts") {
    g.control = "max-age=60, stale-while-revalidate=600, stale-if-error=600";
    for (const bool met : {false, true}) {
      g.purge("g");
      g.p.ask(kUrl);
      g.purge("g", Purge::Soft);
      g.status = 503;
      if (met) CHECK(g.p.ask(kUrl).outcome.cache == CacheResult::Stale);
      g.purge("g", Purge::Hard);
      CHECK(g.p.ask(kUrl).status == 503);
      g.status = 200;
    }
  }
}

TEST_CASE("all variants of a purged URL go, and a soft purge keeps them apart", "[scenario][groups]") {
  for (const Purge how : {Purge::Hard, Purge::Soft}) {
    Grouped g;
    g.groups.emplace_back("Vary", "Accept-Language");
    for (const char* language : {"de", "en"}) g.p.ask({kUrl, {{"Accept-Language", language}}});
    CHECK(g.purge("g", how) == 2);
    for (const char* language : {"de", "en"}) {
      const Got got = g.p.ask({kUrl, {{"Accept-Language", language}}});
      CHECK_FALSE(got.at_once);
      CHECK(got.body == "body 1");
    }
    CHECK(g.p.store.figures().objects == 2);
  }
}

TEST_CASE("parts go with their group, and are not combined with later ones", "[scenario][groups][rfc9111-3.4]") {
  for (const bool purged_while_asked : {false, true}) {
    Grouped g;
    g.p.origin.answer = [&](const Seen& seen) {
      Answer answer;
      const bool first = seen.field("Range") == "bytes=0-3";
      answer.status = 206;
      answer.fields = {{"Cache-Control", "max-age=60"}, {"ETag", "\"v1\""}, {"Cache-Tag", "g, h"},
                       {"Content-Range", first ? "bytes 0-3/8" : seen.field("Range") == "bytes=4-7" ? "bytes 4-7/8" : "bytes 2-5/8"}};
      answer.body = first ? "abcd" : seen.field("Range") == "bytes=4-7" ? "efgh" : "cdef";
      answer.wait_for = g.gate;
      return answer;
    };
    const auto range = [](const char* bytes) { return Ask(kUrl, {{"Range", bytes}}); };
    CHECK(g.p.ask(range("bytes=0-3")).body == "abcd");
    CHECK(g.p.ask(range("bytes=0-3")).at_once);
    if (!purged_while_asked) {
      CHECK(g.purge("h") == 1);
      CHECK_FALSE(g.p.ask(range("bytes=0-3")).at_once);
      continue;
    }
    g.gate = std::make_shared<Wakeup>();
    const auto got = g.p.start(range("bytes=2-5"));
    CHECK(g.p.origin.seen.back().field("Range") == "bytes=4-5");
    g.purge("h");
    std::exchange(g.gate, nullptr)->wake();
    g.p.poll();
    CHECK(got->body == "cdef");  // asked for anew
    CHECK(g.p.origin.seen.back().field("Range") == "bytes=2-5");
    CHECK_FALSE(g.p.ask(range("bytes=0-3")).at_once);
  }
}

TEST_CASE("a 304 changes what a response is in", "[scenario][groups][rfc9111-4.3.4]") {
  struct Row {
    FieldList before, on_304;
    const char *in, *not_in;
  };
  const Row rows[] = {
      {{{"Cache-Groups", "\"g\""}}, {}, "g", "h"},
      {{{"Cache-Groups", "\"g\""}}, {{"Cache-Groups", "\"h\""}}, "h", "g"},
      {{{"Cache-Groups", "\"g\""}}, {{"Cache-Groups", "\"h\", \"g\""}}, "g", ""},
      {{{"Surrogate-Key", "g"}}, {}, "g", "h"},
      {{{"Surrogate-Key", "g"}}, {{"Surrogate-Key", "h i"}}, "i", "g"},
      {{{"Cache-Tag", "g"}}, {{"Cache-Tag", "h,i"}}, "h", "g"},
      {{{"Cache-Groups", "\"g\""}, {"Surrogate-Key", "s"}}, {{"Cache-Groups", "\"h\""}}, "s", "g"},
      {{{"Cache-Groups", "\"g\""}, {"Surrogate-Key", "s"}}, {{"Surrogate-Key", "t"}}, "g", "s"},
      {{}, {{"Cache-Groups", "\"h\""}}, "h", ""},
      {{{"Cache-Groups", "\"g\""}, {"Surrogate-Key", "g"}}, {{"Cache-Groups", "\"h\""}}, "g", ""},
      {{{"Cache-Groups", "\"g\""}, {"Surrogate-Key", "s"}}, {{"Cache-Groups", "broken"}}, "s", "g"},
  };
  for (const Row& row : rows) {
    INFO((row.before.empty() ? "" : row.before.front().second) << " " << (row.on_304.empty() ? "" : row.on_304.front().second));
    Grouped g;
    g.control = "max-age=10";
    g.groups = row.before;
    g.p.ask(kUrl);
    g.p.clock.advance(Milliseconds(15'000));
    g.groups = row.on_304;
    CHECK(g.p.ask(kUrl).outcome.cache == CacheResult::Revalidated);
    if (*row.not_in != '\0') CHECK(g.purge(row.not_in) == 0);
    CHECK(g.is_hit());
    CHECK(g.purge(row.in) == 1);
    CHECK_FALSE(g.is_hit());
  }
}

TEST_CASE("HEAD tells of groups, too", "[scenario][groups][rfc9111-4.3.5]") {
  Grouped g;
  g.control = "max-age=10";
  g.p.ask(kUrl);
  g.p.clock.advance(Milliseconds(15'000));
  g.groups = {{"Cache-Groups", "\"h\""}};
  CHECK(g.p.ask({"HEAD", kUrl}).status == 200);
  CHECK(g.is_hit());
  CHECK(g.purge("g") == 0);
  CHECK(g.purge("h") == 1);
  CHECK_FALSE(g.is_hit());
}

TEST_CASE("the answer to an unsafe request invalidates groups of its origin", "[scenario][groups][rfc9875-3]") {
  struct Row {
    const char* method;
    int status;
    FieldList fields;
    bool stays;
  };
  const Row rows[] = {
      {"POST", 200, {{"Cache-Group-Invalidation", "\"x\", \"g\""}}, false},
      {"DELETE", 204, {{"cache-group-invalidation", "\"g\";p=1"}}, false},
      {"FROBNICATE", 303, {{"Cache-Group-Invalidation", "\"x\""}, {"Cache-Group-Invalidation", "\"g\""}}, false},
      {"POST", 200, {{"Cache-Group-Invalidation", "\"G\""}}, true},
      {"POST", 200, {{"Cache-Group-Invalidation", "\"g\", x"}}, true},  // not a List of Strings
      {"POST", 200, {{"Cache-Groups", "\"g\""}}, true},
      {"POST", 403, {{"Cache-Group-Invalidation", "\"g\""}}, true},
      {"POST", 500, {{"Cache-Group-Invalidation", "\"g\""}}, true},
      {"GET", 200, {{"Cache-Group-Invalidation", "\"g\""}}, true},  // a safe method
      {"OPTIONS", 200, {{"Cache-Group-Invalidation", "\"g\""}}, true},
  };
  for (const Row& row : rows) {
    INFO(row.method << " " << row.status << " " << row.fields.front().second);
    Grouped g;
    g.p.ask(kUrl);
    g.p.origin.answer = [&](const Seen&) {
      Answer answer;
      answer.status = row.status;
      answer.fields = row.fields;
      return answer;
    };
    const Got got = g.p.ask({row.method, "http://a.example/form"});
    CHECK(g.is_hit() == row.stays);
    CHECK(got.field(row.fields.front().first) != "");
  }
}

TEST_CASE("an origin reaches no groups but its own", "[scenario][groups][rfc9875-2.1][rfc9875-5]") {
  Grouped g;
  const FieldList invalidation = {{"Cache-Group-Invalidation", "\"g\""}};
  const auto fill = [&](std::uint16_t listener) {
    for (const char* url : {"http://a.example/x", "http://a.example:81/x"}) {
      Ask ask(url);
      ask.listener = listener;
      g.p.ask(ask);
    }
  };
  fill(0);
  fill(1);
  // From another origin, and from the same one on the other listener.
  g.post(invalidation, "http://b.example/form", 0);
  g.post(invalidation, "http://b.example/form", 1);
  g.post(invalidation, "http://a.example.b.example/form", 1);
  CHECK(g.is_hit(kUrl, 0));
  CHECK(g.is_hit(kUrl, 1));
  g.post(invalidation, "http://a.example/form", 1);
  CHECK(g.is_hit(kUrl, 0));
  CHECK_FALSE(g.is_hit(kUrl, 1));
  CHECK(g.is_hit("http://a.example:81/x", 1));
  // However many it names: others are not made to wait for, either.
  for (int i = 0; i < 100; ++i) {
    std::string many;
    for (int j = 0; j < 128; ++j) many += (j > 0 ? ", \"" : "\"") + std::to_string(i * 128 + j) + "\"";
    g.post({{"Cache-Group-Invalidation", many}}, "http://b.example/form", 1);
  }
  CHECK(g.is_hit(kUrl, 0));
  CHECK(g.is_hit("http://a.example:81/x", 1));
}

TEST_CASE("what a POST stores is not in a group that it invalidates, whichever came first", "[scenario][groups]") {
  Grouped g;
  g.post({{"Cache-Control", "max-age=60"}, {"Content-Location", "/form"}, {"Cache-Groups", "\"g\""}, {"Cache-Group-Invalidation", "\"h\""}});
  CHECK(g.is_hit("http://a.example/form"));
  g.post({{"Cache-Control", "max-age=60"}, {"Content-Location", "/form"}, {"Cache-Groups", "\"g\""}, {"Cache-Group-Invalidation", "\"g\""}});
  CHECK_FALSE(g.is_hit("http://a.example/form"));
}

TEST_CASE("clients see Cache-Groups, and not what is for us", "[scenario][groups]") {
  Grouped g;
  g.groups = {{"Cache-Groups", "\"g\""}, {"Surrogate-Key", "one two"}, {"X-Between", "1"}, {"Cache-Tag", "three"}};
  const auto check = [](const Got& got) {
    CHECK(got.field("Cache-Groups") == "\"g\"");
    CHECK(got.count("Surrogate-Key") == 0);
    CHECK(got.count("Cache-Tag") == 0);
    if (got.status != 304) CHECK(got.field("X-Between") == "1");
  };
  check(g.p.ask(kUrl));
  check(g.p.ask(kUrl));
  check(g.p.ask({"HEAD", kUrl}));
  check(g.p.ask({kUrl, {{"If-None-Match", "\"v1\""}}}));
  check(g.p.ask({"POST", kUrl}));
  check(g.p.ask({"HEAD", "http://a.example/head"}));
  g.control = "no-store";
  check(g.p.ask("http://a.example/passed"));
  check(g.p.ask({"http://a.example/conditional", {{"If-None-Match", "\"v1\""}, {"Cache-Control", "no-store"}}}));
  g.status = 404;
  check(g.p.ask("http://a.example/missing"));
  g.status = 200;
  g.control = "max-age=60";
  check(g.p.ask(kUrl));
  CHECK(g.purge("three") == 1);
}

TEST_CASE("a response in too many groups is passed on, and nobody waits for it", "[scenario][groups]") {
  Grouped g;
  std::string many = "g";
  for (int i = 0; i < 10'000; ++i) many += " " + std::to_string(i);
  g.groups = {{"Surrogate-Key", many}};
  const Got got = g.p.ask(kUrl);
  CHECK(got.body == "body 1");
  CHECK(got.cache_status == "freshet; fwd=uri-miss; fwd-status=200; detail=too-many-groups");
  CHECK(g.p.store.figures().objects == 0);
  g.gate = std::make_shared<Wakeup>();
  const auto one = g.p.start(kUrl);
  const auto gate = std::exchange(g.gate, nullptr);
  CHECK(g.p.ask(kUrl).body == "body 1");
  CHECK(g.asked() == 3);
  gate->wake();
  g.p.poll();
  CHECK(one->done);
  // A 304 that says so takes it out, too.
  g.control = "max-age=10";
  g.groups = {};
  g.p.ask("http://a.example/y");
  g.p.clock.advance(Milliseconds(15'000));
  g.groups = {{"Surrogate-Key", many}};
  CHECK(g.p.ask("http://a.example/y").cache_status == "freshet; fwd=stale; fwd-status=304; ttl=10; detail=too-many-groups");
  CHECK(g.p.store.figures().objects == 0);
}

TEST_CASE("groups count for the memory that the cache may use", "[scenario][groups]") {
  const auto held = [](bool in_groups) {
    Grouped g;
    std::string names;
    for (int i = 0; i < 128; ++i) names += "name-" + std::to_string(i) + " ";
    g.groups = {};
    if (in_groups) g.groups = {{"Surrogate-Key", names}};
    g.p.ask(kUrl);
    const std::uint64_t one = g.p.store.held();
    g.p.ask("http://a.example/y");
    return std::pair(one, g.p.store.held() - one);
  };
  const auto [first, second] = held(true);
  const auto [bare_first, bare_second] = held(false);
  CHECK(first >= bare_first + 128 * (8 + 64 + 48));
  CHECK(second >= bare_second + 128 * 8);
  CHECK(second <= bare_second + 128 * 8 + 64);  // which are in them already
}

TEST_CASE("however many groups there are, the cache keeps to its limit", "[scenario][groups]") {
  StoreOptions store;
  store.max_size = 2u << 20;
  Grouped g(Pipeline::default_options(), store);
  for (int i = 0; i < 1000; ++i) {
    std::string names;
    for (int j = 0; j < 128; ++j) names += std::to_string(i * 128 + j) + " ";
    g.groups = {{"Surrogate-Key", names}};
    g.p.ask("http://a.example/" + std::to_string(i));
    g.p.origin.seen.clear();
    REQUIRE(g.p.store.held() <= store.max_size);
  }
  CHECK(g.p.store.figures().evicted_for_room > 500);
}

TEST_CASE("the memory of what was purged comes back", "[scenario][groups]") {
  Grouped g;
  const std::uint64_t empty = g.p.store.held();
  for (int i = 0; i < 2000; ++i) g.p.ask("http://a.example/" + std::to_string(i));
  g.groups = {};
  g.p.ask(kUrl);
  CHECK(g.p.store.sweep_purged(1'000'000) == 0);
  CHECK(g.purge("g") == 2000);
  CHECK_FALSE(g.is_hit("http://a.example/7"));
  CHECK(g.p.store.figures().objects == 2000);  // who meets one takes it out
  std::size_t swept = 0;
  int rounds = 0;
  for (; swept < 1999 && rounds < 1000; ++rounds) swept += g.p.store.sweep_purged(100);
  CHECK(rounds > 10);
  CHECK(swept == 1999);
  for (int i = 0; i < 100; ++i) CHECK(g.p.store.sweep_purged(100) == 0);
  CHECK(g.p.store.figures().objects == 1);
  CHECK(g.p.store.figures().invalidated == 2000);
  CHECK(g.is_hit());
  CHECK(g.purge("g") == 0);
  CHECK(g.p.store.held() < empty + 2000);
}
