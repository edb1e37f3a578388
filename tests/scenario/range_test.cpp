// Ranges beyond the simple ones: several in one answer, of a body that is still filling, and of parts that 206 answers have brought.
#include <catch2/catch.hpp>
#include <charconv>

#include "ranged.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

std::string boundary_of(const Got& got) {
  const std::string type = got.field("Content-Type");
  const std::string prefix = "multipart/byteranges; boundary=";
  REQUIRE(type.rfind(prefix, 0) == 0);
  return type.substr(prefix.size());
}

}  // namespace

TEST_CASE("several ranges come as multipart/byteranges", "[scenario][rfc9110 14.6]") {
  Bench b;
  b.get_all();
  const Got got = b.get("bytes=0-1, 18-, 5-5");
  CHECK(got.status == 206);
  CHECK(got.count("Content-Type") == 1);
  CHECK(got.field("Content-Range").empty());
  const std::string boundary = boundary_of(got);
  CHECK(boundary.size() >= 16);
  const std::string part = "--" + boundary + "\r\nContent-Type: text/plain\r\nContent-Range: bytes ";
  CHECK(got.body == part + "0-1/20\r\n\r\n01\r\n" + part + "18-19/20\r\n\r\nij\r\n" + part + "5-5/20\r\n\r\n5\r\n--" + boundary + "--\r\n");
  CHECK(got.length == got.body.size());
  CHECK(boundary_of(b.get("bytes=0-1,3-4")) != boundary);
  CHECK(b.asked() == 1);
}

TEST_CASE("ranges that are too many, or hold more than the whole, are answered with the whole", "[scenario][rfc9110 14.2]") {
  Bench b;
  b.get_all();
  std::string sixteen = "bytes=0-0", seventeen;
  for (int i = 1; i < 16; ++i) sixteen += "," + std::to_string(i) + "-" + std::to_string(i);
  CHECK(b.get(sixteen).status == 206);
  CHECK(b.get(sixteen + ",17-17").status == 200);
  CHECK(b.get("bytes=0-,0-").status == 200);
  CHECK(b.asked() == 1);
}

TEST_CASE("a range of a response that is still filling comes as soon as its bytes are there", "[scenario][rfc9110 14.2]") {
  Bench b;
  auto trickle = std::make_shared<Trickle>();
  b.ranged.trickle = trickle;
  const auto first = b.p.start("http://a.example/x");
  trickle->push("0123456789");
  b.p.poll();
  const auto there = b.p.start(Bench::wanting("bytes=2-4"));
  const auto partly = b.p.start(Bench::wanting("bytes=8-11"));
  const auto several = b.p.start(Bench::wanting("bytes=0-0,15-"));
  b.p.poll();
  CHECK(there->done);
  CHECK(there->body == "234");
  CHECK(there->field("Content-Range") == "bytes 2-4/20");
  CHECK_FALSE(partly->done);
  CHECK(partly->body == "89");
  trickle->push("abcdefghij");
  trickle->finish();
  b.p.poll();
  CHECK(partly->done);
  CHECK(partly->body == "89ab");
  CHECK(several->done);
  CHECK(several->body.find("\r\nfghij\r\n") != std::string::npos);
  CHECK(first->body == b.ranged.body);
  CHECK(b.asked() == 1);
}

TEST_CASE("of a filling response without a known length, ranges are served that are there already", "[scenario][rfc9110 14.4]") {
  Pipeline p;
  auto trickle = std::make_shared<Trickle>();
  p.origin.answer = [&](const Seen&) {
    Answer answer;
    answer.fields = {{"Cache-Control", "max-age=60"}};
    answer.trickle = trickle;
    return answer;
  };
  const auto first = p.start("http://a.example/x");
  trickle->push("0123456789");
  p.poll();
  const Got there = p.ask(Bench::wanting("bytes=7-9"));
  CHECK(there.status == 206);
  CHECK(there.field("Content-Range") == "bytes 7-9/*");
  CHECK(there.body == "789");
  for (const char* range : {"bytes=7-10", "bytes=7-", "bytes=-3", "bytes=18446744073709551615-"}) {
    INFO(range);
    const auto beyond = p.start(Bench::wanting(range));
    p.poll();
    CHECK(beyond->status == 200);
  }
  trickle->finish();
  p.poll();
  CHECK(first->done);
}

