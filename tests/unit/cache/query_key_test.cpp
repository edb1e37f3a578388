#include "freshet/cache/query_key.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "freshet/cache/uri_generations.hpp"
#include "parts.hpp"

using namespace freshet;
using test::fields_of;

TEST_CASE("the digest tells questions apart by content and by the fields that say what it means",
          "[cache][rfc10008-2.7]") {
  const std::vector<std::pair<const char*, std::string>> questions = {
      {"Content-Type: a/b", "x"},
      {"Content-Type: a/b", "y"},
      {"Content-Type: a/b", ""},
      {"Content-Type: a/b", "x "},
      {"Content-Type: a/b", std::string("x\0", 2)},
      {"Content-Type: a/c", "x"},
      {"Content-Type: A/b", "x"},
      {"Content-Type: a/b; charset=utf-8", "x"},
      {"Content-Type: a/b|Content-Encoding: gzip", "x"},
      {"Content-Type: a/b|Content-Encoding:", "x"},
      {"Content-Type: a/b|Content-Language: gzip", "x"},
      {"Content-Type: a/b|Content-Location: /z", "x"},
      {"Content-Type: a/|Content-Encoding: b", "x"},
      {"Content-Type: a/b|Content-Encoding: gzip|Content-Language: de", "x"},
      {"Content-Type: a/b|Content-Encoding: gzi|Content-Language: pde", "x"},
      {"", "x"}};
  std::set<std::string> digests;
  for (const auto& [lines, content] : questions) {
    const std::string digest = query_digest(fields_of(lines), content);
    INFO(lines << " / " << content);
    CHECK(digest.size() == kQueryDigestSize);
    CHECK(digest == query_digest(fields_of(lines), content));
    CHECK(digests.insert(digest).second);
  }
}

TEST_CASE("other fields are Vary's business", "[cache][rfc10008-2.7]") {
  CHECK(query_digest(fields_of("Content-Type: a/b"), "x") ==
        query_digest(fields_of("Accept: c/d|Content-Type: a/b|Cookie: e"), "x"));
}

TEST_CASE("the key of a QUERY is no key of a GET", "[cache][rfc10008-2.7]") {
  Arena arena;
  const CacheKey uri = make_cache_key("p", "http", "a.test", "/x?y", arena);
  const CacheKey key = make_query_key(uri, 7, "d", arena);
  CHECK(key.text == "p http://a.test/x?y QUERY 7 d");
  CHECK(key.hash == hash_key(key.text));
  CHECK(make_query_key(uri, 8, "d", arena).text != key.text);
  CHECK(make_query_key(uri, 7, "e", arena).text != key.text);
}

TEST_CASE("URIs have generations of their own, mostly", "[cache]") {
  for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{10} << 20, std::uint64_t{1} << 40}) {
    UriGenerations generations(size);
    Arena arena;
    generations.advance(make_cache_key("p", "http", "a.test", "/x", arena).hash);
    int advanced = 0;
    for (int i = 0; i < 1000; ++i)
      advanced += generations.of(make_cache_key("p", "http", "a.test", "/" + std::to_string(i), arena).hash) != 0;
    CHECK(advanced < 30);
  }
}
