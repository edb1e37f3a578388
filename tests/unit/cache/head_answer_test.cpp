#include "freshet/cache/head_answer.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "parts.hpp"

using namespace freshet;
using test::at;
using test::bytes_of;
using test::fields_of;
using test::get;
using test::text_of;
using test::times_at;

namespace {

constexpr std::string_view kModified = "Last-Modified: Wed, 31 Dec 2025 00:00:00 GMT";
constexpr std::string_view kLater = "Last-Modified: Wed, 31 Dec 2025 00:00:01 GMT";

class Bench {
 public:
  Ref<StoredResponse> stored(std::string_view lines, std::string_view body = "hello", int status = 200) {
    const Fields fields =
        fields_of(std::string("Cache-Control: max-age=60") + (lines.empty() ? "" : "|") + std::string(lines));
    auto bytes = StoredBody::make(ledger, body.size(), UINT64_MAX);
    test::CountingWaiter waiter;
    bytes->append(bytes_of(body), waiter);
    bytes->finish();
    const StoreDecision decision = decide_store(get(), {status, fields}, {}, {}, times_at(0, 0));
    return make_stored_response("k", "", {status, fields}, decision, std::move(bytes), "", at(0).wall, ledger);
  }
  test::PlainLedger ledger;
};

struct Row {
  const char* rule;
  std::string stored, answer;
  std::optional<std::uint64_t> length;
  HeadVerdict verdict;
};

std::string both(std::string_view a, std::string_view b) { return std::string(a) + "|" + std::string(b); }

const std::vector<Row> kRows = {
    {"the same strong ETag", "ETag: \"1\"", "ETag: \"1\"", {}, HeadVerdict::Same},
    {"... and the same length", "ETag: \"1\"", "ETag: \"1\"", 5, HeadVerdict::Same},
    {"... but another length", "ETag: \"1\"", "ETag: \"1\"", 6, HeadVerdict::Different},
    {"another ETag", "ETag: \"1\"", "ETag: \"2\"", {}, HeadVerdict::Different},
    {"an ETag where none was", "", "ETag: \"2\"", {}, HeadVerdict::Different},
    {"strong and weak are not the same", "ETag: \"1\"", "ETag: W/\"1\"", {}, HeadVerdict::Different},
    {"a strong ETag decides alone", both("ETag: \"1\"", kModified), both("ETag: \"1\"", kLater), {}, HeadVerdict::Same},
    {"a weak ETag does not",
     both("ETag: W/\"1\"", kModified),
     both("ETag: W/\"1\"", kLater),
     {},
     HeadVerdict::Different},
    {"the same weak ETag", "ETag: W/\"1\"", "ETag: W/\"1\"", 5, HeadVerdict::Same},
    {"the same date", std::string(kModified), std::string(kModified), 5, HeadVerdict::Same},
    {"the same date in another form",
     std::string(kModified),
     "Last-Modified: Wed Dec 31 00:00:00 2025",
     {},
     HeadVerdict::Same},
    {"another date", std::string(kModified), std::string(kLater), {}, HeadVerdict::Different},
    {"a date that cannot be read is none",
     std::string(kModified),
     "Last-Modified: yesterday",
     {},
     HeadVerdict::Nothing},
    {"a date beside the stored ETag", both("ETag: \"1\"", kModified), std::string(kModified), {}, HeadVerdict::Same},
    {"no validator came", "ETag: \"1\"", "X: 1", 5, HeadVerdict::Nothing},
    {"no validator came, and another length", "ETag: \"1\"", "X: 1", 6, HeadVerdict::Nothing},
    {"no validator at all", "", "", 5, HeadVerdict::Nothing},
    {"another coding", "ETag: W/\"1\"", "ETag: W/\"1\"|Content-Encoding: gzip", {}, HeadVerdict::Different},
};

}  // namespace

TEST_CASE("a HEAD answer is compared by validators and length", "[cache][rfc9111-4.3.5]") {
  Bench bench;
  for (const Row& row : kRows) {
    INFO(row.rule << " / " << row.stored << " / " << row.answer);
    const Fields answer = fields_of(row.answer);
    const auto stored = bench.stored(row.stored);
    CHECK(compare_with_head(*stored, {200, answer}, row.length, unix_seconds(at(10).wall)) == row.verdict);
    for (const int status : {204, 206, 304, 404, 410, 500})
      CHECK(compare_with_head(*stored, {status, answer}, row.length, unix_seconds(at(10).wall)) ==
            HeadVerdict::Nothing);
  }
}

TEST_CASE("only a stored 200 whose length is known is compared", "[cache][rfc9111-4.3.5]") {
  Bench bench;
  const Fields answer = fields_of("ETag: \"1\"");
  CHECK(compare_with_head(*bench.stored("ETag: \"1\"", "x", 404), {200, answer}, {}, 0) == HeadVerdict::Nothing);
  auto filling = StoredBody::make(bench.ledger, std::nullopt, UINT64_MAX);
  const StoreDecision decision = decide_store(get(), {200, answer}, {}, {}, times_at(0, 0));
  const auto stored = make_stored_response("k", "", {200, answer}, decision, filling, "", at(0).wall, bench.ledger);
  CHECK(compare_with_head(*stored, {200, answer}, 5, 0) == HeadVerdict::Nothing);
  filling->abort(Reason::CutShort);
}

TEST_CASE("an outdated response is stale from now on, and keeps what it may still be used for",
          "[cache][rfc9111-4.3.5]") {
  Bench bench;
  const auto before = bench.stored("Cache-Control: stale-while-revalidate=100, stale-if-error=100|ETag: \"1\"");
  const auto after = make_stale(*before, at(20).steady, bench.ledger);
  REQUIRE(after);
  CHECK(decide_reuse({}, &before->meta(), {}, at(20).steady).reuse == Reuse::Use);
  CHECK(decide_reuse({}, &after->meta(), {}, at(20).steady).reuse == Reuse::Revalidate);
  CHECK(current_age(after->meta(), at(20).steady) == Seconds{20});
  CHECK(may_serve_stale_on_error({}, after->meta(), OriginTrouble::ServerError, {}, at(119).steady));
  CHECK(text_of(after->head().fields) == text_of(before->head().fields));
  CHECK(after->etag() == "\"1\"");
  CHECK(after->etag().data() != before->etag().data());
  CHECK(after->body() == before->body());
  const auto long_stale = make_stale(*before, at(90).steady, bench.ledger);
  CHECK(long_stale->meta().lifetime == Seconds{60});
}
