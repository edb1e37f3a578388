#include <catch2/catch.hpp>

#include "freshet/proxy/purge.hpp"
#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {
Answer varying(const Seen&) {
  Answer answer;
  answer.fields = {{"Cache-Control", "max-age=60"}, {"Vary", "Accept-Language"}, {"ETag", "\"v1\""}};
  answer.body = "hello";
  return answer;
}
}  // namespace

TEST_CASE("a purge takes all variants, on all listeners, and nothing else", "[scenario][purge]") {
  Pipeline p;
  p.origin.answer = varying;
  for (const std::uint16_t listener : {0, 1})
    for (const char* language : {"de", "en", "fr"}) {
      Ask ask("http://a.example/x?q=1", {{"Accept-Language", language}});
      ask.listener = listener;
      p.ask(ask);
    }
  p.ask("http://a.example/x?q=2");
  CHECK(purge(p.store, p.options, "HTTP://A.example:80/x?q=1") == 6u);
  CHECK(p.store.figures().objects == 1);
  CHECK_FALSE(p.ask({"http://a.example/x?q=1", {{"Accept-Language", "de"}}}).at_once);
  CHECK(p.ask("http://a.example/x?q=2").at_once);
  CHECK(purge(p.store, p.options, "http://a.example/nothing") == 0u);
}

TEST_CASE("a response that was on its way during a purge is not stored", "[scenario][purge]") {
  Pipeline p;
  auto wait = std::make_shared<Wakeup>();
  p.origin.answer = [&](const Seen& seen) {
    Answer answer = varying(seen);
    answer.wait_for = wait;
    return answer;
  };
  const auto first = p.start("http://a.example/x");
  CHECK(purge(p.store, p.options, "http://a.example/x") == 0u);
  wait->wake();
  p.poll();
  CHECK(first->done);
  CHECK(first->body == "hello");
  CHECK(p.store.figures().objects == 0);
}

TEST_CASE("a list of URLs is purged as a whole or not at all", "[scenario][purge]") {
  Pipeline p;
  p.ask("http://a.example/1");
  p.ask("http://a.example/2");
  const auto bad = purge_list(p.store, p.options, "http://a.example/1\nhttp://a.example/a b\n");
  CHECK(bad.refused == "http://a.example/a b");
  CHECK(p.store.figures().objects == 2);
  const auto good = purge_list(p.store, p.options, "  http://a.example/1 \r\n\nhttp://a.example/2");
  CHECK(good.refused.empty());
  CHECK(good.urls == 2);
  CHECK(good.responses == 2);
  CHECK(p.store.figures().objects == 0);
  for (const char* url : {"/x", "a.example/x", "ftp://a.example/x", "http://", "http://u@a.example/", "http://a.example/#f", "*"}) {
    INFO(url);
    CHECK_FALSE(purge(p.store, p.options, url));
  }
  CHECK(purge(p.store, p.options, "http://a.example") == 0u);
}
