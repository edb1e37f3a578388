#include "freshet/cache/common_head.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "parts.hpp"
#include "support/alloc_counter.hpp"
#include "support/dice.hpp"

using namespace freshet;
using test::at;
using test::Dice;
using test::fields_of;
using test::PlainLedger;

namespace {

std::string sent(FieldsView fields) {
  std::string out;
  fields.each_run([&out](std::string_view lines) { out += lines; });
  return out;
}

std::string listed(FieldsView fields) {
  std::string out;
  for (const Field field : fields) out += std::to_string(static_cast<int>(field.id)) + " " + std::string(field.name) + ": " + std::string(field.value) + "\n";
  return out;
}

Ref<StoredResponse> make(Ledger& ledger, std::string_view key, FieldsView fields, std::string_view vary_key = {}) {
  StoreDecision decision;
  decision.meta.status = 200;
  decision.meta.has_last_modified = fields.contains(FieldId::LastModified);
  return make_stored_response(key, vary_key, {200, fields}, decision, StoredBody::make(ledger, 0, 9), "1.1 freshet", at(0).wall, ledger);
}

struct Bench {
  test::FakeClock clock;
  Store store{StoreOptions{}, clock};

  Ref<StoredResponse> stored(std::string_view key, std::string_view lines) { return make(store, key, fields_of(lines)); }
  std::size_t heads() { return store.common_heads()->size(); }
};

std::string key_of(std::uint64_t n) { return "p http://a.test/" + std::to_string(n); }

const char* const kUsual =
    "Server: s/1.0 (somewhere)|Date: Thu, 01 Jan 2026 00:00:00 GMT|Content-Type: text/html; charset=utf-8|ETag: \"1\"|Cache-Control: "
    "public, max-age=3600|X-Powered-By: p";

/// One that shares its head with others.
Ref<StoredResponse> sharing(Bench& bench, std::string_view lines) {
  bench.stored(key_of(1000001), lines);
  bench.stored(key_of(1000002), lines);
  return bench.stored(key_of(1000003), lines);
}

}  // namespace

TEST_CASE("What several responses say in the same words is kept once", "[cache][memory]") {
  Bench bench;
  const auto first = bench.stored(key_of(1), kUsual);
  CHECK(bench.heads() == 0);  // nobody knows yet
  const auto second = bench.stored(key_of(2), kUsual);
  CHECK(bench.heads() == 0);
  const auto third = bench.stored(key_of(3), kUsual);
  CHECK(bench.heads() == 1);
  const std::uint64_t held = bench.store.held();
  const auto fourth = bench.stored(key_of(4), kUsual);
  CHECK(bench.heads() == 1);
  CHECK(third->head().fields.entries().data() == fourth->head().fields.entries().data());
  CHECK(bench.store.held() - held == fourth->overhead() + 64);  // and its body
  CHECK(fourth->overhead() + 200 < first->overhead());
  for (const auto& response : {second, third, fourth}) {
    CHECK(sent(response->head().fields) == sent(first->head().fields));
    CHECK(response->head().fields.wire_size() == sent(first->head().fields).size());
    CHECK(response->etag() == "\"1\"");
  }
  CHECK(fourth->key() == "p http://a.test/4");
  CHECK(fourth->key().text() == "p http://a.test/4");
  CHECK_FALSE(fourth->key() == third->key());
}

TEST_CASE("The last response takes the common head with it", "[cache][memory]") {
  Bench bench;
  auto one = sharing(bench, kUsual);
  auto other = bench.stored(key_of(5), kUsual);
  CHECK(bench.heads() == 1);
  one = nullptr;
  CHECK(bench.heads() == 1);
  CHECK(sent(other->head().fields) == sent(make(bench.store, "k", fields_of(kUsual))->head().fields));
  other = nullptr;
  CHECK(bench.heads() == 0);
  CHECK(bench.store.held() == 0);
  CHECK(bench.stored(key_of(6), kUsual));
  CHECK(bench.store.held() == 0);
}

