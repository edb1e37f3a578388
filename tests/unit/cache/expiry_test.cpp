#include "freshet/cache/expiry.hpp"

#include <catch2/catch.hpp>
#include <list>
#include <map>
#include <random>
#include <set>

using namespace freshet;

namespace {

struct Node : ExpiryNode {
  std::int64_t due = 0;
};

Node* pop(ExpiryWheel& wheel, std::int64_t now, std::size_t work = SIZE_MAX) {
  return static_cast<Node*>(wheel.pop_due(now, work));
}

}  // namespace

TEST_CASE("a node is due never early and at most a tick late, at any distance", "[cache][expiry]") {
  for (const std::int64_t distance :
       {0, 1, 3, 4, 5, 255, 256, 257, 1000, 16383, 16384, 16385, 100000, 1048575, 1048576, 3000000}) {
    ExpiryWheel wheel(500);
    Node node;
    wheel.add(node, 500 + distance);
    INFO(distance);
    if (distance > 0) CHECK(pop(wheel, 500 + distance - 1) == nullptr);
    CHECK(pop(wheel, 500 + distance + ExpiryWheel::kTick - 1) == &node);
    CHECK(pop(wheel, 500 + distance + 100) == nullptr);
    CHECK(wheel.size() == 0);
  }
}

TEST_CASE("what is past is due at once, and what is beyond reach is kept", "[cache][expiry]") {
  ExpiryWheel wheel(1000000);
  Node past, far;
  CHECK(pop(wheel, 1000400) == nullptr);
  wheel.add(past, 5);
  wheel.add(far, INT64_MAX / 2);
  CHECK(pop(wheel, 1000400) == &past);
  CHECK(pop(wheel, 1000400 + 3600 * 24 * 365) == nullptr);
  CHECK(wheel.size() == 1);
  wheel.remove(far);
  wheel.remove(far);
  CHECK(wheel.size() == 0);
}

TEST_CASE("work is bounded, and what is left comes later", "[cache][expiry]") {
  ExpiryWheel wheel(0);
  std::list<Node> nodes(1000);
  for (Node& node : nodes) wheel.add(node, 100000);
  std::size_t found = 0, calls = 0;
  for (; found < nodes.size() && calls < 100000; ++calls) {
    std::size_t work = 10;
    for (std::size_t before = work; work > 0; before = work) {
      ExpiryNode* const node = wheel.pop_due(200000, work);
      if (node == nullptr) break;
      CHECK(work < before);
      ++found;
    }
  }
  CHECK(found == nodes.size());
  CHECK(calls > nodes.size() / 10);
}

TEST_CASE("any order of additions and removals comes out in time", "[cache][expiry][property]") {
  std::mt19937_64 random(1);
  ExpiryWheel wheel(77);
  std::list<Node> nodes(2000);
  std::set<Node*> in, out;
  for (Node& node : nodes) out.insert(&node);
  std::int64_t now = 77;
  const auto any = [&random](std::set<Node*>& set) {
    return *std::next(set.begin(), static_cast<std::ptrdiff_t>(random() % set.size()));
  };
  for (int round = 0; round < 3000; ++round) {
    for (int i = 0; i < 5 && !out.empty(); ++i) {
      Node* node = any(out);
      node->due = now + static_cast<std::int64_t>(random() % (1u << (random() % 22)));
      wheel.add(*node, node->due);
      out.erase(node), in.insert(node);
    }
    if (!in.empty() && random() % 3 == 0) {
      Node* node = any(in);
      wheel.remove(*node);
      in.erase(node), out.insert(node);
    }
    now += static_cast<std::int64_t>(random() % (random() % 50 == 0 ? 5000 : 30));
    while (Node* node = pop(wheel, now)) {
      REQUIRE(in.contains(node));
      REQUIRE(node->due <= now);
      in.erase(node), out.insert(node);
    }
    for (Node* node : in) REQUIRE(node->due + ExpiryWheel::kTick > now);
    REQUIRE(wheel.size() == in.size());
  }
}
