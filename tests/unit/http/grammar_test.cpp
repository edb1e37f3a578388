#include "freshet/http/grammar.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

using namespace freshet;

namespace {

std::vector<std::string> members(std::string_view list) {
  std::vector<std::string> out;
  ListReader reader(list);
  for (std::string_view member; reader.next(member);) out.emplace_back(member);
  return out;
}

// "name" or "name=value", one after the other.
std::vector<std::string> parts(std::string_view text, char separator) {
  std::vector<std::string> out;
  ParameterReader reader(text, separator);
  std::string_view name, value;
  for (bool has_value = false; reader.next(name, value, has_value);)
    out.push_back(std::string(name) + (has_value ? "=" + std::string(value) : ""));
  return out;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("a tchar is a letter, a digit or one of fifteen signs", "[http][grammar][rfc9110-5.6.2]") {
  const std::string all = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (int i = 0; i < 256; ++i) {
    CAPTURE(i);
    CHECK(is_tchar(static_cast<char>(i)) == (all.find(static_cast<char>(i)) != std::string::npos));
  }
}

TEST_CASE("a token has at least one tchar and nothing else", "[http][grammar][rfc9110-5.6.2]") {
  CHECK(is_token("a"));
  CHECK(is_token("X-Y_z.1~"));
  for (const char* bad : {"", " a", "a ", "a b", "a:", "\"a\"", "a/b", "a,b", "\xC3\xA4", "a\x7f", "(a)"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_token(bad));
  }
  CHECK_FALSE(is_token(std::string_view("a\0b", 3)));
}

TEST_CASE("a field value holds no control byte but the tab", "[http][grammar][rfc9110-5.5]") {
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    CAPTURE(i);
    CHECK(is_field_value(std::string_view(&c, 1)) == (i == '\t' || (i >= 0x20 && i != 0x7F)));
  }
  CHECK(is_field_value(""));
  CHECK_FALSE(is_field_value("a\r\nEvil: 1"));
}

TEST_CASE("a list is split at commas outside quotes, and empty members are skipped", "[http][grammar][rfc9110-5.6.1]") {
  CHECK(members("") == Strings{});
  CHECK(members(" , ,\t,") == Strings{});
  CHECK(members("a") == Strings{"a"});
  CHECK(members(", a ,,\tb\t, c,") == Strings{"a", "b", "c"});
  CHECK(members("\"a, b\", c") == Strings{"\"a, b\"", "c"});
  CHECK(members("x=\"a\\\", b\", c") == Strings{"x=\"a\\\", b\"", "c"});
  CHECK(members("a b, c") == Strings{"a b", "c"});
  CHECK(members("\"\",\"\"") == Strings{"\"\"", "\"\""});
}

TEST_CASE("nothing hides behind a quote that is not closed", "[http][grammar][rfc9110-5.6.4]") {
  CHECK(members("\"a, b") == Strings{"\"a", "b"});
  CHECK(members("x=\"1, no-store") == Strings{"x=\"1", "no-store"});
  CHECK(members("\"a\", \"b\\\", c") == Strings{"\"a\"", "\"b\\\"", "c"});
  CHECK(members("\"") == Strings{"\""});
  CHECK(members("\"\\") == Strings{"\"\\"});
  CHECK(parts("a=\"1, b=2", ',') == Strings{"a=\"1", "b=2"});
}

TEST_CASE("a walk over a long list of unclosed quotes takes linear time", "[http][grammar]") {
  std::string hostile;
  for (int i = 0; i < 300'000; ++i) hostile += "\",\\";
  const auto start = std::chrono::steady_clock::now();
  CHECK(members(hostile).size() == 300'001);
  CHECK(parts(hostile, ',').size() == 300'001);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));  // quadratic: minutes
}

TEST_CASE("parameters are split at their separator, with or without a value", "[http][grammar][rfc9110-5.6.6]") {
  CHECK(parts("", ';') == Strings{});
  CHECK(parts(";; ;", ';') == Strings{});
  CHECK(parts("a", ';') == Strings{"a"});
  CHECK(parts("a=", ';') == Strings{"a="});
  CHECK(parts("a=1;b = 2 ; c", ';') == Strings{"a=1", "b=2", "c"});
  CHECK(parts("a=\"x;y\";b=\"\\\";\"", ';') == Strings{"a=\"x;y\"", "b=\"\\\";\""});
  CHECK(parts("a=b=c", ';') == Strings{"a=b=c"});
  CHECK(parts("=5", ';') == Strings{"=5"});
  CHECK(parts("max-age =\t3600, no-cache=\"a, b\"", ',') == Strings{"max-age=3600", "no-cache=\"a, b\""});
  CHECK(parts("a;b,c", ',') == Strings{"a;b", "c"});
}

TEST_CASE("unquote gives the content of a quoted-string and tokens as they are", "[http][grammar][rfc9110-5.6.4]") {
  CHECK(unquote("abc") == "abc");
  CHECK(unquote("\"\"") == "");
  CHECK(unquote("\"a b\"") == "a b");
  CHECK(unquote("\"a\\\"b\\\\c\\d\"") == "a\"b\\cd");
  CHECK(unquote("\"\xC3\xA4\t\"") == "\xC3\xA4\t");
  for (const char* bad :
       {"", "\"", "\"a", "a\"", "\"a\"b", "\"a\"\"", "\"a\\\"", "a b", "'a'x,", "\"\x01\"", "\"\x7f\"", "\"a\rb\""}) {
    CAPTURE(bad);
    CHECK_FALSE(unquote(bad));
  }
}

TEST_CASE("a weight goes from 0 to 1 with three decimals at most", "[http][grammar][rfc9110-12.4.2]") {
  CHECK(parse_qvalue("0") == 0);
  CHECK(parse_qvalue("0.") == 0);
  CHECK(parse_qvalue("0.0") == 0);
  CHECK(parse_qvalue("0.5") == 500);
  CHECK(parse_qvalue("0.05") == 50);
  CHECK(parse_qvalue("0.123") == 123);
  CHECK(parse_qvalue("0.999") == 999);
  CHECK(parse_qvalue("1") == 1000);
  CHECK(parse_qvalue("1.") == 1000);
  CHECK(parse_qvalue("1.000") == 1000);
  for (const char* bad : {"", "2", "1.1", "1.001", "0.1234", "0.0000", "1.0000", "-0", "+1", ".5", "0,5", "0.a", "01",
                          "0 ", " 0", "10", "0..1", "1e0"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_qvalue(bad));
  }
}

TEST_CASE("a list contains a member as a whole, in any case", "[http][grammar][rfc9110-5.6.1]") {
  CHECK(list_contains("a, CLOSE ,b", "close"));
  CHECK(list_contains("close", "close"));
  CHECK_FALSE(list_contains("", "close"));
  CHECK_FALSE(list_contains("closed, x-close", "close"));
  CHECK_FALSE(list_contains("\"a, close, b\"", "close"));
  CHECK(list_contains("\"a, close, b", "close"));
  CHECK_FALSE(list_contains("close;q=1", "close"));
}
