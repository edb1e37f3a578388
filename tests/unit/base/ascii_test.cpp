#include "freshet/base/ascii.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace freshet;

TEST_CASE("the character classes hold exactly their ASCII characters", "[base][ascii]") {
  const std::string digits = "0123456789", lower = "abcdefghijklmnopqrstuvwxyz", upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const auto in = [](const std::string& set, char c) { return set.find(c) != std::string::npos; };
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    CAPTURE(i);
    CHECK(ascii::is_digit(c) == in(digits, c));
    CHECK(ascii::is_alpha(c) == (in(lower, c) || in(upper, c)));
    CHECK(ascii::is_hex(c) == in(digits + "abcdefABCDEF", c));
    CHECK(ascii::is_space(c) == (c == ' ' || c == '\t'));
    const auto at = upper.find(c);
    CHECK(ascii::lower(c) == (at == std::string::npos ? c : lower[at]));
  }
}

TEST_CASE("comparison without case folds letters only", "[base][ascii]") {
  CHECK(ascii::iequals("", ""));
  CHECK(ascii::iequals("Content-Length", "cONTENT-lENGTH"));
  CHECK_FALSE(ascii::iequals("a", "ab"));
  CHECK_FALSE(ascii::iequals("[", "{"));
  CHECK_FALSE(ascii::iequals("@", "`"));
  CHECK_FALSE(ascii::iequals("-", "\r"));
  CHECK_FALSE(ascii::iequals("\xC4", "\xE4"));
}

TEST_CASE("trim drops spaces and tabs at the ends only", "[base][ascii][rfc9110-5.6.3]") {
  CHECK(ascii::trim("") == "");
  CHECK(ascii::trim(" \t ") == "");
  CHECK(ascii::trim("\t a b\t") == "a b");
  CHECK(ascii::trim("\ra\n") == "\ra\n");
  CHECK(ascii::trim("\va") == "\va");
}

TEST_CASE("a decimal is digits and nothing else, up to the largest number", "[base][ascii]") {
  CHECK(ascii::parse_decimal("0") == 0);
  CHECK(ascii::parse_decimal("007") == 7);
  CHECK(ascii::parse_decimal("18446744073709551614") == UINT64_MAX - 1);
  CHECK(ascii::parse_decimal("18446744073709551615") == UINT64_MAX);
  CHECK(ascii::parse_decimal("00000000000000000000018446744073709551615") == UINT64_MAX);
  for (const char* bad : {"", "+1", "-1", " 1", "1 ", "1,", "0x1", "1e3", "1.0", "18446744073709551616",
                          "18446744073709551620", "28446744073709551615", "99999999999999999999999"}) {
    CAPTURE(bad);
    CHECK_FALSE(ascii::parse_decimal(bad));
  }
  CHECK_FALSE(ascii::parse_decimal(std::string_view("1\0", 2)));
}
