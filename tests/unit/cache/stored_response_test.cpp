#include "freshet/cache/stored_response.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "freshet/cache/key.hpp"
#include "parts.hpp"

using namespace freshet;
using test::at;
using test::fields_of;
using test::get;
using test::PlainLedger;
using test::text_of;
using test::times_at;

namespace {

constexpr const char* kDate = "Date: Thu, 01 Jan 2026 00:00:00 GMT";

class Stored {
 public:
  explicit Stored(std::string_view response_lines, std::string_view request = {}, int status = 200,
                  std::string_view vary_key = {})
      : body_(StoredBody::make(ledger, 4, UINT64_MAX)) {
    test::CountingWaiter waiter;
    body_->append(test::bytes_of("body"), waiter);
    body_->finish();
    const Fields response = fields_of(response_lines);
    const StoreDecision decision = decide_store(get(request), {status, response}, 4, {}, times_at(0, 0));
    REQUIRE(decision.store);
    it = make_stored_response("p http://a.test/x?y", vary_key, {status, response}, decision, body_, "1.1 freshet",
                              at(0).wall, ledger);
    REQUIRE(it);
  }
  Ref<StoredResponse> freshened(std::string_view lines, std::int64_t now = 1000, std::string_view request = {},
                                const CachePolicy& policy = {}) {
    const Fields fields = fields_of(lines);
    return freshen(*it, get(request), {304, fields}, policy, times_at(now, now), ledger);
  }

  PlainLedger ledger;

 private:
  Ref<StoredBody> body_;

 public:
  Ref<StoredResponse> it;
};

}  // namespace

TEST_CASE("a stored head keeps end-to-end fields and loses the rest", "[cache][rfc9111-3.1]") {
  const Stored stored(
      "Date: Thu, 01 Jan 2026 00:00:00 GMT|content-TYPE: text/plain|Age: 5|Content-Length: 4|Connection: x|Keep-Alive: "
      "5|TE: x|Upgrade: h2|"
      "Transfer-Encoding: chunked|Trailer: X|Proxy-Authenticate: x|Proxy-Connection: x|Cache-Control: max-age=60|X-A: "
      "1|X-A: 2|Via: 1.1 o");
  CHECK(text_of(stored.it->head().fields) ==
        "Date: Thu, 01 Jan 2026 00:00:00 GMT|content-TYPE: text/plain|Cache-Control: max-age=60|X-A: 1|X-A: 2|Via: 1.1 "
        "o|Via: 1.1 freshet|");
  CHECK(stored.it->head().status == 200);
  CHECK(stored.it->head().fields.wire().value() ==
        "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\ncontent-TYPE: text/plain\r\nCache-Control: max-age=60\r\nX-A: "
        "1\r\nX-A: 2\r\nVia: 1.1 o\r\nVia: "
        "1.1 freshet\r\n");
  CHECK(stored.it->meta().initial_age == Seconds{5});
  CHECK(stored.it->key() == "p http://a.test/x?y");
  CHECK(stored.it->hash() == hash_key("p http://a.test/x?y"));
}

TEST_CASE("fields that private and no-cache name are not stored", "[cache][rfc9111-5.2.2.7]") {
  const Stored stored(
      std::string(kDate) +
      "|Cache-Control: max-age=60, private=\"a, Set-Cookie\", no-cache=\"b\"|A: 1|a: 2|B: 3|C: 4|Set-Cookie: x");
  CHECK(text_of(stored.it->head().fields) ==
        std::string(kDate) +
            "|Cache-Control: max-age=60, private=\"a, Set-Cookie\", no-cache=\"b\"|C: 4|Via: 1.1 freshet|");
}

TEST_CASE("a missing or invalid Date is replaced by the time of receipt", "[cache][rfc9110-6.6.1]") {
  for (const char* lines :
       {"Cache-Control: max-age=60", "Date: yesterday|Cache-Control: max-age=60",
        "Date: Thu, 01 Jan 2026 00:00:00 GMT|Date: Thu, 01 Jan 2026 00:00:01 GMT|Cache-Control: max-age=60"}) {
    const Stored stored(lines);
    INFO(lines);
    CHECK(text_of(stored.it->head().fields) ==
          "Cache-Control: max-age=60|" + std::string(kDate) + "|Via: 1.1 freshet|");
    CHECK(stored.it->validators(0).date == test::FakeClock::kStartUnix);
  }
}

