#include "freshet/cache/search_rules.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <thread>

#include "parts.hpp"

using namespace freshet;

namespace {

UrlVariation rule(std::string value) {
  Fields fields;
  fields.add(FieldId::NoVarySearch, value);
  return parse_no_vary_search(fields);
}

UrlVariation ignoring(int i) { return rule("params=(\"p" + std::to_string(i) + "\")"); }

std::vector<std::string> names(const std::vector<SearchRule>& rules) {
  std::vector<std::string> out;
  for (const SearchRule& known : rules) out.push_back(known.variation->names.at(0));
  return out;
}

std::string key_text(const SearchRules& rules, std::string_view uri) {
  Arena arena;
  const CacheKey key{hash_key(uri), uri};
  const auto known = rules.of(hash_key(path_of_key(uri)));
  return known.empty() ? "" : std::string(make_search_key(key, known.front(), arena).value().text);
}

}  // namespace

TEST_CASE("the path of a key ends before its query", "[cache][no-vary-search]") {
  CHECK(path_of_key("p http://a.test/x?y?z") == "p http://a.test/x");
  CHECK(path_of_key("p http://a.test/x") == "p http://a.test/x");
  CHECK(path_of_key("p http://a.test/x?") == "p http://a.test/x");
  CHECK(path_of_key("p http://a.test/x SEARCH 1 2 a=?") == "p http://a.test/x");
  CHECK(path_of_key("p http://a.test/x QUERY 1 2") == "p http://a.test/x");
  CHECK(path_of_key("forward(a?) http://a.test/x?y") == "forward(a?) http://a.test/x");
  CHECK(path_of_key("k") == "k");
}

TEST_CASE("equivalent URLs of one path share a key", "[cache][no-vary-search]") {
  SearchRules rules(64u << 20);
  CHECK_FALSE(rules.any());
  CHECK(rules.of(1).empty());
  rules.learn(hash_key("p http://a.test/x"), rule("key-order, params=(\"u\")"));
  CHECK(rules.any());
  const std::string shared = key_text(rules, "p http://a.test/x?b=1&u=2&a=3");
  CHECK(shared.starts_with("p http://a.test/x SEARCH "));
  CHECK(shared.ends_with(" a=3&b=1"));
  CHECK(key_text(rules, "p http://a.test/x?a=3&b=1") == shared);
  CHECK(key_text(rules, "p http://a.test/x?a=3&b=2") != shared);
  CHECK(key_text(rules, "p http://a.test/x") == key_text(rules, "p http://a.test/x?u"));
  CHECK(key_text(rules, "p http://a.test/y?a=3&b=1") == "");
  CHECK(key_text(rules, "q http://a.test/x?a=3&b=1") == "");
}

TEST_CASE("the newest rule of a path comes first, and few are kept", "[cache][no-vary-search]") {
  SearchRules rules(64u << 20);
  using Names = std::vector<std::string>;
  const auto learn = [&](int i) { return rules.learn(7, ignoring(i)); };
  const SearchRule first = learn(1);
  learn(2);
  CHECK(names(rules.of(7)) == Names{"p2", "p1"});
  const SearchRule again = learn(1);
  CHECK(names(rules.of(7)) == Names{"p1", "p2"});
  CHECK(again.epoch == first.epoch);
  CHECK(again.id == first.id);
  learn(3);
  CHECK(names(rules.of(7)) == Names{"p3", "p1", "p2"});
  learn(4);
  CHECK(names(rules.of(7)) == Names{"p4", "p3", "p1"});
  // What was stored by a rule that was forgotten has missed invalidations.
  const SearchRule back = learn(2);
  CHECK(std::pair(back.epoch, back.id) != std::pair(first.epoch, first.id));
  CHECK(back.epoch != first.epoch);
}

TEST_CASE("paths are bounded, and one that comes back has another epoch", "[cache][no-vary-search]") {
  SearchRules rules(1);  // 256 paths
  const SearchRule first = rules.learn(hash_key("0"), ignoring(0));
  for (int i = 1; i < 5000; ++i) rules.learn(hash_key(std::to_string(i)), ignoring(0));
  int known = 0;
  for (int i = 0; i < 5000; ++i) known += !rules.of(hash_key(std::to_string(i))).empty();
  CHECK(known == 256);
  CHECK(rules.of(hash_key("0")).empty());
  const SearchRule again = rules.learn(hash_key("0"), ignoring(0));
  CHECK(again.id == first.id);
  CHECK(again.epoch != first.epoch);
}

TEST_CASE("distinct rules are bounded, and one that comes back has another number", "[cache][no-vary-search]") {
  SearchRules rules(64u << 20);
  std::set<std::uint64_t> ids;
  const SearchRule first = rules.learn(1, ignoring(0));
  ids.insert(first.id);
  const int most = static_cast<int>(SearchRules::kMostDistinct);
  for (int i = 1; i < 3 * most; ++i) CHECK(ids.insert(rules.learn(hash_key(std::to_string(i)), ignoring(i)).id).second);
  CHECK(rules.of(1).empty());
  CHECK(ids.insert(rules.learn(1, ignoring(0)).id).second);
  CHECK(names(rules.of(1)) == std::vector<std::string>{"p0"});
}

TEST_CASE("rules may be learnt and asked for from several threads", "[cache][no-vary-search][threads]") {
  SearchRules rules(1);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const std::uint64_t path = hash_key(std::to_string(i % 300));
        if (rules.learn(path, ignoring(i % 7)).variation->names.at(0) != "p" + std::to_string(i % 7)) ++wrong;
        for (const SearchRule& known : rules.of(hash_key(std::to_string((i + t) % 300))))
          if (!known.variation || known.id == 0) ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}