TEST_CASE("Lines of any order, number, case and length come out as they came", "[cache][memory][rfc9110-5.3]") {
  const std::string many = [] {
    std::string lines;
    for (int i = 0; i < 70; ++i) lines += "|X-" + std::to_string(i) + ": " + std::to_string(i);
    return lines.substr(1);
  }();
  for (const std::string& lines : {
           std::string("Date: Thu, 01 Jan 2026 00:00:00 GMT"),
           std::string("X: 1|X: 1|X: 2|x: 1|X: 1"),
           std::string("ETag: \"1\"|X: 1|ETag: \"2\"|Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT|X: 2|Expires: 0"),
           std::string("sERVER: s|etag: \"1\"|DATE: Thu, 01 Jan 2026 00:00:00 GMT|X-Empty:|cache-control: max-age=1"),
           "Server: s|X-Long: " + std::string(5000, 'x') + "|X: 1",
           "Server: s|X-Longer: " + std::string(9000, 'x') + "|X: 1",
           "ETag: \"" + std::string(7000, 'e') + "\"|X: " + std::string(7000, 'x'),
           many,
       }) {
    INFO(lines.substr(0, 200));
    Bench bench;
    PlainLedger alone;
    const auto expected = make(alone, "k", fields_of(lines));
    for (int i = 0; i < 4; ++i) {
      const auto shared = make(bench.store, key_of(i), fields_of(lines), "v:1\n");
      CHECK(sent(shared->head().fields) == sent(expected->head().fields));
      CHECK(listed(shared->head().fields) == listed(expected->head().fields));
      CHECK(shared->head().fields.wire_size() == expected->head().fields.wire_size());
      CHECK(shared->etag() == expected->etag());
      CHECK(shared->last_modified() == expected->last_modified());
      CHECK(shared->key() == key_of(i));
      CHECK(shared->vary_key() == "v:1\n");
    }
  }
}

TEST_CASE("Heads of chance come out as they came, and leave nothing behind", "[cache][memory][property]") {
  Bench bench;
  PlainLedger alone;
  const std::vector<std::string> names = {"Server", "server", "Date", "ETag", "Expires", "Last-Modified", "Cache-Control", "X-A", "x-a", "X-B", "Vary", "Via"};
  const std::vector<std::string> values = {"", "a", "b", "Thu, 01 Jan 2026 00:00:00 GMT", "\"1\"", "max-age=60", std::string(300, 'v')};
  const std::vector<std::string> starts = {"p http://a.test", "p https://b.test:8080", "q http://a.test", "no key of a URI", ""};
  std::vector<Ref<StoredResponse>> kept(40);
  for (std::uint64_t i = 0; i < 3000; ++i) {
    INFO("throw " << i);
    Dice dice(i);
    Fields fields;
    for (std::uint64_t n = dice.roll(5); n > 0; --n) fields.add(dice.any_of(names), dice.any_of(values));
    const std::string key = dice.any_of(starts) + "/" + std::to_string(dice.roll(50));
    auto made = make(bench.store, key, fields);
    const auto expected = make(alone, key, fields);
    REQUIRE(listed(made->head().fields) == listed(expected->head().fields));
    REQUIRE(sent(made->head().fields) == sent(expected->head().fields));
    REQUIRE(made->key() == expected->key());
    REQUIRE(made->hash() == expected->hash());
    kept[dice.roll(kept.size())] = std::move(made);
    REQUIRE(bench.heads() <= kept.size());
  }
  CHECK(bench.heads() > 0);
  kept.clear();
  CHECK(bench.heads() == 0);
  CHECK(bench.store.held() == 0);
}

TEST_CASE("Lines that are different each time do not keep others from being shared", "[cache][memory]") {
  Bench bench;
  std::vector<Ref<StoredResponse>> kept;
  for (int i = 0; i < 500; ++i)
    kept.push_back(bench.stored(key_of(i), std::string(kUsual) + "|X-Request-Id: " + std::to_string(100000 + i)));
  CHECK(bench.heads() >= 1);
  CHECK(bench.heads() < 20);
  CHECK(kept.back()->overhead() + 150 < kept.front()->overhead());
}

TEST_CASE("Heads of which each is another cost no more than without sharing", "[cache][memory]") {
  Bench bench;
  PlainLedger alone;
  std::vector<Ref<StoredResponse>> kept;
  for (int i = 0; i < 300; ++i) {  // of another size too: else they would have their index in common
    const std::string lines = "Server: " + std::string(i + 1, 's') + "|X-" + std::to_string(i) + ": 1";
    kept.push_back(bench.stored(key_of(i), lines));
    kept.push_back(make(alone, key_of(i), fields_of(lines)));
  }
  CHECK(bench.heads() == 0);
  CHECK(bench.store.held() == alone.held());
}

TEST_CASE("One response that is fetched again and again has nothing in common with others", "[cache][memory]") {
  Bench bench;
  std::vector<Ref<StoredResponse>> kept;
  for (int i = 0; i < 10; ++i) kept.push_back(bench.stored(key_of(1), kUsual));
  CHECK(bench.heads() == 0);
}

