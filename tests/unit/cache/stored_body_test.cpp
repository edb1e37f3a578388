#include "freshet/cache/stored_body.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "parts.hpp"
#include "support/alloc_counter.hpp"

using namespace freshet;
using test::bytes_of;
using test::CountingWaiter;
using test::PlainLedger;
using test::text_of;
using Appended = StoredBody::Appended;
using State = StoredBodyReader::Look::State;

namespace {

constexpr std::uint64_t kNoLimit = UINT64_MAX;

std::string numbered(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return text;
}

/// Reads until there is nothing more at the moment.
std::string drain(StoredBodyReader& reader, Waiter& waiter, State& end) {
  std::string text;
  for (;;) {
    const auto look = reader.look(waiter);
    end = look.state;
    if (look.state != State::Data) return text;
    REQUIRE_FALSE(look.bytes.empty());
    text += text_of(look.bytes);
    reader.advance(look.bytes.size());
  }
}

Ref<StoredBody> complete(Ledger& ledger, std::string_view text, bool declared, std::size_t step) {
  CountingWaiter writer;
  auto body = StoredBody::make(ledger, declared ? std::optional<std::uint64_t>(text.size()) : std::nullopt, kNoLimit);
  for (std::size_t at = 0; at < text.size(); at += step)
    REQUIRE(body->append(bytes_of(text.substr(at, step)), writer) == Appended::Taken);
  body->finish();
  return body;
}

}  // namespace

TEST_CASE("what was appended is what is read, for all sizes and steps", "[cache][body]") {
  PlainLedger ledger;
  CountingWaiter waiter;
  for (const std::size_t size : {0u, 1u, 100u, 1023u, 1024u, 1025u, 4096u, 40000u, 65536u, 300000u, 5000000u}) {
    const std::string text = numbered(size);
    for (const std::size_t step : {std::size_t{1}, std::size_t{1000}, std::size_t{16384}, std::size_t{1} << 30}) {
      if (size / step > 20000) continue;
      for (const bool declared : {true, false}) {
        INFO(size << " in steps of " << step << (declared ? " declared" : ""));
        const auto body = complete(ledger, text, declared, step);
        CHECK(body->state() == StoredBody::State::Complete);
        CHECK(body->size() == size);
        CHECK(body->is_whole());
        StoredBodyReader reader(body);
        State end{};
        CHECK(drain(reader, waiter, end) == text);
        CHECK(end == State::End);
        if (const auto all = body->contiguous()) CHECK(text_of(*all) == text);
      }
    }
  }
  CHECK(ledger.held() == 0);
}

TEST_CASE("a declared length up to 4 MiB lies in one piece, and so does a small undeclared body nobody has read",
          "[cache][body]") {
  PlainLedger ledger;
  for (const std::size_t size : {0u, 1u, 1000u, 100000u, 4u << 20}) {
    const std::string text = numbered(size);
    const auto body = complete(ledger, text, true, 16384);
    REQUIRE(body->contiguous());
    CHECK(text_of(*body->contiguous()) == text);
  }
  const auto small = complete(ledger, numbered(20000), false, 1000);
  REQUIRE(small->contiguous());
  CHECK(text_of(*small->contiguous()) == numbered(20000));
  CHECK(ledger.held() < 4 * 100000 + (8u << 20));
}

TEST_CASE("the charge follows the bytes closely, whatever was declared", "[cache][body][memory]") {
  for (const std::size_t size : {0u, 1u, 100u, 1000u, 3000u, 20000u, 100000u, 1000000u, 10000000u}) {
    for (const bool declared : {true, false}) {
      PlainLedger ledger;
      const auto body = complete(ledger, numbered(size), declared, 16384);
      INFO(size << (declared ? " declared" : "") << " charged " << ledger.held());
      CHECK(ledger.held() >= size + sizeof(StoredBody));
      // Pages, and for undeclared large ones the half-filled last chunk.
      CHECK(ledger.held() <=
            size + size / 8 + 300 + (size < 30000 ? 0u : 8192u) + (declared || size <= 256000 ? 0u : 1u << 20));
    }
  }
}

