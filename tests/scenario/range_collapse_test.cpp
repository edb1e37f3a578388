// Many clients at once that want the same part of something that is not stored: one origin request.
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <utility>

#include "ranged.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

using Clients = std::vector<std::shared_ptr<Got>>;

/// An origin that answers ranges, and keeps each answer until the test lets it go.
struct Held : Bench {
  explicit Held(ProxyOptions options = Pipeline::default_options()) : Bench(std::move(options)) {
    p.origin.answer = [this](const Seen& seen) {
      Answer answer = ranged(seen);
      change(answer, seen);
      if (held) gates.push_back(answer.wait_for = std::make_shared<Wakeup>());
      return answer;
    };
  }
  Clients start(std::size_t count, const Ask& ask) {
    Clients out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(p.start(ask));
    return out;
  }
  /// The heads of all that have been asked so far.
  void answer_all() {
    for (const auto& gate : std::exchange(gates, {})) gate->wake();
    p.poll();
  }
  std::function<void(Answer&, const Seen&)> change = [](Answer&, const Seen&) {};
  std::vector<std::shared_ptr<Wakeup>> gates;
  bool held = true;
};

bool all_got(const Clients& clients, int status, const std::string& body, const std::string& content_range) {
  return std::all_of(clients.begin(), clients.end(), [&](const auto& got) {
    return got->done && got->body_failure == Reason::None && got->status == status && got->body == body &&
           got->field("Content-Range") == content_range;
  });
}

bool none_done(const Clients& clients) {
  return std::none_of(clients.begin(), clients.end(), [](const auto& got) { return got->has_head; });
}

}  // namespace

TEST_CASE("those who want the same part of what is not stored share one fetch", "[scenario][9111-4][9111-3.3][collapse]") {
  for (const char* range : {"bytes=0-", "bytes=5-9", "bytes=-3"}) {
    INFO(range);
    Held b;
    const Clients clients = b.start(100, Bench::wanting(range));
    CHECK(b.asked() == 1);
    CHECK(b.last().field("Range") == range);
    b.answer_all();
    const ByteRange part = decide_range(range, b.ranged.body.size(), 1).parts.at(0);
    CHECK(all_got(clients, 206, b.ranged.body.substr(part.first, part.size), clients[0]->field("Content-Range")));
    CHECK(clients[99]->outcome.cache == CacheResult::Collapsed);
    CHECK(clients[99]->cache_status == "freshet; fwd=uri-miss; collapsed; ttl=60");
    CHECK(b.asked() == 1);
  }
}

TEST_CASE("who shares a part reads along while it fills", "[scenario][9111-4][collapse]") {
  Held b;
  const auto body = b.ranged.trickle = std::make_shared<Trickle>();
  const Clients clients = b.start(10, Bench::wanting("bytes=0-"));
  b.answer_all();
  body->push("01234");
  b.p.poll();
  for (const auto& got : clients) CHECK(got->body == "01234");
  body->push("56789abcdefghij");
  body->finish();
  b.p.poll();
  CHECK(all_got(clients, 206, b.ranged.body, "bytes 0-19/20"));
  CHECK(b.asked() == 1);
}

TEST_CASE("other parts, and the whole, are fetched at the same time", "[scenario][9111-4][collapse]") {
  Held b;
  const Clients head = b.start(10, Bench::wanting("bytes=0-4")), tail = b.start(10, Bench::wanting("bytes=-5")), whole = b.start(10, {});
  CHECK(b.asked() == 3);
  b.answer_all();
  CHECK(all_got(head, 206, "01234", "bytes 0-4/20"));
  CHECK(all_got(tail, 206, "fghij", "bytes 15-19/20"));
  CHECK(all_got(whole, 200, b.ranged.body, ""));
  CHECK(b.asked() == 3);
}

