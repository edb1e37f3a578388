#include "freshet/net/wheel_pause.hpp"

#include <catch2/catch.hpp>

#include "support/fake_clock.hpp"
#include "support/run_loop.hpp"

using namespace freshet;
using namespace freshet::test;

TEST_CASE("a pause ends when the wheel has come to its time", "[net][deadline]") {
  FakeClock clock;
  DeadlineWheel wheel(clock.now().steady, Milliseconds(100));
  WheelPause pause(wheel);
  boost::asio::io_context loop{1};
  auto one = start(loop, pause.wait(Milliseconds(1000)));
  auto two = start(loop, pause.wait(Milliseconds(2000)));
  run_ready(loop);
  const auto pass = [&](int milliseconds) {
    clock.advance(Milliseconds(milliseconds));
    wheel.advance(clock.now().steady);
    run_ready(loop);
  };
  pass(900);
  CHECK_FALSE(one.done());
  pass(100);
  CHECK(one.done());
  CHECK_FALSE(two.done());
  pass(1000);
  CHECK(two.done());
  CHECK(wheel.armed() == 0);
}

TEST_CASE("a pause that goes with its loop leaves nothing on the wheel", "[net][deadline]") {
  FakeClock clock;
  DeadlineWheel wheel(clock.now().steady, Milliseconds(100));
  WheelPause pause(wheel);
  {
    boost::asio::io_context loop{1};
    auto waiting = start(loop, pause.wait(Milliseconds(1000)));
    run_ready(loop);
    CHECK(wheel.armed() == 1);
  }
  CHECK(wheel.armed() == 0);
}