TEST_CASE("a stored part answers the same range, and ranges inside it", "[scenario][rfc9111 3.3]") {
  Bench b;
  const std::string etag = GENERATE("\"v1\"", "W/\"v1\"", "");
  b.ranged.etag = etag;
  const Got first = b.get("bytes=5-9");
  CHECK(first.status == 206);
  CHECK(first.body == "56789");
  CHECK(first.field("Content-Range") == "bytes 5-9/20");
  CHECK(first.cache_status == "freshet; fwd=uri-miss; fwd-status=206; stored; ttl=60");
  const Got same = b.get("bytes=5-9");
  CHECK(same.at_once);
  CHECK(same.status == 206);
  CHECK(same.body == "56789");
  CHECK(same.count("Content-Range") == 1);
  CHECK(same.field("Content-Range") == "bytes 5-9/20");
  CHECK(same.field("Age") == "0");
  CHECK(b.get("bytes=6-7").body == "67");
  CHECK(b.get("bytes=6-7").field("Content-Range") == "bytes 6-7/20");
  CHECK(b.asked() == 1);
  if (etag == "\"v1\"") CHECK(b.get("bytes=6-7", {{"If-None-Match", etag}}).status == 304);
}

TEST_CASE("without a strong ETag, parts are not combined", "[scenario][rfc9111 3.4]") {
  Bench b;
  b.ranged.etag = GENERATE("W/\"v1\"", "");
  b.get("bytes=5-9");
  CHECK(b.get("bytes=8-11").body == "89ab");
  CHECK(b.last().field("Range") == "bytes=8-11");
  CHECK(b.last().field("If-Range").empty());
  CHECK(b.get_all().body == b.ranged.body);
  CHECK(b.last().field("Range").empty());
  CHECK(b.asked() == 3);
}

TEST_CASE("what is missing of a range is asked for, and combined with what is stored", "[scenario][rfc9111 3.4][rfc9110 15.3.7.3]") {
  Bench b;
  b.get("bytes=5-9");
  const Got more = b.get("bytes=8-12");
  CHECK(more.status == 206);
  CHECK(more.body == "89abc");
  CHECK(more.field("Content-Range") == "bytes 8-12/20");
  CHECK(more.cache_status == "freshet; fwd=partial; fwd-status=206; stored; ttl=60");
  CHECK(b.last().field("Range") == "bytes=10-12");
  CHECK(b.last().field("If-Range") == "\"v1\"");
  const Got both = b.get("bytes=5-12");
  CHECK(both.at_once);
  CHECK(both.body == "56789abc");
  CHECK(b.asked() == 2);
}

TEST_CASE("a request for the whole completes the parts", "[scenario][rfc9111 3.4]") {
  Bench b;
  b.get("bytes=0-9");
  const Got whole = b.get_all();
  CHECK(whole.status == 200);
  CHECK(whole.body == b.ranged.body);
  CHECK(whole.length == 20u);
  CHECK(whole.field("Content-Range").empty());
  CHECK(b.last().field("Range") == "bytes=10-19");
  CHECK(b.get_all().at_once);
  CHECK(b.get("bytes=-3").body == "hij");
  CHECK(b.get("bytes=3-").body == b.ranged.body.substr(3));
  CHECK(b.asked() == 2);
}

TEST_CASE("several ranges that the parts hold come from them", "[scenario][rfc9110 14.6]") {
  Bench b;
  b.get("bytes=0-9");
  b.get("bytes=8-14");
  const Got got = b.get("bytes=0-1,8-11");
  CHECK(got.at_once);
  const std::string part = "--" + boundary_of(got) + "\r\nContent-Type: text/plain\r\nContent-Range: bytes ";
  CHECK(got.body == part + "0-1/20\r\n\r\n01\r\n" + part + "8-11/20\r\n\r\n89ab\r\n--" + boundary_of(got) + "--\r\n");
  CHECK(got.length == got.body.size());
  b.get("bytes=0-1,14-15");
  CHECK(b.last().field("Range") == "bytes=0-1,14-15");
  CHECK(b.asked() == 3);
}

TEST_CASE("a hole in the middle is closed by one request", "[scenario][rfc9111 3.4]") {
  Bench b;
  b.get("bytes=0-3");
  b.get("bytes=16-19");
  CHECK(b.last().field("Range") == "bytes=16-19");
  CHECK(b.get_all().body == b.ranged.body);
  CHECK(b.last().field("Range") == "bytes=4-15");
  CHECK(b.get_all().at_once);
}

