// Normalising twice changes nothing, whatever is normalised.
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "freshet/http/no_vary_search.hpp"
#include "freshet/http/target.hpp"
#include "support/dice.hpp"

using namespace freshet;
using test::Dice;

TEST_CASE("a normalised authority stays as it is", "[http][target][property][rfc9110-4.2.3]") {
  const std::vector<std::string> bits = {"A", "b.",    ".", "EXAMPLE", "com",       "-", "1", ":80", ":443", ":8080",
                                         ":", "[::1]", "[", "]",       "127.0.0.1", "_", "~", "%41", "@",    " "};
  std::size_t good = 0;
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    Dice dice(seed);
    Arena arena;
    const std::string text = dice.some_of(bits, 5, "");
    const std::string scheme = dice.any_of<std::string>({"http", "https"});
    CAPTURE(seed, text, scheme);
    const auto once = normalise_authority(text, scheme, arena);
    if (!once) continue;
    ++good;
    CHECK(normalise_authority(*once, scheme, arena) == once);
    CHECK(split_authority(*once)->port != default_port(scheme));
  }
  CHECK(good > 1000);
}

TEST_CASE("a canonical query stays as it is, and the order of other names does not change it",
          "[http][property][no-vary-search-5]") {
  const std::vector<std::string> names = {"a", "b", "%61", "c+c", "c%20c", "", "%f6", "%EF%BF%BD", "utm"};
  const std::vector<std::string> values = {"", "=", "=1", "=%31", "=a%26b", "=+", "=%", "==", "=\xC3\xA9"};
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    Dice dice(seed);
    UrlVariation rule;
    rule.any_order = true;
    rule.only_named = dice.one_in(2);
    if (dice.one_in(2)) rule.names = {"a", "utm"};
    std::vector<std::string> parts;
    for (std::uint64_t n = dice.roll(6); n > 0; --n) parts.push_back(dice.any_of(names) + dice.any_of(values));
    const auto joined = [&parts, &dice] {
      std::string out;
      for (const std::string& part : parts) out += part + dice.any_of<std::string>({"&", "&&"});
      return out;
    };
    const std::string query = joined();
    CAPTURE(seed, query);
    const std::string canonical = canonical_query(query, rule).value();
    CHECK(canonical_query(canonical, rule) == canonical);
    // Neighbours with different names may change places.
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      UrlVariation nothing;
      nothing.any_order = true;
      const auto name = [&](const std::string& part) {
        return canonical_query(part.substr(0, part.find('=')), nothing);
      };
      if (name(parts[i]) != name(parts[i + 1])) std::swap(parts[i], parts[i + 1]);
    }
    CHECK(canonical_query(joined(), rule) == canonical);
  }
}
