#include "freshet/cache/ledger.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "freshet/cache/stored_body.hpp"
#include "parts.hpp"

using namespace freshet;
using test::bytes_of;
using test::CountingWaiter;

namespace {

/// Full of things of 1 KiB, which leave when there has to be room.
class FullLedger final : public Ledger {
 public:
  explicit FullLedger(std::uint64_t limit) : Ledger(limit) {
    while (held() + kThing <= limit) charge(kThing);
  }
  std::vector<std::uint64_t> freed;  ///< in one call each

 protected:
  bool make_room(std::uint64_t bytes) noexcept override {
    const std::uint64_t before = held();
    while (held() >= kThing && held() + bytes > limit()) credit(kThing);
    freed.push_back(before - held());
    return before != held();
  }

 private:
  static constexpr std::uint64_t kThing = 1024;
};

std::uint64_t most(const std::vector<std::uint64_t>& freed) { return freed.empty() ? 0 : *std::max_element(freed.begin(), freed.end()); }

}  // namespace

TEST_CASE("room that will be needed is made bit by bit, and not more of it", "[cache][ledger]") {
  FullLedger ledger(64 * 1024);
  REQUIRE(ledger.held() == ledger.limit());
  ledger.prepare(8192, 3000);
  CHECK(ledger.limit() - ledger.held() == 3072);
  ledger.prepare(8192, 3000);
  CHECK(ledger.limit() - ledger.held() == 6144);
  ledger.prepare(8192, 3000);
  CHECK(ledger.limit() - ledger.held() == 8192);
  ledger.prepare(8192, 3000);
  CHECK(ledger.limit() - ledger.held() == 8192);
  CHECK(ledger.freed.size() == 3);
  CHECK(ledger.charge(8192));
  CHECK(ledger.freed.size() == 3);
}

TEST_CASE("what can never have room is not made room for", "[cache][ledger]") {
  FullLedger ledger(64 * 1024);
  ledger.prepare(64 * 1024 + 1, 4096);
  CHECK(ledger.freed.empty());
}

TEST_CASE("a large body that is filled in a full cache frees no more at a time than a little more than it brings", "[cache][ledger][body]") {
  constexpr std::size_t kStep = 64 * 1024, kSize = 16u << 20;
  for (const bool declared : {true, false}) {
    CAPTURE(declared);
    FullLedger ledger(64u << 20);
    CountingWaiter writer;
    const auto body = StoredBody::make(ledger, declared ? std::optional<std::uint64_t>(kSize) : std::nullopt, kSize);
    const std::string piece(kStep, 'x');
    REQUIRE(body->append(bytes_of(piece), writer) == StoredBody::Appended::Taken);
    // The first chunk comes unprepared.
    CHECK(most(ledger.freed) <= 256 * 1024 + 8192);
    ledger.freed.clear();
    for (std::size_t at = kStep; at < kSize; at += kStep) REQUIRE(body->append(bytes_of(piece), writer) == StoredBody::Appended::Taken);
    // Nor the first large one of a body whose length is not known.
    CHECK(most(ledger.freed) <= (declared ? 2 * kStep : 256 * 1024) + 8192);
    CHECK(body->finish());
  }
}
