#include "freshet/auth/basic.hpp"

#include <catch2/catch.hpp>

using namespace freshet;

TEST_CASE("Basic credentials are a name and a password behind base64", "[auth][7617-2]") {
  struct Row {
    std::string_view text, user, password;
  };
  const Row rows[] = {{"QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"},
                      {"dGVzdDoxMjPCow==", "test", "123\xc2\xa3"},  // RFC 7617 2.1
                      {"YTo=", "a", ""},
                      {"YTpiOmM=", "a", "b:c"}};
  Arena arena;
  for (const Row& row : rows) {
    INFO(row.text);
    const auto found = decode_basic(row.text, arena);
    REQUIRE(found);
    CHECK(found->user == row.user);
    CHECK(found->password == row.password);
  }
}

TEST_CASE("Basic credentials that could be read in two ways, or break a log, are refused", "[auth][7617-2]") {
  Arena arena;
  const std::string_view rows[] = {"",
                                   "YTo",        // no padding
                                   "YTo==",      // too much of it
                                   "YTp=",       // bits that nobody reads are not zero
                                   "YT p",       // a space
                                   "YTpi-_==",   // base64url
                                   "YQ==",       // no colon
                                   "OmI=",       // no user
                                   "YTpiAA==",   // NUL
                                   "YQo6Yg==",   // line feed
                                   "YTp/",       // DEL
                                   "YTrA",       // not UTF-8
                                   "YTrAgA==",   // a character that is longer than it has to be
                                   "YTrtoIA="};  // a surrogate
  for (const auto row : rows) {
    INFO(row);
    CHECK_FALSE(decode_basic(row, arena));
  }
}

TEST_CASE("a password longer than crypt takes is refused before anybody spends time on it", "[auth]") {
  Arena arena;
  // "a:" and 510 bytes of 'U' in base64: 3 bytes of "UUU" are "VVVV".
  std::string text = "YTpV";
  for (int i = 0; i < 170; ++i) text += "VVVV";
  REQUIRE(decode_basic(text, arena));
  CHECK(decode_basic(text, arena)->password.size() == 511);
  CHECK_FALSE(decode_basic(text + "VVVV", arena));
}

TEST_CASE("UTF-8 is checked to the letter", "[auth][3629]") {
  for (const std::string_view good :
       {"", "a", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    CHECK(is_utf8(good));
  for (const std::string_view bad : {"\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                                     "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"})
    CHECK_FALSE(is_utf8(bad));
}
