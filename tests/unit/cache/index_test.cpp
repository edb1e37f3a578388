#include "freshet/cache/index.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <list>
#include <random>
#include <vector>

using namespace freshet;

namespace {

struct Node : IndexNode {
  explicit Node(std::uint64_t hash) : IndexNode(hash) {}
};

std::vector<IndexNode*> all_of(const Index& index, std::uint64_t hash) {
  std::vector<IndexNode*> nodes;
  for (IndexNode* node = index.first(hash); node != nullptr; node = index.next(*node)) nodes.push_back(node);
  return nodes;
}

}  // namespace

TEST_CASE("nodes of one hash are met newest first, also while the table grows", "[cache][index]") {
  Index index;
  std::list<Node> same, others;
  std::vector<IndexNode*> expected;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    if (i % 100 == 0) {
      index.insert(same.emplace_back(12345));
      expected.insert(expected.begin(), &same.back());
    }
    index.insert(others.emplace_back(i * 7919 + (i % 3 == 0 ? 12345 - 12345 % 16 : 0)));
    REQUIRE(all_of(index, 12345) == expected);
  }
  CHECK(index.size() == 2020);
}

TEST_CASE("what has been here for long is met before what is new", "[cache][index]") {
  Index index;
  Node first(1), second(17), third(33), third_again(33);  // of one bucket while there are 16
  for (Node* node : {&first, &second, &third, &third_again}) index.insert(*node);
  std::vector<const IndexNode*> met;
  index.each_in(1, [&met](const IndexNode& node) { met.push_back(&node); });
  CHECK(met == std::vector<const IndexNode*>{&first, &second, &third_again, &third});
  CHECK(index.likely(33) == &first);
  CHECK(index.remove(first));
  CHECK(index.likely(1) == &second);
}

TEST_CASE("removal finds what is there and nothing else", "[cache][index]") {
  Index index;
  Node a(1), b(1), c(17), absent(1);
  for (Node* node : {&a, &b, &c}) index.insert(*node);
  CHECK_FALSE(index.remove(absent));
  CHECK(index.remove(a));
  CHECK_FALSE(index.remove(a));
  CHECK(all_of(index, 1) == std::vector<IndexNode*>{&b});
  CHECK(all_of(index, 17) == std::vector<IndexNode*>{&c});
  CHECK(all_of(index, 33).empty());
  CHECK(index.remove(b));
  CHECK(index.any() == &c);
  CHECK(index.remove(c));
  CHECK(index.any() == nullptr);
}

TEST_CASE("any order of insertions and removals agrees with a plain list", "[cache][index][property]") {
  std::mt19937_64 random(1);
  Index index;
  std::list<Node> nodes;
  std::vector<Node*> in, out;
  for (int i = 0; i < 3000; ++i) out.push_back(&nodes.emplace_back(random() % 700));
  for (int i = 0; i < 20000; ++i) {
    const bool add = in.empty() || (!out.empty() && random() % 5 < 3);
    std::vector<Node*>& from = add ? out : in;
    const std::size_t at = random() % from.size();
    Node* const node = from[at];
    from.erase(from.begin() + static_cast<std::ptrdiff_t>(at));
    if (add) {
      index.insert(*node);
      in.insert(in.begin(), node);
    } else {
      REQUIRE(index.remove(*node));
      out.push_back(node);
    }
    REQUIRE(index.size() == in.size());
    const std::uint64_t hash = random() % 700;
    std::vector<IndexNode*> expected;
    for (Node* other : in)
      if (other->hash() == hash) expected.push_back(other);
    REQUIRE(all_of(index, hash) == expected);
  }
}
