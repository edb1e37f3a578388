#include "freshet/http/no_vary_search.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "freshet/http/structured.hpp"

using namespace freshet;

namespace {

UrlVariation parse(std::initializer_list<const char*> lines) {
  Fields fields;
  for (const char* line : lines) fields.add(FieldId::NoVarySearch, line);
  return parse_no_vary_search(fields);
}

/// "default", or what does not matter: "order", "all but a b", "a b".
std::string shown(const UrlVariation& variation) {
  if (variation.is_default()) return "default";
  std::string out = variation.any_order ? "order" : "";
  const auto word = [&out](const std::string& text) { out += (out.empty() ? "" : " ") + text; };
  if (variation.only_named) word(variation.names.empty() ? "all" : "all but");
  for (const std::string& name : variation.names) word(name);
  return out;
}

bool equivalent(std::string_view a, std::string_view b, const char* rule) {
  const UrlVariation variation = parse({rule});
  return canonical_query(a, variation).value() == canonical_query(b, variation).value();
}

}  // namespace

TEST_CASE("No-Vary-Search is read strictly", "[http][no-vary-search-4.1]") {
  struct Row {
    const char *value, *meaning;
  };
  const Row rows[] = {
      {"key-order", "order"},
      {"key-order=?1", "order"},
      {"params", "all"},
      {"params=?1", "all"},
      {"params=(\"a\")", "a"},
      {"params=(\"b\" \"a\" \"b\")", "a b"},
      {"params=(\"a\";x=1 \"b\");y", "a b"},
      {"params, except=(\"x\")", "all but x"},
      {"except=(\"x\")", "all but x"},
      {"except=()", "all"},
      {"key-order, params, except=(\"x\" \"y\")", "order all but x y"},
      {"key-order, params=(\"a\")", "order a"},
      {"params=(\"a\"), unknown=7", "a"},
      {"key-order;p=1", "order"},
      // Not harmful, and nothing new.
      {"params=?0", "default"},
      {"params=()", "default"},
      {"key-order=?0", "default"},
      {"unknown", "default"},
      // Not to be understood.
      {"", "default"},
      {"key-order=\"a\"", "default"},
      {"key-order=1", "default"},
      {"key-order=()", "default"},
      {"key-order=1, params=(\"a\")", "default"},
      {"params=\"a\"", "default"},
      {"params=a", "default"},
      {"params=(a)", "default"},
      {"params=(\"a\" 1)", "default"},
      {"params=(\"a\"), except=(\"x\")", "default"},
      {"params=(), except=()", "default"},
      {"params=?0, except=(\"x\")", "default"},
      {"except=\"x\"", "default"},
      {"except=?1", "default"},
      {"except=(x)", "default"},
      {"params, except=(x)", "default"},
      {"key-order, params=(\"a\"", "default"},
      {"key-order,", "default"},
      {"Key-Order", "default"},
      {"params=(\"%FF\")", "default"},
  };
  for (const Row& row : rows) {
    INFO(row.value);
    CHECK(shown(parse({row.value})) == row.meaning);
  }
  CHECK(shown(parse({})) == "default");
  CHECK(shown(parse({"key-order", "params=(\"a\")"})) == "order a");
  CHECK(shown(parse({"params=(\"a\")", "params=(\"b\")"})) == "b");
  CHECK(shown(parse({"params=(\"a\")", "&"})) == "default");
}

TEST_CASE("names are decoded like parameters", "[http][no-vary-search-4.3]") {
  CHECK(parse({"params=(\"%C3%A9+%E6%B0%97\")"}).names == std::vector<std::string>{"\xC3\xA9 \xE6\xB0\x97"});
  CHECK(parse({"params=(\"a\\\"b\" \"c\\\\d\")"}).names == std::vector<std::string>{"a\"b", "c\\d"});
}

TEST_CASE("rules that are too large are none", "[http][no-vary-search]") {
  const auto with = [](std::size_t count, std::size_t size) {
    std::string value = "params=(";
    for (std::size_t i = 0; i < count; ++i) value += '"' + std::string(size, 'x') + std::to_string(i) + "\" ";
    return shown(parse({(value + ")").c_str()}));
  };
  CHECK(with(64, 1) != "default");
  CHECK(with(65, 1) == "default");
  CHECK(with(1, 2000) != "default");
  CHECK(with(1, 2048) == "default");
}

