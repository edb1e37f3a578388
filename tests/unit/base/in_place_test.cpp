#include "freshet/base/in_place.hpp"

#include <catch2/catch.hpp>
#include <optional>
#include <string>

using namespace freshet;

namespace {

struct Fixed {  // cannot be moved
  explicit Fixed(std::string text) : said(std::move(text)), at(this) {}
  Fixed(const Fixed&) = delete;
  Fixed& operator=(const Fixed&) = delete;
  std::string said;
  const Fixed* at;
};

std::optional<std::string> long_text() noexcept { return std::string(100, 'x'); }

}  // namespace

TEST_CASE("an object becomes what was made in its place", "[base]") {
  Fixed fixed(std::string(100, 'a'));
  make_in_place(fixed, []() noexcept { return Fixed("b"); });
  CHECK(fixed.said == "b");
  CHECK(fixed.at == &fixed);

  std::optional<std::string> text(std::string(200, 'y'));
  make_in_place(text, []() noexcept { return long_text(); });
  CHECK(text == std::string(100, 'x'));
  make_in_place(text, []() noexcept { return std::optional<std::string>(); });
  CHECK_FALSE(text);
}