TEST_CASE("the same part of each variant is fetched once", "[scenario][9111-4.1][collapse]") {
  Held b;
  b.change = [](Answer& answer, const Seen& seen) {
    answer.fields.emplace_back("Vary", "Accept-Encoding");
    answer.body += seen.field("Accept-Encoding");
    answer.status = 200;
    answer.fields.erase(std::remove_if(answer.fields.begin(), answer.fields.end(), [](const auto& f) { return f.first == "Content-Range"; }),
                        answer.fields.end());
    std::replace_if(answer.fields.begin(), answer.fields.end(), [](const auto& f) { return f.first == "ETag"; },
                    std::pair<std::string, std::string>("ETag", '"' + seen.field("Accept-Encoding") + '"'));
  };
  b.ranged.knows_ranges = false;
  const Clients gzip = b.start(20, Bench::wanting("bytes=20-", {{"Accept-Encoding", "gzip"}}));
  const Clients br = b.start(20, Bench::wanting("bytes=20-", {{"Accept-Encoding", "br"}}));
  CHECK(b.asked() == 1);
  b.answer_all();
  CHECK(b.asked() == 2);
  b.answer_all();
  CHECK(all_got(gzip, 206, "gzip", "bytes 20-23/24"));
  CHECK(all_got(br, 206, "br", "bytes 20-21/22"));
  CHECK(b.asked() == 2);
}

TEST_CASE("an origin that answers with the whole answers all who want that part", "[scenario][9110-14.2][collapse]") {
  Held b;
  b.ranged.knows_ranges = false;
  const Clients clients = b.start(50, Bench::wanting("bytes=5-9"));
  b.answer_all();
  CHECK(all_got(clients, 206, "56789", "bytes 5-9/20"));
  CHECK(b.asked() == 1);
}

TEST_CASE("what is missing of a part is fetched once", "[scenario][9111-3.4][collapse]") {
  Held b;
  b.held = false;
  b.get("bytes=0-9");
  b.held = true;
  const Clients clients = b.start(50, Bench::wanting("bytes=5-14"));
  CHECK(b.asked() == 2);
  CHECK(b.last().field("Range") == "bytes=10-14");
  b.answer_all();
  CHECK(all_got(clients, 206, "56789abcde", "bytes 5-14/20"));
  CHECK(b.asked() == 2);
}

