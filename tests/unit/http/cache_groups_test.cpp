#include "freshet/http/cache_groups.hpp"

#include <catch2/catch.hpp>

#include "freshet/http/structured.hpp"

using namespace freshet;

namespace {

using Strings = std::vector<std::string>;

Fields fields(std::initializer_list<std::pair<const char*, std::string>> lines) {
  Fields all;
  for (const auto& [name, value] : lines) all.add(name, value);
  return all;
}

std::string shown(const std::optional<Strings>& list) {
  if (!list) return "invalid";
  std::string out;
  for (const std::string& item : *list) out += "[" + item + "]";
  return out;
}

std::string shown(const GroupNames& groups) { return shown(groups.names) + (groups.too_many ? " and more" : ""); }

std::string numbered(int count, const char* before, const char* after) {
  std::string out;
  for (int i = 0; i < count; ++i) out += (i > 0 ? after : "") + (before + std::to_string(i));
  return out;
}

}  // namespace

TEST_CASE("a list of strings is read strictly", "[http][structured][rfc9651-3.1]") {
  struct Case {
    const char *text, *expected;
  };
  const Case cases[] = {
      {"", ""},
      {"   ", ""},
      {R"("a")", "[a]"},
      {R"(  "a" , "b","c"  )", "[a][b][c]"},
      {"\"a\"\t,\t\"b\"", "[a][b]"},
      {R"("")", "[]"},
      {R"("a b,c;d")", "[a b,c;d]"},
      {R"("\"q\" \\")", "[\"q\" \\]"},
      {R"("a";p, "b";q=1;r="x,y")", "[a][b]"},  // parameters are ignored (RFC 9875 2)
      {R"("a","a")", "[a][a]"},
      {R"("a",)", "invalid"},
      {R"(,"a")", "invalid"},
      {R"("a",,"b")", "invalid"},
      {R"("a" "b")", "invalid"},
      {R"("a";P=1)", "invalid"},
      {R"("a";)", "invalid"},
      {R"("a)", "invalid"},
      {R"("\a")", "invalid"},
      {"\"a\tb\"", "invalid"},
      {"\"\xC3\xA9\"", "invalid"},
      {"\t\"a\"", "invalid"},
      {"token", "invalid"},
      {R"("a", 1)", "invalid"},
      {R"("a", ("b"))", "invalid"},
      {R"("a", :YQ==:)", "invalid"},
      {R"(a="b")", "invalid"},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    CHECK(shown(parse_list_of_strings(c.text)) == c.expected);
  }
  std::string long_one;
  for (int i = 0; i < 1024; ++i) long_one += (i > 0 ? ",\"\"" : "\"\"");
  CHECK(parse_list_of_strings(long_one)->size() == 1024);
  CHECK_FALSE(parse_list_of_strings(long_one + ",\"\""));
}

TEST_CASE("a response says what groups it is in", "[http][groups][rfc9875-2]") {
  struct Case {
    std::initializer_list<std::pair<const char*, std::string>> lines;
    const char* expected;
  };
  const Case cases[] = {
      {{{"Cache-Control", "max-age=60"}}, ""},
      {{{"Cache-Groups", R"("scripts")"}}, "[scripts]"},
      {{{"cache-groups", R"("b", "a";x=1, "b")"}}, "[a][b]"},
      {{{"Cache-Groups", R"("b")"}, {"Cache-Groups", R"("a")"}}, "[a][b]"},
      {{{"Cache-Groups", R"("a", "A")"}}, "[A][a]"},  // 2.1: case-sensitive
      {{{"Cache-Groups", R"("a", token)"}}, ""},      // a mistake: the whole field counts for nothing
      {{{"Cache-Groups", R"("a")"}, {"Cache-Groups", "b"}}, ""},
      {{{"Surrogate-Key", "  one  two\tthree "}}, "[one][three][two]"},
      {{{"Surrogate-Key", "one"}, {"Surrogate-Key", "two one"}}, "[one][two]"},
      {{{"Cache-Tag", "one, two words ,,three"}}, "[one][three][two words]"},
      {{{"Cache-Groups", "broken"}, {"Surrogate-Key", "a,b"}, {"Cache-Tag", "c"}}, "[a,b][c]"},
      {{{"Cache-Group-Invalidation", R"("a")"}}, ""},
  };
  for (const Case& c : cases) CHECK(shown(read_groups(fields(c.lines))) == c.expected);
  CHECK(shown(read_cache_groups(fields({{"Cache-Groups", R"("a")"}, {"Cache-Tag", "c"}}))) == "[a]");
}

TEST_CASE("groups are counted", "[http][groups][rfc9875-2]") {
  const std::string name(32, 'x');
  Fields enough;
  for (int i = 0; i < 32; ++i) enough.add("Cache-Groups", "\"" + name + std::to_string(i) + "\"");
  CHECK(read_groups(enough).names.size() == 32);
  CHECK(read_groups(fields({{"Cache-Tag", numbered(128, "g", ",")}})).names.size() == 128);
  CHECK_FALSE(read_groups(fields({{"Cache-Tag", numbered(128, "g", ",") + ",g1,g2"}})).too_many);
  for (const int many : {129, 10'000}) {
    const GroupNames groups = read_groups(fields({{"Surrogate-Key", numbered(many, "g", " ")}}));
    CHECK(groups.too_many);
    CHECK(groups.names.size() == kMostGroups);
  }
}

TEST_CASE("a response says what groups it invalidates", "[http][groups][rfc9875-3]") {
  CHECK(shown(read_invalidated_groups(fields({{"Cache-Group-Invalidation", R"("a", "b";x)"}, {"Cache-Groups", R"("c")"}}))) == "[a][b]");
  CHECK(shown(read_invalidated_groups(fields({{"Cache-Group-Invalidation", "a"}}))) == "");
  CHECK(shown(read_invalidated_groups(fields({}))) == "");
}

TEST_CASE("two of the fields are not for clients", "[http][groups]") {
  CHECK(has_private_group_fields(fields({{"surrogate-key", "a"}})));
  CHECK(has_private_group_fields(fields({{"Age", "1"}, {"Cache-Tag", ""}})));
  CHECK_FALSE(has_private_group_fields(fields({{"Cache-Groups", "\"a\""}})));
  CHECK(has_group_fields(fields({{"Cache-Groups", "\"a\""}})));
  CHECK_FALSE(has_group_fields(fields({{"Cache-Group-Invalidation", "\"a\""}, {"Surrogate-Control", "x"}})));
}
