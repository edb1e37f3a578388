#include "freshet/cache/vary.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "parts.hpp"
#include "support/alloc_counter.hpp"

using namespace freshet;
using test::fields_of;

namespace {

std::optional<std::string> key_of(std::string_view vary, std::string_view request) {
  return make_vary_key(fields_of(vary), fields_of(request));
}

bool selects(std::string_view vary, std::string_view stored_for, std::string_view request) {
  const auto key = key_of(vary, stored_for);
  REQUIRE(key);
  return vary_matches(*key, fields_of(request));
}

}  // namespace

TEST_CASE("without Vary the key is empty and selects every request", "[cache][vary][rfc9111-4.1]") {
  CHECK(key_of("", "A: 1").value() == "");
  CHECK(key_of("Vary: ", "A: 1").value() == "");
  CHECK(key_of("Vary: , ,", "A: 1").value() == "");
  CHECK(vary_matches("", fields_of("A: 1")));
}

TEST_CASE("Vary: * anywhere never matches", "[cache][vary][rfc9111-4.1]") {
  for (const char* vary : {"Vary: *", "Vary: *, *", "Vary: *|Vary: *", "Vary: , *", "Vary: |Vary: *", "Vary: *, Foo",
                           "Vary: Foo, *", "vary: foo|vary: a , * ,b"})
    CHECK_FALSE(key_of(vary, "Foo: 1"));
}

TEST_CASE("a name that is no token cannot be compared, and counts as *", "[cache][vary]") {
  CHECK_FALSE(key_of("Vary: a b", ""));
  CHECK_FALSE(key_of("Vary: foo:", ""));
  CHECK_FALSE(key_of("Vary: \"foo\"", ""));
}

TEST_CASE("the key holds the named fields, sorted, each once, in lower case", "[cache][vary][rfc9111-4.1]") {
  CHECK(key_of("Vary: Foo, bar|Vary: FOO", "foo: 1|Bar: 2|Baz: 3").value() == "bar:2\nfoo:1\n");
  CHECK(key_of("Vary: Foo, Bar", "Bar: 2").value() == "bar:2\nfoo\n");
  CHECK(key_of("Vary: Foo", "Foo: ").value() == "foo:\n");
}

TEST_CASE("only the nominated fields select, and an absent one matches only an absent one",
          "[cache][vary][rfc9111-4.1]") {
  CHECK(selects("Vary: Foo", "Foo: 1|Bar: 1", "Foo: 1|Bar: 2"));
  CHECK_FALSE(selects("Vary: Foo", "Foo: 1", "Foo: 2"));
  CHECK_FALSE(selects("Vary: Foo", "Foo: 1", ""));
  CHECK_FALSE(selects("Vary: Foo", "", "Foo: 1"));
  CHECK_FALSE(selects("Vary: Foo", "", "Foo: "));
  CHECK_FALSE(selects("Vary: Foo", "Foo: ", ""));
  CHECK(selects("Vary: Foo", "", "Bar: 1"));
  CHECK_FALSE(selects("Vary: Foo, Bar", "Foo: 1|Bar: 2", "Foo: 1|Bar: 3"));
  CHECK_FALSE(selects("Vary: Foo, Bar", "Foo: 1|Bar: 2", "Foo: 2|Bar: 2"));
  CHECK(selects("Vary: Foo, Bar", "Foo: 1|Bar: 2", "bar: 2|foo: 1"));
  CHECK_FALSE(selects("Vary: Fo", "Fo: 1", "Foo: 1"));
}

TEST_CASE("lists are the same on one line or several, whatever the white space", "[cache][vary][rfc9111-4.1]") {
  CHECK(selects("Vary: Foo", "Foo: 1, 2", "Foo: 1|Foo: 2"));
  CHECK(selects("Vary: Foo", "Foo: 1|Foo: 2", "Foo: 1,2"));
  CHECK(selects("Vary: Foo", "Foo: 1,2", "Foo: 1 \t, \t 2"));
  CHECK(selects("Vary: Foo", "Foo: a b", "Foo: a b"));
  CHECK(selects("Vary: Cookie", "Cookie: a=1|Cookie: b", "Cookie: a=1, b"));
  CHECK_FALSE(selects("Vary: Foo", "Foo: a  b", "Foo: a b"));
  CHECK_FALSE(selects("Vary: Foo", "Foo: 1, 2", "Foo: 2, 1"));
  CHECK_FALSE(selects("Vary: Foo", "Foo: a", "Foo: A"));
  CHECK_FALSE(selects("Vary: Foo", "Foo: \"1, 2\"", "Foo: \"1,2\""));
  CHECK_FALSE(selects("Vary: Foo", "Foo: \"a\\\", b\"", "Foo: \"a\\\",b\""));
}

