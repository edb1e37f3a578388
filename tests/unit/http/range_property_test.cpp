// Whatever is asked of whatever representation: what decide_range() says is a slice of it (RFC 9110 14.1.2, 14.2).
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "freshet/http/range.hpp"
#include "support/dice.hpp"

using namespace freshet;
using test::Dice;

namespace {

std::string body_of(std::uint64_t size) {
  std::string body;
  for (std::uint64_t i = 0; i < size; ++i) body += static_cast<char>('a' + i % 26);
  return body;
}

/// One member as text, and the bytes that it asks for by the words of the RFC; empty optional: unsatisfiable.
struct Member {
  std::string text;
  std::optional<std::string> bytes;
};

Member throw_member(Dice& dice, const std::string& body) {
  const std::uint64_t size = body.size();
  const std::uint64_t first = dice.roll(size + 3), more = dice.roll(size + 3);
  switch (dice.roll(3)) {
    case 0: {
      const std::string text = "-" + std::to_string(first);
      if (first == 0) return {text, {}};
      return {text, body.substr(first >= size ? 0 : size - first)};
    }
    case 1:
      return {std::to_string(first) + "-", first < size ? std::optional(body.substr(first)) : std::nullopt};
    default:
      return {std::to_string(first) + "-" + std::to_string(first + more),
              first < size ? std::optional(body.substr(first, more + 1)) : std::nullopt};
  }
}

std::vector<std::string> slices(const std::string& body, const RangeVerdict& verdict) {
  std::vector<std::string> out;
  for (const ByteRange& part : verdict.parts) {
    REQUIRE(part.size > 0);
    REQUIRE(part.first < body.size());
    REQUIRE(part.size <= body.size() - part.first);
    out.push_back(body.substr(part.first, part.size));
  }
  return out;
}

}  // namespace

TEST_CASE("well-formed ranges are the slices that they ask for", "[http][range][property][rfc9110-14.1.2]") {
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    Dice dice(seed);
    const std::string body = body_of(dice.roll(12) + 1);
    std::string field = "bytes=";
    std::vector<std::string> expected;
    std::size_t members = dice.roll(4) + 1, total = 0;
    for (std::size_t i = 0; i < members; ++i) {
      const Member member = throw_member(dice, body);
      field += (i > 0 ? dice.any_of<std::string>({",", ", ", " ,,"}) : "") + member.text;
      if (member.bytes) expected.push_back(*member.bytes);
      total += member.bytes ? member.bytes->size() : 0;
    }
    CAPTURE(seed, field, body);
    const RangeVerdict verdict = decide_range(field, body.size(), 4);
    if (total > body.size()) {
      CHECK(verdict.kind == RangeKind::Ignore);
      continue;
    }
    CHECK(verdict.kind == (expected.empty() ? RangeKind::Unsatisfiable : RangeKind::Satisfiable));
    CHECK(slices(body, verdict) == expected);
    if (members > 1) CHECK(decide_range(field, body.size(), members - 1).kind == RangeKind::Ignore);
  }
}

TEST_CASE("any text at all yields slices or nothing", "[http][range][property][rfc9110-14.2]") {
  const std::vector<std::string> bits = {"0", "1", "9", "-", ",", " ", "=", "bytes", "x", "18446744073709551615", "\t"};
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    Dice dice(seed);
    const std::string body = body_of(dice.roll(12));
    const std::string field = (dice.one_in(8) ? "" : "bytes=") + dice.some_of(bits, 9, "");
    CAPTURE(seed, field, body);
    const RangeVerdict verdict = decide_range(field, body.size(), 3);
    CHECK(slices(body, verdict).size() <= 3);
    CHECK((verdict.kind == RangeKind::Satisfiable) == !verdict.parts.empty());
    std::size_t total = 0;
    for (const ByteRange& part : verdict.parts) total += part.size;
    CHECK(total <= body.size());
  }
}
