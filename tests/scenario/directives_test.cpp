// Rules of RFC 9111 that no other scenario is about: section by section.
#include <catch2/catch.hpp>

#include "support/pipeline.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

constexpr const char* kUrl = "http://a.example/x";

Answer with(FieldList fields, std::string body = "hello", int status = 200) {
  Answer answer;
  answer.fields = std::move(fields);
  answer.body = std::move(body);
  answer.status = status;
  return answer;
}

/// The first request gets `first`, every later one `later`.
void answer_with(Pipeline& p, Answer first, Answer later) {
  p.origin.answer = [&p, first = std::move(first), later = std::move(later)](const Seen&) {
    return p.origin.seen.size() == 1 ? first : later;
  };
}

}  // namespace

TEST_CASE("parts are combined when a strong validator says that they belong together", "[scenario][9111-3.4]") {
  for (const char* etag : {"\"1\"", "\"2\"", "W/\"1\""}) {
    Pipeline p;
    const auto part = [](const char* tag, const char* range, const char* body) {
      return with({{"Cache-Control", "max-age=60"}, {"ETag", tag}, {"Content-Range", range}}, body, 206);
    };
    answer_with(p, part("\"1\"", "bytes 0-4/10", "01234"), part(etag, "bytes 5-9/10", "56789"));
    p.ask({kUrl, {{"Range", "bytes=0-4"}}});
    p.ask({kUrl, {{"Range", "bytes=5-9"}}});
    const std::size_t before = p.origin.seen.size();
    const Got both = p.ask({kUrl, {{"Range", "bytes=3-6"}}});
    INFO(etag);
    CHECK((p.origin.seen.size() == before) == (std::string_view(etag) == "\"1\""));
    if (p.origin.seen.size() == before) CHECK(both.body == "3456");
  }
}

TEST_CASE("each answer to a validation request has its consequence", "[scenario][9111-4.3.3]") {
  struct Row {
    const char* rule;
    Answer later;
    const char* body;        // that the client gets
    const char* body_after;  // that the next client gets, without a further request; null: the origin is asked again
    int status;
  };
  const FieldList fresh{{"Cache-Control", "max-age=60"}, {"ETag", "\"1\""}};
  const FieldList newer{{"Cache-Control", "max-age=60"}, {"ETag", "\"2\""}};
  const std::vector<Row> rows = {
      {"304: the stored response is good again", with(fresh, "", 304), "hello", "hello", 200},
      {"a full response replaces the stored one", with(newer, "newer"), "newer", "newer", 200},
      {"... whatever its status, if it may be stored", with(newer, "gone", 410), "gone", "gone", 410},
      {"one that may not be stored is passed on", with({{"Cache-Control", "no-store"}}, "secret"), "secret", nullptr,
       200},
      {"a server error is passed on", with({}, "trouble", 503), "trouble", nullptr, 503}};
  for (const Row& row : rows) {
    INFO(row.rule);
    Pipeline p;
    answer_with(p, with({{"Cache-Control", "max-age=60"}, {"ETag", "\"1\""}}), row.later);
    p.ask(kUrl);
    p.clock.advance(Milliseconds(70'000));
    const Got got = p.ask(kUrl);
    CHECK(p.origin.seen.back().field("If-None-Match") == "\"1\"");
    CHECK(got.status == row.status);
    CHECK(got.body == row.body);
    const Got next = p.ask(kUrl);
    CHECK(next.at_once == (row.body_after != nullptr));
    if (row.body_after) CHECK(next.body == row.body_after);
  }
}

TEST_CASE("nothing is transformed, whether or not somebody forbids it", "[scenario][9111-5.2.1.6][9111-5.2.2.6]") {
  for (const char* said : {"max-age=60", "max-age=60, no-transform"}) {
    Pipeline p;
    const std::string body("  <p>\r\n\0\xFF </p>", 14);
    p.origin.answer = [&](const Seen&) {
      return with({{"Cache-Control", said}, {"Content-Type", "text/html"}, {"Content-Encoding", "identity"}}, body);
    };
    for (const char* asked : {"no-transform", "unknown"}) {
      const Got got = p.ask({kUrl, {{"Cache-Control", asked}}});
      CHECK(got.body == body);
      CHECK(got.field("Content-Type") == "text/html");
      CHECK(got.field("Content-Encoding") == "identity");
      CHECK(got.field("Cache-Control") == said);
    }
    CHECK(p.origin.seen.size() == 1);
    CHECK(p.origin.seen[0].field("Cache-Control") == "no-transform");
  }
}

TEST_CASE("proxy-revalidate is must-revalidate for a shared cache", "[scenario][9111-5.2.2.8][9111-5.2.2.2]") {
  for (const char* directive : {"proxy-revalidate", "must-revalidate"}) {
    Pipeline p;
    Answer broken;
    broken.failure = Reason::ConnectionRefused;
    answer_with(p,
                with({{"Cache-Control",
                       std::string("max-age=60, stale-while-revalidate=60, stale-if-error=60, ") + directive}}),
                broken);
    p.ask(kUrl);
    CHECK(p.ask(kUrl).at_once);
    p.clock.advance(Milliseconds(60'000));
    INFO(directive);
    CHECK(p.ask({kUrl, {{"Cache-Control", "max-stale"}}}).status == 502);
    CHECK(p.ask(kUrl).status == 502);
  }
}

TEST_CASE("public allows what would not be allowed without it", "[scenario][9111-5.2.2.9]") {
  for (const bool is_public : {false, true}) {
    const std::string tail = is_public ? ", public" : "";
    INFO(is_public);
    Pipeline p;
    p.origin.answer = [&](const Seen& seen) {
      if (seen.target == "/authorised") return with({{"Cache-Control", "max-age=60" + tail}});
      if (seen.target == "/cookie") return with({{"Cache-Control", "max-age=60" + tail}, {"Set-Cookie", "a=b"}});
      // A heuristic lifetime for a status that has none by default.
      return with({{"Cache-Control", "unknown" + tail}, {"Last-Modified", "Wed, 31 Dec 2025 00:00:00 GMT"}}, "odd",
                  599);
    };
    for (const char* target : {"/authorised", "/cookie", "/odd"}) {
      const std::string url = std::string("http://a.example") + target;
      const FieldList fields =
          std::string_view(target) == "/authorised" ? FieldList{{"Authorization", "Basic eDp5"}} : FieldList{};
      p.ask({url, fields});
      CHECK(p.ask({url, fields}).at_once == is_public);
    }
  }
}

TEST_CASE("directives that are not known change nothing", "[scenario][9111-5.2.3]") {
  Pipeline p;
  p.origin.answer = [](const Seen&) {
    return with(
        {{"Cache-Control", "community=\"UCI\", max-age=60, no-stores, x-private=\"a, no-store\", =, max-ages=0"}});
  };
  p.ask(kUrl);
  const Got hit = p.ask({kUrl, {{"Cache-Control", "no-caches, only-if-cacheds, x=\"no-cache\""}}});
  CHECK(hit.at_once);
  CHECK(hit.cache_status == "freshet; hit; ttl=60");
}
