#include "freshet/base/reason.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "freshet/base/ascii.hpp"

using namespace freshet;

TEST_CASE("every reason has a word of its own that suits logs, labels and structured fields", "[base][reason]") {
  std::set<std::string_view> words;
  const auto check = [&words](Reason reason, std::string_view expected) {
    const std::string_view spelling = word(reason);
    CAPTURE(spelling);
    CHECK(spelling == expected);
    CHECK(words.insert(spelling).second);
    CHECK(ascii::is_alpha(spelling.front()));
    CHECK(std::all_of(spelling.begin(), spelling.end(), [](char c) {
      return (ascii::is_alpha(c) && c == ascii::lower(c)) || ascii::is_digit(c) || c == '-';
    }));
  };
#define REASON(id, word, text) check(Reason::id, word);
#include "freshet/base/reasons.def"
#undef REASON
  CHECK(words.size() > 50);
}

TEST_CASE("every reason has a sentence without a full stop", "[base][reason]") {
  const auto check = [](Reason reason) {
    const std::string_view sentence = text(reason);
    CAPTURE(sentence);
    CHECK(sentence.size() > 5);
    CHECK(sentence.back() != '.');
    CHECK(sentence.find('\n') == std::string_view::npos);
  };
#define REASON(id, word, text) check(Reason::id);
#include "freshet/base/reasons.def"
#undef REASON
}

TEST_CASE("no reason is the first one", "[base][reason]") {
  CHECK(static_cast<int>(Reason::None) == 0);
  CHECK(word(Reason{}) == "none");
}
