#include "freshet/cache/key.hpp"

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "parts.hpp"

using namespace freshet;

TEST_CASE("the key is partition and target URI, byte for byte", "[cache][rfc9111-2]") {
  Arena arena;
  RequestHead head = test::get();
  head.authority = "a.test:8080";
  head.target = "/A/%2f/..//b?Q=1&&";
  const CacheKey key = make_cache_key("app", head, arena);
  CHECK(key.text == "app http://a.test:8080/A/%2f/..//b?Q=1&&");
  CHECK(key.hash == hash_key(key.text));
  CHECK(make_cache_key("app", "http", "a.test:8080", "/A/%2f/..//b?Q=1&&", arena).text == key.text);
}

TEST_CASE("GET and HEAD have one key", "[cache][rfc9111-2]") {
  Arena arena;
  RequestHead head = test::get();
  const CacheKey with_get = make_cache_key("p", head, arena);
  head.method = Method::Head;
  const CacheKey with_head = make_cache_key("p", head, arena);
  CHECK(with_get.text == with_head.text);
  CHECK(with_get.hash == with_head.hash);
}

TEST_CASE("scheme, authority, port, target, query and partition each make another key", "[cache][rfc9111-2]") {
  Arena arena;
  std::set<std::string_view> texts;
  std::set<std::uint64_t> hashes;
  const auto add = [&](auto... parts) {
    const CacheKey key = make_cache_key(parts..., arena);
    texts.insert(key.text);
    hashes.insert(key.hash);
  };
  add("p", "http", "a.test", "/");
  add("q", "http", "a.test", "/");
  add("p", "https", "a.test", "/");
  add("p", "http", "b.test", "/");
  add("p", "http", "a.test:81", "/");
  add("p", "http", "a.test", "/?");
  add("p", "http", "a.test", "//");
  add("p", "http", "a.test", "/%61");
  add("p", "http", "a.test", "/a");
  CHECK(texts.size() == 9);
  CHECK(hashes.size() == 9);
}

TEST_CASE("the hash depends on every byte and on the length, at all lengths", "[cache][key]") {
  std::set<std::uint64_t> hashes;
  std::size_t made = 0;
  for (std::size_t size = 0; size <= 130; ++size) {
    std::string text(size, 'a');
    hashes.insert(hash_key(text));
    ++made;
    for (char& c : text) {
      c = 'b';
      hashes.insert(hash_key(text));
      ++made;
      c = 'a';
    }
    CHECK(hash_key(text) == hash_key(std::string(text)));
  }
  CHECK(hashes.size() == made);
}

TEST_CASE("the hash spreads similar keys evenly over high and low bits", "[cache][key]") {
  constexpr unsigned kBuckets = 64, kKeys = 64000;
  unsigned high[kBuckets] = {}, low[kBuckets] = {};
  for (unsigned i = 0; i < kKeys; ++i) {
    const std::uint64_t hash = hash_key("app http://www.example.test/images/" + std::to_string(i));
    ++high[hash >> 58];
    ++low[hash % kBuckets];
  }
  for (unsigned i = 0; i < kBuckets; ++i) {  // 1000 expected, standard deviation 31: ten of them would be a miracle
    CHECK(high[i] > 690);
    CHECK(high[i] < 1310);
    CHECK(low[i] > 690);
    CHECK(low[i] < 1310);
  }
}

TEST_CASE("one changed bit changes about half of the hash", "[cache][key]") {
  const std::string base = "app http://www.example.test/images/12345";
  double changed = 0;
  std::size_t tries = 0;
  for (std::size_t at = 0; at < base.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string other = base;
      other[at] = static_cast<char>(other[at] ^ (1 << bit));
      changed += std::popcount(hash_key(base) ^ hash_key(other));
      ++tries;
    }
  }
  CHECK(changed / static_cast<double>(tries) == Approx(32).margin(2));
}