TEST_CASE("a stale whole is validated once for all who want a part of it", "[scenario][9111-4.3][collapse]") {
  Held b;
  b.held = false;
  b.get_all();
  b.p.clock.advance(Milliseconds(90'000));
  b.held = true;
  const Clients some = b.start(20, Bench::wanting("bytes=0-4")), others = b.start(20, Bench::wanting("bytes=5-9", {{"If-Range", "\"v1\""}}));
  CHECK(b.asked() == 2);
  CHECK(b.last().field("If-None-Match") == "\"v1\"");
  CHECK(b.last().field("Range").empty());
  b.answer_all();
  CHECK(all_got(some, 206, "01234", "bytes 0-4/20"));
  CHECK(all_got(others, 206, "56789", "bytes 5-9/20"));
  CHECK(b.asked() == 2);
}

TEST_CASE("stale parts are validated once for all who want one of them", "[scenario][9111-4.3][collapse]") {
  Held b;
  b.held = false;
  b.get("bytes=0-9");
  b.p.clock.advance(Milliseconds(90'000));
  b.held = true;
  const Clients clients = b.start(20, Bench::wanting("bytes=0-9"));
  CHECK(b.asked() == 2);
  b.answer_all();
  CHECK(all_got(clients, 206, "0123456789", "bytes 0-9/20"));
  CHECK(b.asked() == 2);
}

TEST_CASE("parts that must not be shared are not, and nobody queues for them twice", "[scenario][9111-3][collapse]") {
  struct Row {
    const char* what;
    std::function<void(Answer&)> change;
    bool about_url;  ///< nobody waits for the other parts either
  };
  const std::vector<Row> rows = {
      {"no-store", [](Answer& a) { a.fields[0].second = "no-store"; }, true},
      {"private", [](Answer& a) { a.fields[0].second = "private, max-age=60"; }, true},
      {"Set-Cookie", [](Answer& a) { a.fields.emplace_back("Set-Cookie", "a=1"); }, true},
      {"Vary: *", [](Answer& a) { a.fields.emplace_back("Vary", "*"); }, true},
      {"416",
       [](Answer& a) {
         a.status = 416;
         a.fields = {{"Content-Range", "bytes */3"}};
       },
       false},
      {"an error", [](Answer& a) { a.status = 404, a.fields[0].second = "no-store"; }, true},
      {"several ranges, where one was asked for", [](Answer& a) { a.fields.pop_back(); }, false},
      {"a Content-Range that contradicts the length", [](Answer& a) { a.fields.back().second = "bytes 0-3/20"; }, false},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    Held b;
    b.change = [&](Answer& answer, const Seen&) { row.change(answer); };
    Clients clients = b.start(10, Bench::wanting("bytes=0-4"));
    CHECK(b.asked() == 1);
    b.answer_all();
    CHECK(b.asked() == 10);  // the others, at the same time
    b.answer_all();
    const Clients more = b.start(10, Bench::wanting("bytes=0-4"));
    CHECK(b.asked() == 20);
    const Clients others = b.start(5, Bench::wanting("bytes=5-9"));
    CHECK(b.asked() == (row.about_url ? 25 : 21));
    CHECK(none_done(more));
    b.answer_all();
    b.answer_all();
    clients.insert(clients.end(), more.begin(), more.end());
    clients.insert(clients.end(), others.begin(), others.end());
    for (const auto& got : clients) CHECK(got->done);
  }
}

TEST_CASE("an origin that fails fails once for all who want the same part", "[scenario][9111-4][collapse]") {
  Held b;
  b.change = [](Answer& answer, const Seen&) { answer.failure = Reason::ConnectionRefused; };
  const Clients clients = b.start(10, Bench::wanting("bytes=0-4"));
  b.answer_all();
  for (const auto& got : clients) CHECK(got->status == 502);
  CHECK(b.asked() == 1);
}

TEST_CASE("a range with conditions of its own, or that is not one range, waits for nobody", "[scenario][9110-14.2][collapse]") {
  const std::vector<Ask> asks = {
      Bench::wanting("bytes=0-1,5-6"),
      Bench::wanting("bytes=0-4", {{"If-Range", "\"v1\""}}),
      Bench::wanting("bytes=0-4", {{"If-None-Match", "\"v1\""}}),
      Bench::wanting("bytes=0-4", {{"If-Modified-Since", "Thu, 01 Jan 2026 00:00:00 GMT"}}),
      Bench::wanting("bytes=0-4", {{"If-Match", "\"v1\""}}),
      Bench::wanting("bytes=0-4", {{"If-Unmodified-Since", "Thu, 01 Jan 2026 00:00:00 GMT"}}),
      Bench::wanting("bytes=0-4", {{"Range", "bytes=5-9"}}),
      Bench::wanting("bytes=0-4", {{"Authorization", "Basic YTpi"}}),
      Bench::wanting("bytes=0-4", {{"Cache-Control", "no-cache"}}),
      Bench::wanting("lines=0-4"),
      Bench::wanting("bytes=4-0"),
  };
  for (const Ask& ask : asks) {
    INFO(ask.fields.front().second << " " << ask.fields.back().first << ": " << ask.fields.back().second);
    Held b;
    const Clients plain = b.start(1, Bench::wanting("bytes=0-4"));
    const Clients clients = b.start(10, ask);
    CHECK(b.asked() == 11);
    b.answer_all();
    CHECK(all_got(plain, 206, "01234", "bytes 0-4/20"));
    for (const auto& got : clients) CHECK(got->done);
  }
}

namespace {

/// A part that is too large to be stored, and clients that want it.
struct Film : Held {
  static ProxyOptions small_objects() {
    ProxyOptions options = Pipeline::default_options();
    options.policy.max_object_size = 1u << 20;
    return options;
  }
  Film() : Held(small_objects()) {
    ranged.body.assign(6u << 20, ' ');
    for (std::size_t i = 0; i < ranged.body.size(); ++i) ranged.body[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
    body = ranged.trickle = std::make_shared<Trickle>();
  }
  /// Sends the part, and says how much was held at most on the way.
  std::uint64_t send(std::string_view part) {
    std::uint64_t most = 0;
    for (std::size_t at = 0; at < part.size(); at += 60'000) {
      body->push(std::string(part.substr(at, 60'000)));
      p.poll();
      most = std::max(most, p.store.figures().bytes);
    }
    body->finish();
    p.poll();
    return most;
  }
  std::shared_ptr<Trickle> body;
};

}  // namespace

TEST_CASE("a part that is too large to be stored is shared while it passes", "[scenario][9111-4][collapse][share]") {
  for (const char* range : {"bytes=0-", "bytes=1000-4999999"}) {
    INFO(range);
    Film film;
    const Clients clients = film.start(100, Bench::wanting(range));
    CHECK(film.asked() == 1);
    film.answer_all();
    const ByteRange wanted = decide_range(range, film.ranged.body.size(), 1).parts.at(0);
    const std::string part = film.ranged.body.substr(wanted.first, wanted.size);
    CHECK(film.send(part) < (2u << 20));
    CHECK(all_got(clients, 206, part, clients[0]->field("Content-Range")));
    CHECK(clients[99]->outcome.cache == CacheResult::Collapsed);
    CHECK(film.asked() == 1);
    CHECK(film.p.store.figures().objects == 0);
  }
}

TEST_CASE("who is too slow for the others goes on with its part by itself", "[scenario][share][slow][9110-13.1.5]") {
  for (const bool to_the_end : {true, false}) {
    Film film;
    const std::string range = to_the_end ? "bytes=1000-" : "bytes=1000-4999999";
    const auto permits = std::make_shared<Permits>();
    const Clients fast = film.start(3, Bench::wanting(range));
    const auto slow = film.p.start_slow(Bench::wanting(range), permits);
    film.answer_all();
    film.held = false;
    permits->give(3);
    const std::string part = film.ranged.body.substr(1000, to_the_end ? std::string::npos : 4999999 - 1000 + 1);
    film.send(part);
    film.p.clock.advance(Milliseconds(1000));
    REQUIRE(film.p.store.cut_off_slow_readers() == 1);
    film.p.poll();
    CHECK(all_got(fast, 206, part, fast[0]->field("Content-Range")));
    permits->give(10'000);
    film.p.poll();
    REQUIRE(slow->done);
    CHECK(slow->body_failure == Reason::None);
    CHECK((slow->body == part));
    REQUIRE(film.asked() == 2);
    CHECK(film.last().field("If-Range") == "\"v1\"");
    CHECK(film.last().field("Range").ends_with(to_the_end ? "-" : "-4999999"));
    CHECK(std::stoull(film.last().field("Range").substr(6)) > 1000);
  }
}

TEST_CASE("what came in one piece and is too large a part is shared as it is", "[scenario][collapse][share]") {
  Film film;
  film.ranged.trickle = nullptr;
  film.change = [](Answer& answer, const Seen&) { answer.as_source = false; };
  const Clients clients = film.start(10, Bench::wanting("bytes=0-1999999"));
  film.answer_all();
  CHECK(all_got(clients, 206, film.ranged.body.substr(0, 2'000'000), "bytes 0-1999999/6291456"));
  CHECK(film.asked() == 1);
}

TEST_CASE("what one client provokes does not keep others from sharing a range", "[scenario][collapse]") {
  for (const int status : {429, 406, 403}) {
    INFO(status);
    Held b;
    b.change = [&](Answer& answer, const Seen& seen) {
      if (seen.field("User-Agent") == "bad") answer.status = status, answer.fields = {{"Cache-Control", "max-age=60"}};
    };
    const Clients one = b.start(1, Bench::wanting("bytes=0-", {{"User-Agent", "bad"}}));
    b.answer_all();
    CHECK(one[0]->status == status);
    b.start(100, Bench::wanting("bytes=0-"));
    CHECK(b.asked() == 2);
  }
}

TEST_CASE("a passing error does not keep a large part from being shared", "[scenario][collapse]") {
  Film film;
  film.ranged.trickle = nullptr;
  bool trouble = true;
  film.change = [&](Answer& answer, const Seen&) {
    if (trouble) answer.status = 503, answer.fields = {}, answer.body = "x";
  };
  film.start(1, Bench::wanting("bytes=0-"));
  film.answer_all();
  trouble = false;
  film.start(1, Bench::wanting("bytes=0-"));
  film.answer_all();
  const auto before = film.asked();
  film.start(100, Bench::wanting("bytes=0-"));
  CHECK(film.asked() == before + 1);
}

TEST_CASE("an answer to If-Range is no head for others, also when it is too large", "[scenario][9110-15.3.7][collapse]") {
  ProxyOptions options = Film::small_objects();
  options.fetch_whole_for_range = true;
  Held b(options);
  b.ranged.body.assign(6u << 20, 'x');
  b.change = [](Answer& answer, const Seen& seen) {
    if (!seen.field("If-Range").empty() && answer.status == 206)
      std::erase_if(answer.fields, [](const auto& f) { return f.first == "Content-Type"; });
  };
  const Clients leader = b.start(1, Bench::wanting("bytes=0-1999999", {{"If-Range", "\"v1\""}}));
  const Clients others = b.start(5, Bench::wanting("bytes=0-1999999"));
  for (int i = 0; i < 5; ++i) b.answer_all();
  for (const auto& got : others) {
    CHECK(got->status == 206);
    CHECK(got->body.size() == 2'000'000);
    CHECK(got->field("Content-Type") == "text/plain");
  }
  INFO(others[0]->cache_status);
  CHECK(b.asked() <= 7);
}

TEST_CASE("a part that is validated in the background does not keep those waiting who want the whole", "[scenario][5861-3][collapse]") {
  Held b;
  b.ranged.cache_control = "max-age=60, stale-while-revalidate=60";
  b.held = false;
  b.get("bytes=0-9");
  b.p.clock.advance(Milliseconds(70'000));
  b.held = true;
  b.start(1, Bench::wanting("bytes=0-9"));
  b.p.poll();
  CHECK(b.asked() == 2);
  const Clients whole = b.start(50, {});
  CHECK(b.asked() == 3);
  b.answer_all();
  CHECK(b.asked() == 3);
  b.answer_all();
  for (const auto& got : whole) CHECK(got->body == b.ranged.body);
}

TEST_CASE("of what is known as too large, each range is fetched once, and waits for no other", "[scenario][collapse]") {
  ProxyOptions options = Film::small_objects();
  options.fetch_whole_for_range = true;
  Held b(options);
  b.ranged.body.assign(6u << 20, 'x');
  b.held = false;
  b.get("bytes=0-1999999");  // now it is known as too large
  b.held = true;
  const auto before = b.asked();
  const Clients head = b.start(10, Bench::wanting("bytes=0-1999999")), tail = b.start(10, Bench::wanting("bytes=3000000-4999999"));
  CHECK(b.asked() == before + 2);
  for (int i = 0; i < 5; ++i) b.answer_all();
  CHECK(b.asked() == before + 2);
  for (const auto& got : tail) CHECK(got->body.size() == 2'000'000);
}

TEST_CASE("QUERY with Range waits for nobody", "[scenario][collapse]") {
  Held b;
  Ask ask = Bench::wanting("bytes=0-4", {{"Content-Type", "text/plain"}});
  ask.method = "QUERY", ask.body = "q", ask.has_body = true;
  const Clients clients = b.start(10, ask);
  CHECK(b.asked() == 10);
  b.answer_all();
  CHECK(b.asked() == 10);
}

TEST_CASE("one who stands still and holds up those who want bytes further on is cut off", "[scenario][share][slow]") {
  for (const std::string range : {"bytes=3000000-3000009", "bytes=0-"}) {
    INFO(range);
    Film film;
    const std::string large = film.ranged.body;
    const auto trickle = std::exchange(film.ranged.trickle, nullptr);
    film.ranged.body = "small";
    film.held = false;
    film.get_all();
    film.p.clock.advance(Milliseconds(90'000));
    film.held = true;
    film.ranged.body = large, film.ranged.etag = "\"v2\"", film.ranged.trickle = trickle;
    const auto permits = std::make_shared<Permits>();
    const auto slow = film.p.start_slow({}, permits);
    const Clients others = film.start(3, Bench::wanting(range));
    film.answer_all();
    permits->give(1);
    for (std::size_t at = 0; at < large.size(); at += 60'000) {
      film.body->push(large.substr(at, 60'000));
      film.p.poll();
    }
    film.body->finish();
    film.p.poll();
    CHECK_FALSE(others[0]->done);
    for (int i = 0; i < 60; ++i) {
      film.p.clock.advance(Milliseconds(1000));
      film.p.store.cut_off_slow_readers();
      film.p.poll();
    }
    CHECK(film.asked() == 2);
    CHECK(others[0]->done);
    CHECK(others[0]->status == 206);
  }
}

TEST_CASE("wholes that are under way do not keep ranges from being shared", "[scenario][collapse]") {
  Held b;
  b.change = [](Answer& answer, const Seen&) { answer.fields.emplace_back("Vary", "X-V"); };
  b.held = false;
  b.p.ask({"http://a.example/x", {{"X-V", "seed"}}});
  b.held = true;
  for (int i = 0; i < 32; ++i) b.start(1, {"http://a.example/x", {{"X-V", std::to_string(i)}}});
  const auto before = b.asked();
  b.start(20, Bench::wanting("bytes=0-4", {{"X-V", "r"}}));
  CHECK(b.asked() == before + 1);
}

TEST_CASE("who is too slow for the others gets the rest of its range of a whole that passes", "[scenario][share][slow][9110-13.1.5]") {
  Film film;
  film.ranged.knows_ranges = false;
  const auto permits = std::make_shared<Permits>();
  const Clients fast = film.start(3, Bench::wanting("bytes=1000-"));
  const auto slow = film.p.start_slow(Bench::wanting("bytes=1000-"), permits);
  film.answer_all();
  film.held = false;
  film.ranged.knows_ranges = true;
  permits->give(3);
  film.send(film.ranged.body);
  film.p.clock.advance(Milliseconds(1000));
  REQUIRE(film.p.store.cut_off_slow_readers() == 1);
  film.p.poll();
  const std::string part = film.ranged.body.substr(1000);
  CHECK(all_got(fast, 206, part, "bytes 1000-6291455/6291456"));
  permits->give(10'000);
  film.p.poll();
  REQUIRE(slow->done);
  CHECK(slow->body_failure == Reason::None);
  CHECK((slow->body == part));
  CHECK(film.asked() == 2);
}

TEST_CASE("a part that the cache has no room for is not called stored", "[scenario][9111-3.3]") {
  StoreOptions small;
  small.max_size = 4u << 20;
  Pipeline p(Pipeline::default_options(), small);
  Ranged ranged;
  ranged.body.assign(6u << 20, 'x');
  p.origin.answer = [&](const Seen& seen) { return ranged(seen); };
  const Got got = p.ask(Bench::wanting("bytes=0-2999999"));
  CHECK(got.body.size() == 3'000'000);
  CHECK_FALSE(got.outcome.stored);
  CHECK(p.store.figures().objects == 0);
}
