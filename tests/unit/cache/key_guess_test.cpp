#include "freshet/cache/key_guess.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

using namespace freshet;

namespace {

struct Asked {
  std::string partition, authority, target;
  std::string scheme = "http";
};

CacheKey make(KeyGuess& guess, const Asked& asked, Arena& arena) {
  RequestHead head;
  head.scheme = asked.scheme;
  head.authority = asked.authority;
  head.target = asked.target;
  return guess.make(asked.partition, head, arena);
}

std::uint64_t hash(const Asked& asked) {
  Arena arena;
  return make_cache_key(asked.partition, asked.scheme, asked.authority, asked.target, arena).hash;
}

}  // namespace

TEST_CASE("the next request is taken to be for the origin of the last one", "[cache][key]") {
  KeyGuess guess;
  Arena arena;
  CHECK(guess.guess("/a") == 0);  // nothing has been asked for
  make(guess, {"app", "a.test", "/a"}, arena);
  CHECK(guess.guess("/a") == 0);  // no guess was right
  make(guess, {"app", "a.test", "/a"}, arena);
  CHECK(guess.guess("/a") == 0);  // it was the last one
  make(guess, {"app", "a.test", "/a"}, arena);
  CHECK(guess.guess("/b?c") == hash({"app", "a.test", "/b?c"}));
  CHECK(guess.guess("/d") == hash({"app", "a.test", "/d"}));
  CHECK(guess.guess("") == 0);
  CHECK(guess.guess("*") == 0);
  CHECK(guess.guess("a.test:443") == 0);
  CHECK(guess.guess("http://b.test/e") == hash({"app", "b.test", "/e"}));
  CHECK(guess.guess("https://b.test:8443/e") == hash({"app", "b.test:8443", "/e", "https"}));
  CHECK(guess.guess("/f") == 0);  // after an absolute one no origin is known
}

TEST_CASE("after a guess that was wrong none is told before one would have been right", "[cache][key]") {
  KeyGuess guess;
  Arena arena;
  int number = 0;
  const auto ask = [&](const std::string& authority) {
    const std::string target = "/" + std::to_string(++number);
    const bool told = guess.guess(target) != 0;
    make(guess, {"app", authority, target}, arena);
    return told;
  };
  CHECK_FALSE(ask("a.test"));
  CHECK_FALSE(ask("a.test"));
  CHECK(ask("a.test"));
  CHECK(ask("b.test"));
  for (const char* authority : {"a.test", "b.test", "a.test", "b.test", "b.test"}) CHECK_FALSE(ask(authority));
  CHECK(ask("b.test"));
}

TEST_CASE("what is too long is not guessed", "[cache][key]") {
  KeyGuess guess;
  Arena arena;
  for (const char* target : {"/1", "/2"}) {
    guess.guess(target);
    make(guess, {"p", "a.test", target}, arena);
  }
  const std::size_t start = std::string("p http://a.test").size();
  const std::string longest = "/" + std::string(512 - start - 1, 'x');
  CHECK(guess.guess(longest) == hash({"p", "a.test", longest}));
  CHECK(guess.guess(longest + "x") == 0);
  CHECK(guess.guess("/") != 0);
  make(guess, {std::string(600, 'p'), "a.test", "/"}, arena);
  for (int i = 0; i < 2; ++i) {
    CHECK(guess.guess("/") == 0);
    CHECK(guess.guess("http://a.test/") == 0);
    make(guess, {std::string(600, 'p'), "a.test", "/"}, arena);
  }
}

TEST_CASE("a key is the same whatever was guessed", "[cache][key][property]") {
  const std::vector<std::string> partitions{"p", "app", std::string(300, 'q'), std::string(520, 'q')};
  const std::vector<std::string> authorities{"a.test", "b.test:81", std::string(250, 'h')};
  const std::vector<std::string> targets{"/",  "/x",   "/x?y=z", "/" + std::string(400, 'y'), "*", "http://a.test/x", "http://b.test:81/", "",
                                         "x",  "/x y"};
  std::mt19937 random(11);
  const auto one_of = [&random](const std::vector<std::string>& all) -> const std::string& { return all[random() % all.size()]; };
  KeyGuess guess;
  for (int i = 0; i < 20000; ++i) {
    for (unsigned guesses = random() % 3; guesses > 0; --guesses) guess.guess(one_of(targets));
    const Asked asked{one_of(partitions), one_of(authorities), one_of(targets)};
    CAPTURE(asked.partition, asked.authority, asked.target);
    Arena arena;
    const CacheKey key = make(guess, asked, arena);
    REQUIRE(key.text == asked.partition + " http://" + asked.authority + asked.target);
    REQUIRE(key.hash == hash_key(key.text));
  }
}