TEST_CASE("Accept-Encoding is reduced to the set of acceptable codings", "[cache][vary][rfc9110-12.5.3]") {
  const std::vector<std::pair<const char*, const char*>> rows = {
      {"gzip", "gzip"},
      {"", ""},
      {"identity", ""},
      {"gzip, br", "br,gzip"},
      {"br;q=1.0, gzip;q=0.8, *;q=0.1", "br,compress,dcb,dcz,deflate,gzip,zstd"},
      {"GZip , BR;Q=0.001", "br,gzip"},
      {"x-gzip", "gzip"},
      {"x-compress, compress", "compress"},
      {"gzip;q=0", ""},
      {"gzip;q=0.000, br", "br"},
      {"*;q=0", "identity;q=0"},
      {"*;q=0, identity", ""},
      {"identity;q=0, gzip", "gzip,identity;q=0"},
      {"gzip, *;q=0", "gzip,identity;q=0"},
      {"*, gzip;q=0", "br,compress,dcb,dcz,deflate,zstd"},
      {"gzip, foo, sdch;q=0.3", "gzip"},
      {"gzip;q=2, br", "br"},
      {"gzip;level=9, br", "br"},
      {"br;q=, zstd ; q = 0.5", "zstd"},
      {"gzip;q=0.5;q=1, br", "br"},
      {",, gzip ,,", "gzip"},
  };
  for (const auto& [value, normalised] : rows) {
    INFO(value);
    const std::string request = std::string("Accept-Encoding: ") + value;
    const std::string key = "accept-encoding:" + std::string(normalised) + "\n";
    CHECK(key_of("Vary: Accept-Encoding", request).value() == key);
    CHECK(vary_matches(key, fields_of(request)));
    // What is normalised stays as it is.
    CHECK(key_of("Vary: Accept-Encoding", "Accept-Encoding: " + std::string(normalised)).value() == key);
  }
}

TEST_CASE("no Accept-Encoding is not the same as an empty one", "[cache][vary][rfc9110-12.5.3]") {
  CHECK(key_of("Vary: Accept-Encoding", "").value() == "accept-encoding\n");
  CHECK_FALSE(selects("Vary: Accept-Encoding", "", "Accept-Encoding: identity"));
}

TEST_CASE("a coding that only a dropped member can have asked for is not kept", "[cache][vary]") {
  const char* const vary = "Vary: Accept-Encoding|Content-Encoding: ";
  CHECK_FALSE(key_of(std::string(vary) + "foo", "Accept-Encoding: foo, gzip"));
  CHECK_FALSE(key_of(std::string(vary) + "gzip, foo", "Accept-Encoding: foo, gzip"));
  CHECK_FALSE(key_of(std::string(vary) + "gzip", "Accept-Encoding: gzip;q=nonsense"));
  CHECK(key_of(std::string(vary) + "gzip", "Accept-Encoding: foo, gzip"));
  CHECK(key_of(std::string(vary) + "x-gzip", "Accept-Encoding: foo, gzip"));
  CHECK(key_of(std::string(vary) + "identity", "Accept-Encoding: foo"));
  CHECK(key_of("Vary: Accept-Encoding", "Accept-Encoding: foo"));
  // An origin that codes what was not asked for does it for everybody who sends the same.
  CHECK(key_of(std::string(vary) + "gzip", "Accept-Encoding: identity"));
}

TEST_CASE("Accept-Language is compared without case and order, but with weights", "[cache][vary][rfc9110-12.5.4]") {
  const std::vector<std::pair<const char*, const char*>> rows = {
      {"en, de", "de,en"},
      {"eN, De", "de,en"},
      {"en,de", "de,en"},
      {"de;q=0.5, en", "en,de;q=0.5"},
      {"en-GB;q=0.800", "en-gb;q=0.8"},
      {"a;q=0", "a;q=0"},
      {"b;q=0.005,a;q=0.05", "a;q=0.05,b;q=0.005"},
      {"", ""},
      {"*", "*"},
      {"en;q=1.000", "en"},
  };
  for (const auto& [value, normalised] : rows) {
    INFO(value);
    const std::string key = "accept-language:" + std::string(normalised) + "\n";
    CHECK(key_of("Vary: Accept-Language", std::string("Accept-Language: ") + value).value() == key);
    CHECK(key_of("Vary: Accept-Language", "Accept-Language: " + std::string(normalised)).value() == key);
  }
  CHECK_FALSE(selects("Vary: Accept-Language", "Accept-Language: en, de", "Accept-Language: de;q=1.0, fr;q=0.5"));
  CHECK_FALSE(selects("Vary: Accept-Language", "Accept-Language: en, de;q=0.5", "Accept-Language: en;q=0.5, de"));
}