TEST_CASE("parts are read while the missing one comes", "[scenario][rfc9111 3.4]") {
  Bench b;
  b.get("bytes=0-9");
  auto trickle = std::make_shared<Trickle>();
  b.ranged.trickle = trickle;
  const auto whole = b.p.start("http://a.example/x");
  trickle->push("abc");
  b.p.poll();
  CHECK(whole->body == "0123456789abc");
  const auto other = b.p.start("http://a.example/x");  // joins the parts and the one that is filling
  b.p.poll();
  CHECK(other->body == "0123456789abc");
  trickle->push("defghij");
  trickle->finish();
  b.p.poll();
  CHECK(whole->body == b.ranged.body);
  CHECK(other->body == b.ranged.body);
  CHECK(b.asked() == 2);
}

TEST_CASE("those who want the whole wait for one request that completes the parts", "[scenario][rfc9111 3.4][collapsing]") {
  Bench b;
  b.get("bytes=0-9");
  auto wait = std::make_shared<Wakeup>();
  b.p.origin.answer = [&](const Seen& seen) {
    Answer answer = b.ranged(seen);
    answer.wait_for = wait;
    return answer;
  };
  std::vector<std::shared_ptr<Got>> all;
  for (int i = 0; i < 5; ++i) all.push_back(b.p.start("http://a.example/x"));
  b.p.poll();
  CHECK(b.asked() == 2);
  wait->wake();
  b.p.poll();
  for (const auto& got : all) {
    CHECK(got->status == 200);
    CHECK(got->body == b.ranged.body);
  }
  CHECK(b.asked() == 2);
}

TEST_CASE("a client that leaves in the middle of a large part leaves what had arrived", "[scenario][rfc9111 3.3]") {
  ProxyOptions options = Pipeline::default_options();
  options.finish_fill.left = 0;
  options.finish_fill.percent = 100;
  Bench b(options);
  auto trickle = std::make_shared<Trickle>();
  b.ranged.trickle = trickle;
  const auto leaving = b.p.start_and_leave(Bench::wanting("bytes=4-13"), 1);
  trickle->push("4567");
  b.p.poll();
  CHECK(leaving->body == "4567");
  CHECK(trickle->dropped());
  CHECK(b.get("bytes=5-6").at_once);
  CHECK(b.get("bytes=4-9").body == "456789");
  CHECK(b.last().field("Range") == "bytes=8-9");
}

TEST_CASE("what is too large to be stored does not cost the parts that are", "[scenario][rfc9111 3.3]") {
  ProxyOptions options = Pipeline::default_options();
  options.policy.max_object_size = 12;
  Bench b(options);
  b.get("bytes=0-4");
  CHECK(b.get("bytes=0-").body == b.ranged.body);
  CHECK(b.last().field("Range") == "bytes=0-");
  CHECK(b.get_all().body == b.ranged.body);
  CHECK(b.get("bytes=0-4").at_once);
}

TEST_CASE("when the representation has changed, stored parts are not mixed with new ones", "[scenario][rfc9110 13.1.5]") {
  Bench b;
  b.get("bytes=0-9");
  b.ranged.body = "ABCDEFGHIJKLMNOPQRSTU";
  b.ranged.etag = "\"v2\"";
  SECTION("the origin answers If-Range with the whole: the client gets its part of that") {
    const Got got = b.get("bytes=8-12");
    CHECK(got.status == 206);
    CHECK(got.body == "IJKLM");
    CHECK(got.field("Content-Range") == "bytes 8-12/21");
    CHECK(b.get_all().at_once);
  }
  SECTION("a request for the whole gets the new whole") {
    CHECK(b.get_all().body == b.ranged.body);
    CHECK(b.asked() == 2);
  }
  SECTION("an origin that ignores If-Range is asked again, without the stored parts") {
    b.p.origin.answer = [&](const Seen& seen) {
      Seen other = seen;
      other.fields.remove(FieldId::IfRange);
      return b.ranged(other);
    };
    CHECK(b.get("bytes=8-12").body == "IJKLM");
    CHECK(b.last().field("Range") == "bytes=8-12");
    CHECK(b.asked() == 3);
  }
  SECTION("an origin that has fewer bytes now says so") {
    b.ranged.body = "AB";
    b.p.origin.answer = [&](const Seen& seen) {
      Answer answer = b.ranged(seen);
      if (!seen.field("Range").empty()) answer = {416, {{"Content-Range", "bytes */2"}}, "", true, false, nullptr, 0, Reason::None, nullptr, false};
      return answer;
    };
    CHECK(b.get_all().body == "AB");
    CHECK(b.asked() == 3);
  }
}

