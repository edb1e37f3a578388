#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "freshet/cache/parts.hpp"
#include "parts.hpp"

using namespace freshet;
using test::bytes_of;
using test::CountingWaiter;
using test::PlainLedger;

namespace {

constexpr std::uint64_t kNoLimit = UINT64_MAX;

/// A representation of 100 bytes, and parts of it.
struct Bench {
  PlainLedger ledger;
  std::string whole;
  CountingWaiter waiter;
  Bench() {
    for (int i = 0; i < 100; ++i) whole += static_cast<char>('0' + i % 75);
  }
  Ref<StoredBody> body(std::uint64_t first, std::uint64_t size, std::uint64_t arrived) {
    auto made = StoredBody::make(ledger, size, kNoLimit);
    if (arrived > 0) made->append(bytes_of(whole.substr(first, arrived)), waiter);
    return made;
  }
  Part part(std::uint64_t first, std::uint64_t size) {
    auto made = body(first, size, size);
    made->finish();
    return {first, size, made};
  }
  Ref<const PartList> list(std::initializer_list<ByteRange> ranges, std::uint64_t limit = kNoLimit) {
    Ref<const PartList> made;
    for (const ByteRange& range : ranges) {
      if (!made) made = Ref<const PartList>(new PartList(part(range.first, range.size), 100, range.size, "bytes=0-"));
      else made = made->with(part(range.first, range.size), 100, limit);
    }
    return made;
  }
  std::string read(const std::vector<PartSlice>& slices) {
    std::string text;
    for (const PartSlice& slice : slices) {
      const auto bytes = slice.body->contiguous();
      REQUIRE(bytes);
      text += test::text_of(bytes->subspan(slice.from, slice.size));
    }
    return text;
  }
};

}  // namespace

TEST_CASE("parts cover what they hold together, and say what is missing", "[cache][parts][rfc9111 3.4]") {
  Bench b;
  const auto parts = b.list({{10, 10}, {30, 10}, {18, 7}});
  CHECK(b.read(parts->cover({10, 15})) == b.whole.substr(10, 15));
  CHECK(b.read(parts->cover({24, 1})) == b.whole.substr(24, 1));
  CHECK(parts->cover({9, 2}).empty());
  CHECK(parts->cover({24, 2}).empty());
  CHECK(parts->missing({12, 25}) == ByteRange{25, 5});
  CHECK(parts->missing({0, 100}) == ByteRange{0, 100});
  CHECK(parts->missing({0, 20}) == ByteRange{0, 10});
  CHECK(parts->missing({35, 10}) == ByteRange{40, 5});
  CHECK(parts->missing({50, 10}) == ByteRange{50, 10});
  CHECK(parts->complete() == 100u);
}

TEST_CASE("whatever the parts, what they cover is a slice of the whole, and what is missing is missing", "[cache][parts][property]") {
  Bench b;
  std::mt19937 random(7);
  const auto some = [&](std::uint64_t most) { return std::uniform_int_distribution<std::uint64_t>(0, most)(random); };
  for (int round = 0; round < 500; ++round) {
    Ref<const PartList> parts;
    std::vector<bool> there(100);
    for (std::uint64_t n = 1 + some(5); n > 0; --n) {
      const std::uint64_t first = some(99), size = 1 + some(99 - first);
      const Part part = b.part(first, size);
      parts = parts ? parts->with(part, {}, kNoLimit) : Ref<const PartList>(new PartList(part, 100, size, ""));
      for (std::uint64_t i = 0; i < size; ++i) there[first + i] = true;
    }
    const std::uint64_t first = some(99), size = 1 + some(99 - first);
    bool all = true;
    for (std::uint64_t i = first; i < first + size; ++i) all = all && there[i];
    const auto slices = parts->cover({first, size});
    REQUIRE(slices.empty() == !all);
    if (all) {
      REQUIRE(b.read(slices) == b.whole.substr(first, size));
    } else {
      const ByteRange missing = parts->missing({first, size});
      REQUIRE(missing.first >= first);
      REQUIRE(missing.first + missing.size <= first + size);
      for (std::uint64_t i = first; i < first + size; ++i)
        if (!there[i]) REQUIRE((i >= missing.first && i < missing.first + missing.size));
      REQUIRE_FALSE(there[missing.first]);
      REQUIRE_FALSE(there[missing.first + missing.size - 1]);
    }
  }
}

TEST_CASE("a part whose fill failed holds what had arrived; one that is passed on holds nothing", "[cache][parts][rfc9111 3.3]") {
  Bench b;
  auto filling = b.body(10, 20, 5);
  const Ref<const PartList> parts(new PartList({10, 20, filling}, 100, 20, "bytes=10-29"));
  CHECK(parts->cover({10, 20}).size() == 1);
  CHECK(parts->only() == ByteRange{10, 20});
  filling->abort(Reason::CutShort);
  CHECK(parts->cover({10, 20}).empty());
  CHECK(parts->cover({11, 4}).size() == 1);
  CHECK_FALSE(parts->only());
  CHECK(parts->missing({10, 20}) == ByteRange{15, 15});

  auto passing = StoredBody::make(b.ledger, 20, 10);
  const Ref<const PartList> none(new PartList({10, 20, passing}, 100, 20, ""));
  CHECK(none->cover({10, 5}).empty());
  CHECK(none->cover({10, 5}, passing.get()).size() == 1);
  CHECK(none->bytes() == sizeof(StoredBody));
}

TEST_CASE("a new part takes the place of those inside it; the oldest make room", "[cache][parts]") {
  Bench b;
  CHECK(b.list({{10, 5}, {0, 50}})->bytes() == 50 + sizeof(StoredBody));
  CHECK(b.list({{10, 5}, {12, 5}})->bytes() == 10 + 2 * sizeof(StoredBody));
  const auto small = b.list({{0, 10}, {20, 10}, {40, 10}}, 25 + 2 * sizeof(StoredBody));
  CHECK(small->cover({0, 10}).empty());
  CHECK(small->cover({20, 10}).size() == 1);
  CHECK(small->cover({40, 10}).size() == 1);
  Ref<const PartList> many(new PartList(b.part(0, 1), 100, 1, ""));
  for (std::uint64_t i = 1; i <= PartList::kMostParts; ++i) many = many->with(b.part(i, 1), 100, kNoLimit);
  CHECK(many->cover({0, 1}).empty());
  CHECK(many->cover({1, PartList::kMostParts}).size() == PartList::kMostParts);
  CHECK(many->asked().empty());
}

TEST_CASE("a part with fewer bytes than it claims stands alone", "[cache][parts][rfc9110 15.3.7]") {
  Bench b;
  const PartList shorter(b.part(4, 5), 10, 6, "bytes=-5");
  CHECK_FALSE(shorter.can_combine());
  CHECK(shorter.only() == ByteRange{4, 5});
  CHECK(shorter.only_claimed() == ByteRange{4, 6});
  CHECK(shorter.asked() == "bytes=-5");
  CHECK(PartList(b.part(4, 5), 10, 5, "").can_combine());
}
