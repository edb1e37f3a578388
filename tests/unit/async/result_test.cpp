#include "freshet/async/result.hpp"

#include <stdexcept>

namespace freshet {
namespace {

Result<std::string> answer(bool good) {
  if (!good) return Failure(Reason::DnsFailed, Side::Origin, 502, Retry::Yes);
  return std::string("value");
}

TEST_CASE("a result is a value or a failure", "[async][result]") {
  const auto good = answer(true);
  REQUIRE(good.has_value());
  CHECK(*good == "value");
  const auto bad = answer(false);
  REQUIRE_FALSE(bad.has_value());
  CHECK(bad.error().reason == Reason::DnsFailed);
  CHECK(bad.error().side == Side::Origin);
  CHECK(bad.error().status == 502);
  CHECK(bad.error().retry == Retry::Yes);
}

TEST_CASE("a failure that nobody filled in is ours, final and without an answer", "[async][result]") {
  const Failure failure;
  CHECK(failure.reason == Reason::Internal);
  CHECK(failure.side == Side::Self);
  CHECK(failure.retry == Retry::No);
  CHECK(failure.status == 0);
}

TEST_CASE("using a failure as a value throws, and says which failure it was", "[async][result]") {
  const auto bad = answer(false);
  CHECK_THROWS_WITH(bad.value(), "a failure was used as a value: dns-failed");
  CHECK_THROWS_AS(bad.value(), std::logic_error);
}

TEST_CASE("a result without a value can fail as well", "[async][result]") {
  const Result<void> good;
  CHECK(good.has_value());
  const Result<void> bad = Failure(Reason::ConnectionReset, Side::Origin, 502, Retry::IfReused);
  REQUIRE_FALSE(bad.has_value());
  CHECK(bad.error().retry == Retry::IfReused);
}

}  // namespace
}  // namespace freshet
