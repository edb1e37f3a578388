// make_vary_key() and vary_matches() agree, whatever the fields (RFC 9111 4.1).
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "freshet/cache/vary.hpp"
#include "support/dice.hpp"

using namespace freshet;
using test::Dice;

namespace {

const std::vector<std::string> kNames = {"Accept-Encoding", "Accept-Language", "Accept", "Foo", "Cookie"};
const std::vector<std::string> kValues = {"gzip", "br;q=0.5", "*;q=0", "de",     "en-US;q=0.7", "EN",       "identity",
                                          "a b",  "\"x, y\"", "q=1",   "x-gzip", "\"",          "gzip;q=0", ""};

/// Lines with these names, several of one name too; some values spread white space around commas.
Fields throw_request(Dice& dice) {
  Fields fields;
  for (std::uint64_t n = dice.roll(6); n > 0; --n)
    fields.add(dice.any_of(kNames), dice.some_of(kValues, 3, dice.any_of<std::string>({",", ", ", " ,\t"})));
  return fields;
}

Fields throw_response(Dice& dice) {
  Fields fields;
  for (std::uint64_t n = dice.roll(3); n > 0; --n) fields.add(FieldId::Vary, dice.some_of(kNames, 3, ", "));
  return fields;
}

/// The request that has the normalised values themselves.
Fields normalised(std::string_view key) {
  Fields fields;
  while (!key.empty()) {
    const std::string_view line = key.substr(0, key.find('\n'));
    key.remove_prefix(line.size() + 1);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) fields.add(line.substr(0, colon), line.substr(colon + 1));
  }
  return fields;
}

}  // namespace

TEST_CASE("a request selects what was stored for it, and normalising changes nothing the second time",
          "[cache][vary][property][rfc9111-4.1]") {
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    Dice dice(seed);
    CAPTURE(seed);
    const Fields response = throw_response(dice), request = throw_request(dice);
    const auto key = make_vary_key(response, request);
    REQUIRE(key);
    CHECK(vary_matches(*key, request));
    const Fields again = normalised(*key);
    CHECK(vary_matches(*key, again));
    CHECK(make_vary_key(response, again) == key);
  }
}

TEST_CASE("two requests select each other's response, or neither does", "[cache][vary][property][rfc9111-4.1]") {
  std::size_t same = 0;
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    Dice dice(seed);
    CAPTURE(seed);
    const Fields response = throw_response(dice), one = throw_request(dice), other = throw_request(dice);
    const auto key_of_one = make_vary_key(response, one), key_of_other = make_vary_key(response, other);
    REQUIRE(key_of_one);
    REQUIRE(key_of_other);
    const bool equal = *key_of_one == *key_of_other;
    CHECK(vary_matches(*key_of_one, other) == equal);
    CHECK(vary_matches(*key_of_other, one) == equal);
    same += equal && !key_of_one->empty();
  }
  CHECK(same > 100);
}

TEST_CASE("lines of one name are one value, however they are split", "[cache][vary][property][rfc9110-5.3]") {
  for (std::uint64_t seed = 0; seed < 5000; ++seed) {
    Dice dice(seed);
    CAPTURE(seed);
    const std::string name = dice.any_of(kNames);
    Fields response, split, joined;
    response.add(FieldId::Vary, name);
    std::string all;
    for (std::uint64_t n = dice.roll(4) + 1; n > 0; --n) {
      const std::string value = dice.any_of<std::string>({"gzip", "br;q=0.5", "de", "x"});
      split.add(name, value);
      all += (all.empty() ? "" : ", ") + value;
    }
    joined.add(name, all);
    CHECK(make_vary_key(response, split) == make_vary_key(response, joined));
  }
}
