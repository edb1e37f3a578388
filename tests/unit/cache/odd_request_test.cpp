#include "freshet/cache/odd_request.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "parts.hpp"

using namespace freshet;
using test::get;

TEST_CASE("P7: what may provoke an error by more than the key is odd", "[cache][odd_request]") {
  CHECK_FALSE(is_odd(get("")));
  CHECK_FALSE(is_odd(
      get("User-Agent: Mozilla/5.0 (X11; Linux x86_64) \"q\" `quoted`|Cookie: a=b; c=d%20e|If-None-Match: W/\"x\"")));
  for (const std::string byte : {"<", ">", "{", "}", "\\", "^", "$", "\xE4", "\xFF"}) {
    CAPTURE(byte);
    CHECK(is_odd(get(("A: b|X: a" + byte + "b").c_str())));
  }
  for (const std::size_t size : {4000U, 5000U})
    CHECK(is_odd(get(("X: " + std::string(size, 'y')).c_str())) == (size == 5000U));
  std::string lines = "A: 1";
  for (int i = 1; i < 50; ++i) lines += "|A: 1";
  CHECK_FALSE(is_odd(get(lines.c_str())));
  CHECK(is_odd(get((lines + "|A: 1").c_str())));
}