TEST_CASE("the validators point into the stored copy", "[cache][response]") {
  PlainLedger ledger;
  Ref<StoredResponse> kept;
  {
    std::string lines = "ETag: W/\"x\"|Last-Modified: Wednesday, 31-Dec-25 23:00:00 GMT|Cache-Control: max-age=60";
    Fields response = fields_of(lines);
    const StoreDecision decision = decide_store(get(), {200, response}, {}, {}, times_at(0, 0));
    kept = make_stored_response("k", "v:1\n", {200, response}, decision, StoredBody::make(ledger, 0, 9), "",
                                at(0).wall, ledger);
    response.clear();
    response.add("X", std::string(300, 'x'));
  }
  CHECK(kept->etag() == "W/\"x\"");
  CHECK(kept->last_modified() == "Wednesday, 31-Dec-25 23:00:00 GMT");
  const Validators validators = kept->validators(test::FakeClock::kStartUnix);
  CHECK(validators.etag == kept->etag());
  CHECK(validators.last_modified == test::FakeClock::kStartUnix - 3600);
  CHECK(validators.date == test::FakeClock::kStartUnix);
  CHECK(kept->vary_key() == "v:1\n");
  CHECK_FALSE(kept->head().fields.contains(FieldId::Via));
}

TEST_CASE("every byte is charged and credited again", "[cache][memory]") {
  PlainLedger ledger;
  auto body = StoredBody::make(ledger, 0, 9);
  const std::uint64_t before = ledger.held();
  {
    const Fields response = fields_of("Cache-Control: max-age=60|X: " + std::string(1000, 'x'));
    const StoreDecision decision = decide_store(get(), {200, response}, {}, {}, times_at(0, 0));
    const auto made = make_stored_response("k", "", {200, response}, decision, body, "", at(0).wall, ledger);
    CHECK(ledger.held() == before + made->overhead());
    CHECK(made->overhead() > sizeof(StoredResponse) + 1000);
    CHECK(made->overhead() < sizeof(StoredResponse) + 1300);
  }
  CHECK(ledger.held() == before);
  PlainLedger small(500);
  const auto its_body = StoredBody::make(small, 0, 9);
  const std::uint64_t held = small.held();
  const Fields response = fields_of("Cache-Control: max-age=60|X: " + std::string(1000, 'x'));
  const StoreDecision decision = decide_store(get(), {200, response}, {}, {}, times_at(0, 0));
  CHECK_FALSE(make_stored_response("k", "", {200, response}, decision, its_body, "", at(0).wall, small));
  CHECK(small.held() == held);
}

TEST_CASE("P24: what a small response takes beside its own bytes is little, and charged", "[cache][memory]") {
  PlainLedger ledger;
  constexpr std::size_t kBody = 1024;
  auto body = StoredBody::make(ledger, kBody, kBody);
  const std::string bytes(kBody, 'x');
  test::CountingWaiter nobody;
  REQUIRE(body->append(test::bytes_of(bytes), nobody) == StoredBody::Appended::Taken);
  REQUIRE(body->finish());
  const Fields response = fields_of("Cache-Control: max-age=60|Content-Type: text/plain|ETag: \"x\"|Server: s");
  const StoreDecision decision = decide_store(get(), {200, response}, {}, {}, times_at(0, 0));
  const auto made = make_stored_response("key", "", {200, response}, decision, body, "1.1 freshet", at(0).wall, ledger);
  const FieldsView fields = made->head().fields;
  const std::size_t own = kBody + fields.wire_size() + fields.entries().size_bytes() + 3;
  CHECK(ledger.held() > own + sizeof(StoredResponse) + sizeof(StoredBody));
  CHECK(ledger.held() <= own + 400);
}

TEST_CASE("every field of a 304 replaces the stored one, but Content-Length", "[cache][rfc9111-3.2]") {
  Stored stored(std::string(kDate) +
                "|Cache-Control: max-age=60|ETag: \"1\"|Content-Encoding: a|Content-Range: a|Content-MD5: "
                "a|Content-Type: a|X-A: 1|X-A: 2|X-B: 1|Expires: 0");
  const auto fresh = stored.freshened(
      "Date: Thu, 01 Jan 2026 00:16:40 GMT|Cache-Control: max-age=90|ETag: \"2\"|Content-Encoding: b|Content-Range: "
      "b|content-md5: b|Content-Type: b|x-a: "
      "3|X-C: 1|Content-Length: 99|Connection: x|Age: 7|Via: 1.1 o");
  CHECK(text_of(fresh->head().fields) ==
        "X-B: 1|Expires: 0|Via: 1.1 freshet|Date: Thu, 01 Jan 2026 00:16:40 GMT|Cache-Control: max-age=90|ETag: "
        "\"2\"|Content-Encoding: "
        "b|Content-Range: b|content-md5: b|Content-Type: b|x-a: 3|X-C: 1|");
  CHECK(fresh->etag() == "\"2\"");
  CHECK(fresh->meta().lifetime == Seconds{90});
  CHECK(fresh->meta().initial_age == Seconds{7});
  CHECK(fresh->meta().response_time == at(1000).steady);
  CHECK(fresh->meta().status == 200);
  CHECK(fresh->why_not_kept() == Reason::None);
  CHECK(fresh->key() == stored.it->key());
}