TEST_CASE("a small body of declared length is one allocation, charged at once", "[cache][body][memory]") {
  for (const std::size_t size : {1u, 1024u, 8192u}) {
    PlainLedger ledger;
    CountingWaiter waiter;
    const std::string text = numbered(size);
    const auto body = StoredBody::make(ledger, size, kNoLimit);
    const std::uint64_t held = ledger.held();
    CHECK(held >= sizeof(StoredBody) + sizeof(BodyChunk) + size);
    CHECK(held < sizeof(StoredBody) + sizeof(BodyChunk) + size + 32);
    const AllocCounter counter;
    bool good = true;
    for (std::size_t at = 0; at < size; at += 100)
      good = good && body->append(bytes_of(std::string_view(text).substr(at, 100)), waiter) == Appended::Taken;
    good = body->finish() && good;
    const std::size_t allocations = counter.count();
    CHECK(good);
    CHECK(allocations == 0);
    CHECK(ledger.held() == held);
    CHECK(text_of(body->contiguous().value()) == text);
  }
  PlainLedger full(64);  // has room for the object alone, and not for what lies behind it
  CountingWaiter waiter;
  const auto body = StoredBody::make(full, 30, kNoLimit);
  CHECK(body->passing());
  CHECK(full.held() == 0);
  StoredBodyReader reader(body);
  CHECK(body->append(bytes_of(numbered(30)), waiter) == Appended::Taken);
  CHECK(text_of(reader.look(waiter).bytes) == numbered(30));
}

TEST_CASE("memory that runs out while a body is made or filled leaves nothing charged", "[cache][body][memory]") {
  if (!AllocCounter::counts()) return;
  const std::string text = numbered(3000);
  for (const std::optional<std::uint64_t> declared : {std::optional<std::uint64_t>(3000), std::optional<std::uint64_t>()}) {
    bool failed = true;
    for (std::size_t n = 1; failed; ++n) {
      REQUIRE(n < 20);
      PlainLedger ledger;
      CountingWaiter waiter;
      {
        const AllocFailure failure(n);
        try {
          const auto body = StoredBody::make(ledger, declared, kNoLimit);
          for (std::size_t at = 0; at < text.size(); at += 500) body->append(bytes_of(std::string_view(text).substr(at, 500)), waiter);
          body->finish();
        } catch (const std::bad_alloc&) {
        }
        failed = failure.happened();
      }
      CHECK(ledger.held() == 0);
    }
  }
}

TEST_CASE("a reader waits, is woken, and goes on where it was", "[cache][body]") {
  PlainLedger ledger;
  CountingWaiter reading, writing;
  auto body = StoredBody::make(ledger, std::nullopt, kNoLimit);
  StoredBodyReader reader(body);
  CHECK(body->readers() == 1);
  CHECK(reader.look(reading).state == State::Wait);
  CHECK(reader.look(reading).state == State::Wait);  // registered once
  CHECK(body->append(bytes_of("hello"), writing) == Appended::Taken);
  CHECK(reading.wakes == 1);
  auto look = reader.look(reading);
  REQUIRE(look.state == State::Data);
  CHECK(text_of(look.bytes) == "hello");
  CHECK_FALSE(look.last);
  reader.advance(2);
  CHECK(text_of(reader.look(reading).bytes) == "llo");
  CHECK(body->append(bytes_of(" you"), writing) == Appended::Taken);
  CHECK(reading.wakes == 1);  // it was not waiting
  CHECK(text_of(reader.look(reading).bytes) == "llo you");
  reader.advance(7);
  CHECK(reader.look(reading).state == State::Wait);
  body->finish();
  CHECK(reading.wakes == 2);
  CHECK(reader.look(reading).state == State::End);
  CHECK(reader.at() == 9);
}

TEST_CASE("the last bytes say so: by the declared length, or once it is finished", "[cache][body]") {
  PlainLedger ledger;
  CountingWaiter waiter;
  auto declared = StoredBody::make(ledger, 5, kNoLimit);
  StoredBodyReader reader(declared);
  declared->append(bytes_of("hell"), waiter);
  CHECK_FALSE(reader.look(waiter).last);
  declared->append(bytes_of("o"), waiter);
  CHECK(reader.look(waiter).last);

  auto undeclared = StoredBody::make(ledger, std::nullopt, kNoLimit);
  StoredBodyReader other(undeclared);
  undeclared->append(bytes_of("hello"), waiter);
  CHECK_FALSE(other.look(waiter).last);
  undeclared->finish();
  CHECK(other.look(waiter).last);
}