TEST_CASE("a malformed Accept-Language is compared as a plain list", "[cache][vary]") {
  CHECK(key_of("Vary: Accept-Language", "Accept-Language: EN;q=9 , de").value() == "accept-language:EN;q=9,de\n");
}

TEST_CASE("what Vary may name and how long a key may be is bounded", "[cache][vary]") {
  std::string names;
  for (std::size_t i = 0; i < kMostVaryNames; ++i) names += "f" + std::to_string(i) + ",";
  CHECK(key_of("Vary: " + names, ""));
  CHECK_FALSE(key_of("Vary: " + names + "one-more", ""));
  const std::string frame = "foo:\n";
  const std::string value(kLongestVaryKey - frame.size(), 'x');
  CHECK(key_of("Vary: foo", "Foo: " + value));
  CHECK_FALSE(key_of("Vary: foo", "Foo: " + value + "x"));
}

TEST_CASE("matching allocates nothing for equal values and for usual ones", "[cache][vary]") {
  const auto key = key_of("Vary: Accept-Encoding, Accept-Language, X-Tenant",
                          "Accept-Encoding: gzip|Accept-Language: en|X-Tenant: 7");
  const Fields equal = fields_of("Accept-Encoding: gzip|Accept-Language: en|X-Tenant: 7");
  const Fields usual = fields_of("X-Tenant: 7|Accept-Encoding: gzip;q=1.0, foo|Accept-Language: EN;q=1");
  const Fields large = fields_of("X-Tenant: " + std::string(5000, 'x'));
  const auto large_key = make_vary_key(fields_of("Vary: X-Tenant"), large);
  const AllocCounter allocations;
  const bool equal_matches = vary_matches(*key, equal), usual_matches = vary_matches(*key, usual);
  const bool large_matches = vary_matches(*large_key, large);
  const std::size_t made = allocations.count();
  CHECK(equal_matches);
  CHECK(usual_matches);
  CHECK(large_matches);
  CHECK(made == 0);
}

TEST_CASE("one matcher answers for many keys, in any order", "[cache][vary]") {
  const Fields request = fields_of("A: 1 , 2|B: x|Accept-Encoding: br, gzip");
  VaryMatcher matcher(request);
  for (int round = 0; round < 3; ++round) {
    CHECK(matcher.matches("a:1,2\n"));
    CHECK(matcher.matches("a:1,2\nb:x\n"));
    CHECK_FALSE(matcher.matches("a:1,3\n"));
    CHECK(matcher.matches("accept-encoding:br,gzip\n"));
    CHECK_FALSE(matcher.matches("accept-encoding:gzip\n"));
    CHECK(matcher.matches("c\nd\n"));
    CHECK_FALSE(matcher.matches("c\nd:\n"));
    CHECK(matcher.matches(""));
  }
}

TEST_CASE("every key that a request makes matches that request", "[cache][vary][property]") {
  const std::vector<std::string> values = {
      "", "a", "a,b", " a , b ", "\"a , b\"", "\"a", "a\"b , c", "gzip;q=0.5 , br", "\\", ",", "a,,b", "\t,\t"};
  for (const char* name : {"Foo", "Accept-Encoding", "Accept-Language", "Cookie"}) {
    for (const std::string& one : values) {
      for (const std::string& two : values) {
        Fields request;
        request.add(name, one);
        request.add(name, two);
        Fields vary;
        vary.add("Vary", name);
        const auto key = make_vary_key(vary, request);
        REQUIRE(key);
        INFO(*key);
        CHECK(vary_matches(*key, request));
        // Idempotent: the normalised value as a request's makes the same key.
        const std::string value = key->substr(std::string(name).size() + 1, key->size() - std::string(name).size() - 2);
        Fields again;
        again.add(name, value);
        CHECK(make_vary_key(vary, again) == key);
        CHECK(vary_matches(*key, again));
      }
    }
  }
}