TEST_CASE("a 304 never changes the body", "[cache][rfc9111-4.3.4][property]") {
  Stored stored(std::string(kDate) + "|Cache-Control: max-age=60|ETag: \"1\"");
  for (const char* lines :
       {"", "Content-Length: 0", "ETag: \"other\"", "Content-Encoding: gzip", "Cache-Control: no-store", "Vary: *"})
    CHECK(stored.freshened(lines)->body() == stored.it->body());
}

TEST_CASE("a 304 without Date was made now, and an empty one renews the old lifetime", "[cache][rfc9111-4.3.4]") {
  Stored stored(std::string(kDate) + "|Cache-Control: max-age=60|ETag: \"1\"");
  const auto fresh = stored.freshened("");
  CHECK(fresh->head().fields.first(FieldId::Date) == "Thu, 01 Jan 2026 00:16:40 GMT");
  CHECK(fresh->meta().initial_age == Seconds{0});
  CHECK(fresh->meta().lifetime == Seconds{60});
  CHECK(decide_reuse({}, &fresh->meta(), {}, at(1059).steady).reuse == Reuse::Use);
  CHECK(decide_reuse({}, &fresh->meta(), {}, at(1060).steady).reuse == Reuse::Revalidate);
}

TEST_CASE("what a 304 says must not be seen by others is not kept", "[cache][rfc9111-3]") {
  Stored stored(std::string(kDate) + "|Cache-Control: max-age=60|ETag: \"1\"");
  CHECK(stored.freshened("")->why_not_kept() == Reason::None);
  CHECK(stored.freshened("Cache-Control: no-store")->why_not_kept() == Reason::NoStore);
  CHECK(stored.freshened("Cache-Control: private")->why_not_kept() == Reason::PrivateResponse);
  CHECK(stored.freshened("Vary: *")->why_not_kept() == Reason::VaryStar);
  CHECK(stored.freshened("", 1000, "Cache-Control: no-store")->why_not_kept() == Reason::RequestNoStore);
  CHECK(stored.freshened("", 1000, "Authorization: x")->why_not_kept() == Reason::AuthorizedRequest);
  CHECK(stored.freshened("Cache-Control: public, max-age=5", 1000, "Authorization: x")->why_not_kept() == Reason::None);
  const std::string many = "Vary: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q";
  CHECK(stored.freshened(many)->why_not_kept() == Reason::VaryTooComplex);
}

TEST_CASE("a cookie that a 304 sets is not kept for others", "[cache][set-cookie]") {
  Stored stored(std::string(kDate) + "|Cache-Control: max-age=60|ETag: \"1\"");
  CHECK_FALSE(stored.freshened("Set-Cookie: a=1")->head().fields.contains(FieldId::SetCookie));
  CHECK(stored.freshened("Set-Cookie: a=1|Cache-Control: s-maxage=60")->head().fields.contains(FieldId::SetCookie));
  CachePolicy policy;
  policy.store_set_cookie = true;
  CHECK(stored.freshened("Set-Cookie: a=1", 1000, "", policy)->head().fields.contains(FieldId::SetCookie));
  CHECK_FALSE(stored.freshened("X: 1|Cache-Control: max-age=9, private=\"x\"")->head().fields.first("X").has_value());
}

TEST_CASE("the vary key follows a changed Vary, and stays otherwise", "[cache][rfc9111-4.1]") {
  Stored stored(std::string(kDate) + "|Cache-Control: max-age=60|ETag: \"1\"|Vary: A", "A: 1", 200, "a:1\n");
  CHECK(stored.freshened("", 1000, "A: 1")->vary_key() == "a:1\n");
  CHECK(stored.freshened("Vary: A", 1000, "A: 1")->vary_key() == "a:1\n");
  CHECK(stored.freshened("", 1000, "A: 2")->vary_key() == "a:2\n");  // RFC 9111 4.1: a variant that the origin chose
  CHECK(stored.freshened("Vary: B", 1000, "A: 1|B: 2")->vary_key() == "b:2\n");
}

TEST_CASE("stored validators take the place of the client's conditions", "[cache][rfc9111-4.3.1]") {
  const Stored stored("Cache-Control: max-age=60|ETag: W/\"x\"|Last-Modified: Wednesday, 31-Dec-25 23:00:00 GMT");
  Fields request = fields_of(
      "A: 1|If-None-Match: \"c\"|If-Modified-Since: x|If-Match: \"c\"|If-Unmodified-Since: x|If-Range: \"c\"|Range: "
      "bytes=0-1|B: 2");
  add_stored_validators(*stored.it, request);
  CHECK(text_of(request) == "A: 1|B: 2|If-None-Match: W/\"x\"|If-Modified-Since: Wednesday, 31-Dec-25 23:00:00 GMT|");
  Fields other = fields_of("If-None-Match: \"c\"");
  add_stored_validators(*Stored("Cache-Control: max-age=60|Last-Modified: yesterday").it, other);
  CHECK(other.empty());
}