TEST_CASE("queries are equivalent when they differ in what does not matter only", "[http][no-vary-search-5]") {
  struct Row {
    const char *rule, *a, *b;
    bool equivalent;
  };
  const Row rows[] = {
      {"key-order", "a=1&b=2", "b=2&a=1", true},
      {"key-order", "a=1&b=2", "a=2&b=1", false},
      {"key-order", "a=1&a=2", "a=2&a=1", false},  // parameters of one name keep their order
      {"key-order", "b=3&a=1&a=2", "a=1&b=3&a=2", true},
      {"params=(\"a\")", "a=1&b=2", "b=2&a=9", true},
      {"params=(\"a\")", "a=1&b=2", "b=2", true},
      {"params=(\"a\")", "a=1&b=2", "a=1&b=3", false},
      {"params=(\"a\")", "b=1&c=2", "c=2&b=1", false},
      {"params=(\"a\")", "A=1", "A=2", false},
      {"params", "a=1", "b=2&c", true},
      {"params", "a=1", "", true},
      {"except=(\"a\")", "a=1&b=2", "c=3&a=1", true},
      {"except=(\"a\")", "a=1&b=2", "b=2&a=2", false},
      {"except=(\"a\")", "a=1", "", false},
      {"except=(\"a\" \"b\")", "a=1&b=2", "b=2&a=1", false},
      {"key-order, except=(\"a\" \"b\")", "a=1&b=2&c", "b=2&a=1", true},
      // What the parser makes equal.
      {"key-order", "a=x", "%61=%78", true},
      {"key-order", "a=\xC3\xA9", "a=%C3%A9", true},
      {"key-order", "a=%f6", "a=%ef%bf%bd", true},
      {"key-order", "a=%f6", "a=%f7", true},
      {"key-order", "a=x&&&&", "a=x", true},
      {"key-order", "a=", "a", true},
      {"key-order", "a=%20", "a= &", true},
      {"key-order", "a=+", "a= &", true},
      {"key-order", "a=%2b", "a=+", false},
      {"key-order", "a=%", "a=%25", true},
      {"key-order", "a=%4", "a=%254", true},
      {"key-order", "a=%zz", "a=%25zz", true},
      {"key-order", "a%3Db=c", "a=b%3Dc", false},
      {"key-order", "a=b=c", "a=b%3Dc", true},
      {"key-order", "a=1%26b=2", "a=1&b=2", false},
      {"key-order", "=", "", false},
      {"key-order", "=", "&=&", true},
      {"key-order", "=a", "a", false},
      {"params=(\"\")", "=1&b", "b", true},
      {"params=(\"%C3%A9\")", "\xC3\xA9=1", "%c3%A9=2", true},
      {"params=(\"a+b\")", "a%20b=1", "a+b=2", true},
      {"except=(\"%EF%BF%BD\")", "%ff=1", "%ff=2", false},
  };
  for (const Row& row : rows) {
    INFO(row.rule << ": " << row.a << " / " << row.b);
    CHECK(equivalent(row.a, row.b, row.rule) == row.equivalent);
    CHECK(equivalent(row.b, row.a, row.rule) == row.equivalent);
  }
}

TEST_CASE("malformed UTF-8 becomes one replacement character for each maximal part", "[http][no-vary-search-5]") {
  const UrlVariation rule = parse({"key-order"});
  const auto replacements = [&](const char* query) {
    const std::string canonical = canonical_query(query, rule).value();
    std::size_t n = 0;
    for (std::size_t at = canonical.find("%EF%BF%BD"); at != std::string::npos;
         at = canonical.find("%EF%BF%BD", at + 1))
      ++n;
    return n;
  };
  CHECK(replacements("%C3%A9") == 0);
  CHECK(replacements("%F0%9F%92%A9") == 0);
  CHECK(replacements("%80") == 1);
  CHECK(replacements("%C0%80") == 2);  // overlong
  CHECK(replacements("%E1%80") == 1);  // cut short
  CHECK(replacements("%E1%80x") == 1);
  CHECK(replacements("%E1%E1%80%80") == 1);
  CHECK(replacements("%ED%A0%80") == 3);  // a surrogate
  CHECK(replacements("%F4%90%80%80") == 4);
  CHECK(replacements("%F0%9F%92") == 1);
}

TEST_CASE("what is canonical stays as it is", "[http][no-vary-search][property]") {
  for (const char* rule : {"key-order", "params=(\"a\")", "key-order, except=(\"b\" \"c\")"}) {
    const UrlVariation variation = parse({rule});
    for (const char* query : {"", "a=1&b=2&c=3", "c=3&b=2&a=1&b=1", "b=%f6+%26%3D&=&c", "%62=%20"}) {
      const std::string canonical = canonical_query(query, variation).value();
      INFO(rule << ": " << query << " -> " << canonical);
      CHECK(canonical_query(canonical, variation) == canonical);
    }
  }
}

TEST_CASE("a query with too many parameters is equivalent to none", "[http][no-vary-search]") {
  std::string query;
  for (std::size_t i = 0; i < kMostParameters; ++i) query += "a&";
  CHECK(canonical_query(query, parse({"params"})) == "");
  CHECK_FALSE(canonical_query(query + "a", parse({"params"})));
}

TEST_CASE("a list of strings is strings alone", "[http][structured][rfc9651-4.2.1.2]") {
  using Strings = std::vector<std::string>;
  CHECK(parse_string_list("()") == Strings{});
  CHECK(parse_string_list("(\"a\" \"\"  \"b\\\"\\\\\")") == Strings{"a", "", "b\"\\"});
  CHECK(parse_string_list("(\"a\";p=\"x)\" \"b\")") == Strings{"a", "b"});
  for (const char* bad : {"", "(", "a", "(a)", "(\"a\"", "(\"a\" 1)", "(\"a\") ", "(?1)"})
    CHECK_FALSE(parse_string_list(bad));
}