TEST_CASE("a reader may begin anywhere, also where nothing is yet", "[cache][body]") {
  PlainLedger ledger;
  CountingWaiter waiter;
  const std::string text = numbered(100000);
  auto body = StoredBody::make(ledger, std::nullopt, kNoLimit);
  StoredBodyReader late(body, 70000);
  CHECK(late.look(waiter).state == State::Wait);
  for (std::size_t at = 0; at < text.size(); at += 1000)
    body->append(bytes_of(std::string_view(text).substr(at, 1000)), waiter);
  body->finish();
  State end{};
  CHECK(drain(late, waiter, end) == text.substr(70000));
  for (const std::uint64_t from : {0u, 1u, 999u, 1000u, 1024u, 17408u, 99999u, 100000u, 100001u}) {
    StoredBodyReader reader(body, from);
    CHECK(drain(reader, waiter, end) == text.substr(std::min<std::size_t>(from, text.size())));
    CHECK(end == State::End);
  }
}

TEST_CASE("after an abort readers get what there is, then the reason", "[cache][body]") {
  PlainLedger ledger;
  CountingWaiter waiter;
  auto body = StoredBody::make(ledger, 10, kNoLimit);
  StoredBodyReader early(body);
  CHECK(early.look(waiter).state == State::Wait);
  body->append(bytes_of("hello"), waiter);
  body->abort(Reason::CutShort);
  CHECK(waiter.wakes == 2);
  CHECK_FALSE(body->is_whole());
  StoredBodyReader late(body);
  for (StoredBodyReader* reader : {&early, &late}) {
    State end{};
    CHECK(drain(*reader, waiter, end) == "hello");
    CHECK(end == State::Aborted);
    CHECK(reader->look(waiter).why == Reason::CutShort);
  }
  body->abort(Reason::NoRoom);  // the first one counts
  CHECK(late.look(waiter).why == Reason::CutShort);
  CHECK_FALSE(body->contiguous());
}

TEST_CASE("a waiting reader can stop waiting, or go away", "[cache][body]") {
  PlainLedger ledger;
  CountingWaiter one, two, writer;
  auto body = StoredBody::make(ledger, std::nullopt, kNoLimit);
  StoredBodyReader stops(body);
  {
    StoredBodyReader leaves(body);
    stops.look(one);
    leaves.look(two);
    CHECK(body->readers() == 2);
  }
  CHECK(body->readers() == 1);
  stops.stop_waiting();
  stops.stop_waiting();
  body->append(bytes_of("x"), writer);
  CHECK(one.wakes == 0);
  CHECK(two.wakes == 0);
}

TEST_CASE("beyond its limit a body is passed on in a window", "[cache][body][passing]") {
  PlainLedger ledger;
  CountingWaiter reading, writing;
  const std::string text = numbered(6u << 20);
  auto body = StoredBody::make(ledger, std::nullopt, 100000);
  auto reader = std::make_unique<StoredBodyReader>(body);
  std::string got;
  std::size_t at = 0, most_held = 0, full = 0;
  while (at < text.size()) {
    const std::string_view piece = std::string_view(text).substr(at, 16000);
    const Appended appended = body->append(bytes_of(piece), writing);
    most_held = std::max(most_held, static_cast<std::size_t>(ledger.held()));
    if (appended == Appended::Taken) {
      at += piece.size();
      continue;
    }
    REQUIRE(appended == Appended::WindowFull);
    REQUIRE(body->passing());
    ++full;
    const unsigned wakes = writing.wakes;
    for (int i = 0; i < 20; ++i) {
      const auto look = reader->look(reading);
      REQUIRE(look.state == State::Data);
      got += text_of(look.bytes);
      reader->advance(look.bytes.size());
      if (got.size() == at) break;
    }
    CHECK(writing.wakes > wakes);
  }
  body->finish();
  State end{};
  got += drain(*reader, reading, end);
  CHECK(end == State::End);
  CHECK(got == text);
  CHECK(full > 2);
  CHECK(most_held < (2u << 20));
  CHECK(body->why_passing() == Reason::TooLarge);
  CHECK_FALSE(body->is_whole());
  CHECK_FALSE(body->contiguous());
  StoredBodyReader late(body);  // the beginning is gone
  CHECK(late.look(reading).state == State::Aborted);
  reader.reset();
}