TEST_CASE("A common head is charged, and what finds no room leaves none behind", "[cache][memory]") {
  test::FakeClock clock;
  bool shared = false, refused = false;
  for (std::uint64_t room = 1200; room < 2600; room += 16) {
    StoreOptions options;
    options.max_size = room;
    Store store(options, clock);
    std::vector<Ref<StoredResponse>> kept;
    for (int i = 0; i < 4; ++i) {
      if (auto made = make(store, key_of(i), fields_of(kUsual))) kept.push_back(std::move(made));
      REQUIRE(store.held() <= room);
    }
    for (const auto& response : kept) CHECK(sent(response->head().fields) == sent(kept.front()->head().fields));
    CHECK(store.common_heads()->size() == (kept.size() > 2 ? 1u : 0u));
    (kept.size() > 2 ? shared : refused) = true;
    kept.clear();
    CHECK(store.held() == 0);
    CHECK(store.common_heads()->size() == 0);
  }
  CHECK(shared);
  CHECK(refused);
}

TEST_CASE("Memory that runs out at any place leaves nothing charged and nothing shared", "[cache][memory]") {
  if (!AllocCounter::counts()) return;
  for (const int before : {0, 2, 3}) {  // responses that are there: nothing in common yet, about to be, is
    bool failed = true;
    for (std::size_t n = 1; failed; ++n) {
      INFO(before << " before, allocation " << n << " fails");
      REQUIRE(n < 50);
      Bench bench;
      std::vector<Ref<StoredResponse>> kept;
      for (int i = 0; i < before; ++i) kept.push_back(bench.stored(key_of(i), kUsual));
      const std::string expected = sent(make(bench.store, key_of(0), fields_of(kUsual))->head().fields);
      const std::uint64_t held = bench.store.held();
      const std::size_t heads = bench.heads();
      const Fields fields = fields_of(kUsual);
      Ref<StoredResponse> made;
      {
        const AllocFailure failure(n);
        try {
          made = make(bench.store, key_of(100), fields);
        } catch (const std::bad_alloc&) {
        }
        failed = failure.happened();
      }
      if (made) CHECK(sent(made->head().fields) == expected);
      made = nullptr;
      CHECK(bench.store.held() == held);
      CHECK(bench.heads() == heads);
      kept.clear();
      CHECK(bench.store.held() == 0);
      CHECK(bench.heads() == 0);
    }
  }
}

TEST_CASE("Threads that make and drop alike responses share and free their heads", "[cache][memory][threads]") {
  Bench bench;
  const std::string expected = sent(bench.stored(key_of(0), kUsual)->head().fields);
  std::atomic<unsigned> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&bench, &expected, &wrong, t] {
      const Fields fields = fields_of(kUsual);
      for (int i = 0; i < 500; ++i) {
        const auto one = make(bench.store, key_of(t * 1000 + i), fields);
        const auto other = i % 3 == 0 ? make(bench.store, key_of(t * 1000 + i + 500), fields) : nullptr;
        if (sent(one->head().fields) != expected) wrong.fetch_add(1);
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(bench.heads() == 0);
  CHECK(bench.store.held() == 0);
}

TEST_CASE("A response that shares its head is found, freshened and selected from like any other", "[cache][rfc9111-4.3.4]") {
  Bench bench;
  const auto shared = sharing(bench, kUsual);
  REQUIRE(bench.heads() == 1);
  const Fields news = fields_of("Date: Thu, 01 Jan 2026 00:16:40 GMT|X-Powered-By: q|ETag: \"2\"");
  const auto fresh = freshen(*shared, test::get(), {304, news}, {}, test::times_at(1000, 1000), bench.store);
  REQUIRE(fresh);
  CHECK(sent(fresh->head().fields) ==
        "Server: s/1.0 (somewhere)\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: public, max-age=3600\r\nVia: 1.1 "
        "freshet\r\nDate: Thu, 01 Jan 2026 00:16:40 GMT\r\nX-Powered-By: q\r\nETag: \"2\"\r\n");
  CHECK(fresh->key() == shared->key());
  CHECK(fresh->hash() == shared->hash());
  const FieldEntry chosen[] = {shared->head().fields.entries()[1], shared->head().fields.entries()[4]};
  const FieldsView some = shared->head().fields.with_entries(chosen);
  CHECK_FALSE(some.wire());
  CHECK(sent(some) == "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nCache-Control: public, max-age=3600\r\n");
  CHECK(some.wire_size() == sent(some).size());
}

TEST_CASE("A key's text is the same wherever it is divided", "[cache][key]") {
  const std::string_view whole = "p http://a.test/x";
  for (std::size_t i = 0; i <= whole.size(); ++i)
    for (std::size_t j = 0; j <= whole.size(); ++j) {
      const KeyText a(whole.substr(0, i), whole.substr(i)), b(whole.substr(0, j), whole.substr(j));
      CHECK(a == b);
      CHECK(a == whole);
      CHECK(a.text() == whole);
      for (std::size_t k = 0; k < whole.size(); ++k) {
        std::string other(whole);
        other[k] = '#';
        CHECK_FALSE(a == KeyText(std::string_view(other).substr(0, j), std::string_view(other).substr(j)));
      }
      CHECK_FALSE(a == whole.substr(1));
    }
}
