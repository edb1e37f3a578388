#include "freshet/base/pin.hpp"

#include <catch2/catch.hpp>
#include <thread>
#include <utility>
#include <vector>

using namespace freshet;

namespace {

struct Counted final : Pinned {
  explicit Counted(int& deaths) : deaths_(deaths) {}
  ~Counted() override { ++deaths_; }
  int& deaths_;
};

struct Recycled final : Pinned {
  explicit Recycled(int& returns) : returns_(returns) {}
  void destroy() noexcept override { ++returns_; }
  int& returns_;
};

}  // namespace

TEST_CASE("the last reference destroys the object", "[base][pin]") {
  int deaths = 0;
  {
    auto a = make_ref<Counted>(deaths);
    CHECK(a->references() == 1);
    {
      Ref<Counted> b = a;
      CHECK(a->references() == 2);
      CHECK(a == b);
    }
    CHECK(a->references() == 1);
    CHECK(deaths == 0);
  }
  CHECK(deaths == 1);
}

TEST_CASE("moving a reference does not count", "[base][pin]") {
  int deaths = 0;
  auto a = make_ref<Counted>(deaths);
  Ref<Counted> b = std::move(a);
  CHECK_FALSE(a);  // NOLINT: what is left of it is specified
  CHECK(b->references() == 1);
  Pin pin = std::move(b);
  CHECK(pin->references() == 1);
  pin = nullptr;
  CHECK(deaths == 1);
}

TEST_CASE("assignment releases the old object and survives assigning itself", "[base][pin]") {
  int first = 0, second = 0;
  auto a = make_ref<Counted>(first);
  auto b = make_ref<Counted>(second);
  const auto& same = a;
  a = same;
  CHECK(first == 0);
  a = b;
  CHECK(first == 1);
  CHECK(b->references() == 2);
}

TEST_CASE("detach gives the reference away", "[base][pin]") {
  int deaths = 0;
  auto a = make_ref<Counted>(deaths);
  Counted* raw = a.detach();
  CHECK_FALSE(a);
  CHECK(raw->references() == 1);
  raw->release();
  CHECK(deaths == 1);
}

TEST_CASE("a type may decide itself what happens at the end", "[base][pin]") {
  int returns = 0;
  Recycled object(returns);
  { const Ref<Recycled> a(&object); }
  { const Ref<Recycled> a(&object); }
  CHECK(returns == 2);
}

TEST_CASE("several threads may copy and drop references to one object", "[base][pin]") {
  int deaths = 0;
  auto shared = make_ref<Counted>(deaths);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([mine = shared] {
      for (int n = 0; n < 10'000; ++n) const Ref<Counted> copy = mine;
    });
  for (auto& thread : threads) thread.join();
  threads.clear();
  CHECK(shared->references() == 1);
  CHECK(deaths == 0);
  shared = nullptr;
  CHECK(deaths == 1);
}