TEST_CASE("passing follows the slowest reader, and ends when nobody reads", "[cache][body][passing]") {
  PlainLedger ledger;
  CountingWaiter waiter, writing;
  auto body = StoredBody::make(ledger, std::uint64_t{100} << 20, 1000);  // too large from the start
  CHECK(body->passing());
  const std::string piece = numbered(65536);
  auto fast = std::make_unique<StoredBodyReader>(body), slow = std::make_unique<StoredBodyReader>(body);
  Appended appended = Appended::Taken;
  while ((appended = body->append(bytes_of(piece), writing)) == Appended::Taken) {
    State end{};
    drain(*fast, waiter, end);
  }
  CHECK(appended == Appended::WindowFull);
  CHECK(slow->look(waiter).state == State::Data);
  slow.reset();  // the slow one gives up: the window opens
  CHECK(writing.wakes > 0);
  CHECK(body->append(bytes_of(piece), writing) == Appended::Taken);
  fast.reset();
  CHECK(body->append(bytes_of(piece), writing) == Appended::Unread);
  body->abort(Reason::ClientClosed);
}

TEST_CASE("without room in the ledger it goes on, one small chunk at a time", "[cache][body][passing]") {
  PlainLedger ledger(100000);
  CountingWaiter reading, writing;
  const std::string text = numbered(1u << 20);
  auto body = StoredBody::make(ledger, std::nullopt, kNoLimit);
  StoredBodyReader reader(body);
  std::string got;
  std::size_t at = 0;
  State end{};
  while (at < text.size()) {
    const std::string_view piece = std::string_view(text).substr(at, 10000);
    const Appended appended = body->append(bytes_of(piece), writing);
    CHECK(ledger.held() <= ledger.limit());
    if (appended == Appended::Taken) {
      at += piece.size();
    } else {
      REQUIRE(appended == Appended::WindowFull);
      got += drain(reader, reading, end);
      REQUIRE(end == State::Wait);
    }
  }
  body->finish();
  got += drain(reader, reading, end);
  CHECK(got == text);
  CHECK(body->passing());
}

TEST_CASE("a ledger without room for anything still lets a body through", "[cache][body][passing]") {
  PlainLedger ledger(10);
  CountingWaiter reading, writing;
  auto body = StoredBody::make(ledger, 5, kNoLimit);
  CHECK(body->passing());
  StoredBodyReader reader(body);
  CHECK(body->append(bytes_of("hel"), writing) == Appended::Taken);
  CHECK(text_of(reader.look(reading).bytes) == "hel");
  CHECK(body->append(bytes_of("lo"), writing) == Appended::WindowFull);
  reader.advance(3);
  CHECK(writing.wakes == 1);
  CHECK(body->append(bytes_of("lo"), writing) == Appended::Taken);
  body->finish();
  CHECK(text_of(reader.look(reading).bytes) == "lo");
  CHECK(ledger.held() == 0);
}

TEST_CASE("the writer can stop waiting for room", "[cache][body][passing]") {
  PlainLedger ledger(10);
  auto body = StoredBody::make(ledger, std::nullopt, kNoLimit);
  StoredBodyReader reader(body);
  {
    CountingWaiter writing;
    CHECK(body->append(bytes_of("abc"), writing) == Appended::Taken);
    CHECK(body->append(bytes_of("abc"), writing) == Appended::WindowFull);
    body->stop_writing(writing);
  }
  reader.advance(3);  // wakes nobody who is gone
  body->abort(Reason::ClientClosed);
}

TEST_CASE("bytes stay where they are once somebody has seen them", "[cache][body]") {
  PlainLedger ledger;
  CountingWaiter waiter;
  auto body = StoredBody::make(ledger, std::nullopt, kNoLimit);
  const Pin pin(body);
  std::span<const std::byte> seen;
  {
    StoredBodyReader reader(body);
    body->append(bytes_of("seen"), waiter);
    seen = reader.look(waiter).bytes;
  }
  body->append(bytes_of(" and more"), waiter);
  body->finish();
  CHECK(text_of(seen) == "seen");
  CHECK(text_of(body->contiguous().value()) == "seen and more");
  CHECK(static_cast<const void*>(body->contiguous()->data()) == seen.data());
}