TEST_CASE("stale parts are validated, and the client's range goes along", "[scenario][rfc9111 4.3]") {
  Bench b;
  b.get("bytes=5-9");
  b.p.clock.advance(Milliseconds(61'000));
  const Got same = b.get("bytes=5-9");
  CHECK(same.status == 206);
  CHECK(same.body == "56789");
  CHECK(same.outcome.cache == CacheResult::Revalidated);
  CHECK(b.last().field("If-None-Match") == "\"v1\"");
  CHECK(b.last().field("Range") == "bytes=5-9");
  CHECK(b.get("bytes=5-9").at_once);
  b.p.clock.advance(Milliseconds(61'000));
  b.ranged.etag = "\"v2\"";
  b.ranged.body = "ABCDEFGHIJKLMNOPQRSTU";
  CHECK(b.get("bytes=5-9").body == "FGHIJ");
  CHECK(b.get("bytes=6-6").body == "G");
  CHECK(b.asked() == 3);
}

TEST_CASE("a 206 that closes a gap renews what is stored", "[scenario][rfc9111 3.4]") {
  Bench b;
  b.get("bytes=0-9");
  b.p.clock.advance(Milliseconds(50'000));
  b.get("bytes=5-14");
  b.p.clock.advance(Milliseconds(50'000));
  const Got got = b.get("bytes=0-14");
  CHECK(got.at_once);
  CHECK(got.field("Age") == "50");
  CHECK(got.body == b.ranged.body.substr(0, 15));
}

TEST_CASE("If-Range of the client decides whether stored parts are used", "[scenario][rfc9110 13.1.5]") {
  Bench b;
  b.get("bytes=5-9");
  CHECK(b.get("bytes=5-9", {{"If-Range", "\"v1\""}}).at_once);
  const Got other = b.get("bytes=5-9", {{"If-Range", "\"v0\""}});
  CHECK(other.status == 200);
  CHECK(other.body == b.ranged.body);
  CHECK(b.last().field("If-Range") == "\"v0\"");
}

TEST_CASE("a part that was cut short keeps what had arrived", "[scenario][rfc9111 3.3]") {
  Bench b;
  auto trickle = std::make_shared<Trickle>();
  b.ranged.trickle = trickle;
  const auto cut = b.p.start(Bench::wanting("bytes=4-13"));
  trickle->push("4567");
  b.p.poll();
  trickle->fail(Reason::CutShort);
  b.p.poll();
  CHECK(cut->body == "4567");
  CHECK(cut->body_failure == Reason::CutShort);
  CHECK(b.get("bytes=5-6").at_once);
  CHECK(b.get("bytes=4-13").body == "456789abcd");
  CHECK(b.last().field("Range") == "bytes=8-13");
}

TEST_CASE("a 206 that is shorter than it says is only an answer to its own question", "[scenario][rfc9110 15.3.7]") {
  Pipeline p;
  p.origin.answer = [](const Seen&) {
    Answer answer;
    answer.status = 206;
    answer.fields = {{"Cache-Control", "max-age=60"}, {"Content-Range", "bytes 4-9/10"}, {"ETag", "\"v1\""}};
    answer.body = "45678";
    return answer;
  };
  p.ask(Bench::wanting("bytes=-5"));
  CHECK(p.ask(Bench::wanting("bytes=-5")).body == "45678");
  const Got rest = p.ask(Bench::wanting("bytes=6-"));
  CHECK(rest.at_once);
  CHECK(rest.body == "678");
  CHECK(rest.field("Content-Range") == "bytes 6-8/10");
  CHECK(p.origin.seen.size() == 1);
  p.ask(Bench::wanting("bytes=9-"));
  p.ask(Bench::wanting("bytes=3-5"));
  CHECK(p.origin.seen.size() == 3);
}

TEST_CASE("which 206 answers are not stored", "[scenario][rfc9111 3.3]") {
  Pipeline p;
  FieldList fields = {{"Cache-Control", "max-age=60"}};
  std::string body = "45678";
  SECTION("several parts") {
    fields.emplace_back("Content-Type", "multipart/byteranges; boundary=x");
  }
  SECTION("a Content-Range that cannot be read") { fields.emplace_back("Content-Range", "bytes 8-4/10"); }
  SECTION("two of them") {
    fields.emplace_back("Content-Range", "bytes 4-8/10");
    fields.emplace_back("Content-Range", "bytes 4-8/10");
  }
  SECTION("more bytes than it says") { fields.emplace_back("Content-Range", "bytes 4-7/10"); }
  SECTION("another unit") { fields.emplace_back("Content-Range", "lines 4-8/10"); }
  SECTION("no-store") {
    fields = {{"Cache-Control", "no-store"}, {"Content-Range", "bytes 4-8/10"}};
  }
  p.origin.answer = [&](const Seen&) {
    Answer answer;
    answer.status = 206;
    answer.fields = fields;
    answer.body = body;
    return answer;
  };
  CHECK(p.ask(Bench::wanting("bytes=4-8")).body == body);
  CHECK(p.ask(Bench::wanting("bytes=4-8")).body == body);
  CHECK(p.origin.seen.size() == 2);
}

TEST_CASE("the whole is fetched for a range only where that is configured", "[scenario][rfc9110 14.2]") {
  ProxyOptions options = Pipeline::default_options();
  options.fetch_whole_for_range = true;
  options.policy.max_object_size = 100;
  Bench b(options);
  SECTION("it is stored, and the client gets its part") {
    const Got got = b.get("bytes=5-9");
    CHECK(b.last().field("Range").empty());
    CHECK(got.status == 206);
    CHECK(got.body == "56789");
    CHECK(got.length == 5u);
    CHECK(b.get_all().at_once);
    CHECK(b.asked() == 1);
  }
  SECTION("what is not stored is asked for again, as the client did") {
    b.ranged.body = std::string(101, 'x');
    CHECK(b.get("bytes=5-9").body == "xxxxx");
    CHECK(b.last().field("Range") == "bytes=5-9");
    CHECK(b.asked() == 2);
  }
}

TEST_CASE("a range request does not replace a whole response that is still good", "[scenario][rfc9111 3.3]") {
  Bench b;
  b.ranged.etag.clear();
  b.get_all();
  b.get("bytes=0-0", {{"Cache-Control", "no-cache"}});
  CHECK(b.last().field("Range") == "bytes=0-0");
  CHECK(b.get_all().at_once);
}

TEST_CASE("an origin that answers a range with the whole fills the store; the client gets its part", "[scenario][rfc9110 14.2]") {
  Bench b;
  b.ranged.knows_ranges = false;
  const Got got = b.get("bytes=5-9");
  CHECK(got.status == 206);
  CHECK(got.body == "56789");
  CHECK(b.get_all().at_once);
}

TEST_CASE("a purged object's parts are gone", "[scenario][rfc9111 4.4]") {
  Bench b;
  b.get("bytes=5-9");
  b.p.ask({"DELETE", "http://a.example/x"});
  b.get("bytes=5-9");
  CHECK(b.asked() == 3);
}

TEST_CASE("HEAD and only-if-cached do not mistake parts for the whole", "[scenario][rfc9111 5.2.1.7]") {
  Bench b;
  b.get("bytes=5-9");
  CHECK(b.p.ask({"HEAD", "http://a.example/x"}).outcome.cache == CacheResult::Miss);
  CHECK(b.p.ask({"http://a.example/x", {{"Cache-Control", "only-if-cached"}}}).status == 504);
  CHECK(b.get("bytes=5-12", {{"Cache-Control", "only-if-cached"}}).status == 504);
  CHECK(b.get("bytes=5-8", {{"Cache-Control", "only-if-cached"}}).status == 206);
}

TEST_CASE("P17: the origin does not get a Range that overlaps, has many parts or is malformed", "[scenario][9110-14.2]") {
  struct Row {
    const char* range;
    bool handed_on;
  };
  const Row rows[] = {{"bytes=0-1", true},       {"bytes=0-1,4-5", true}, {"bytes=-5", true},  {"items=0-1", true},
                      {"bytes=0-,0-,1-", false}, {"bytes=9-1", false},    {"bytes=", false},   {"bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15,16-16", false}};
  for (const Row& row : rows) {
    CAPTURE(row.range);
    Pipeline p;
    p.ask({"http://a.example/x", {{"Range", row.range}, {"If-Range", "\"e\""}}});
    CHECK(p.origin.seen.back().field("Range") == (row.handed_on ? row.range : ""));
    CHECK(p.origin.seen.back().field("If-Range").empty() == !row.handed_on);
  }
}