TEST_CASE("the last reader that leaves decides whether to go on", "[cache][body][abandon]") {
  struct Row {
    std::optional<std::uint64_t> expected;
    std::size_t there;
    FillWorth worth;
    bool goes_on;
  };
  const Row rows[] = {
      {100, 0, {0, 0}, true},
      {100, 49, {0, 50}, false},
      {100, 50, {0, 50}, true},
      {100, 49, {50, 50}, false},
      {100, 49, {51, 50}, true},
      {100, 99, {0, 100}, false},
      {100, 100, {0, 100}, true},
      {1, 0, {0, 1}, true},
      {199, 98, {0, 50}, false},
      {199, 99, {0, 50}, true},
      {std::nullopt, 9, {0, 100}, true},
  };
  for (const Row& row : rows) {
    INFO(row.expected.value_or(0) << " " << row.there << " " << row.worth.left << " " << row.worth.percent);
    PlainLedger ledger;
    CountingWaiter writer, filler;
    auto body = StoredBody::make(ledger, row.expected, kNoLimit);
    auto reader = std::make_unique<StoredBodyReader>(body);
    body->watch_readers(row.worth, filler);
    if (row.there > 0) body->append(bytes_of(numbered(row.there)), writer);
    auto other = std::make_unique<StoredBodyReader>(body, 50);
    reader.reset();
    CHECK(body->state() == StoredBody::State::Filling);  // one is left
    CHECK_FALSE(other->missed());
    other.reset();
    CHECK(body->is_whole() == row.goes_on);
    CHECK(filler.wakes == (row.goes_on ? 0 : 1));
    StoredBodyReader late(body);
    CHECK(late.missed() != row.goes_on);
    if (!row.goes_on) {
      CHECK(body->append(bytes_of("x"), writer) == Appended::Unread);
      CHECK_FALSE(body->finish());
      CHECK_FALSE(body->abort(Reason::CutShort));
    }
    body->stop_watching();
  }
}

TEST_CASE("a body that was given up stays as it is when its writer comes to the end", "[cache][body][abandon]") {
  PlainLedger ledger;
  CountingWaiter writer;
  auto body = StoredBody::make(ledger, std::nullopt, kNoLimit);
  for (int i = 0; i < 20; ++i) body->append(bytes_of(numbered(100)), writer);
  const StoredBodyReader reader(body);
  body->abort(Reason::ClientClosed);
  const std::uint64_t held = ledger.held();
  CHECK_FALSE(body->finish());
  CHECK(ledger.held() == held);  // nothing was moved
  CHECK(body->state() == StoredBody::State::Aborted);
}

TEST_CASE("nobody decides while nobody watches, nor for a body that nobody has read", "[cache][body][abandon]") {
  PlainLedger ledger;
  CountingWaiter writer, filler;
  auto body = StoredBody::make(ledger, 100, kNoLimit);
  body->watch_readers({0, 100}, filler);
  CHECK(body->append(bytes_of("x"), writer) == Appended::Taken);
  { const StoredBodyReader holding(body, 0, StoredBodyReader::Purpose::Holding); }
  CHECK(body->is_whole());
  body->stop_watching();
  { const StoredBodyReader unwatched(body); }
  CHECK(body->is_whole());
  CHECK(filler.wakes == 0);
  body->watch_readers({0, 100}, filler);  // it was the last one, and has left
  CHECK_FALSE(body->is_whole());
  CHECK(filler.wakes == 1);
}

TEST_CASE("a body that is passing ends at once with its last reader", "[cache][body][abandon][passing]") {
  PlainLedger ledger;
  CountingWaiter writer, filler;
  auto body = StoredBody::make(ledger, std::uint64_t{1} << 30, 1000);
  auto reader = std::make_unique<StoredBodyReader>(body);
  body->watch_readers(FillWorth::always(), filler);
  while (body->append(bytes_of(numbered(65536)), writer) == Appended::Taken) {
  }
  reader.reset();
  CHECK(body->state() == StoredBody::State::Aborted);
  CHECK(filler.wakes == 1);
  CHECK(writer.wakes == 1);
  CHECK(body->append(bytes_of("x"), writer) == Appended::Unread);
  body->stop_writing(writer);
}
