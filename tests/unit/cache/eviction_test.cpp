#include "freshet/cache/eviction.hpp"

#include <catch2/catch.hpp>
#include <list>
#include <random>
#include <set>
#include <unordered_map>
#include <vector>

using namespace freshet;

namespace {

struct Node : EvictionNode {
  Node(std::uint64_t h, std::uint64_t b) : hash(h), bytes(b) {}
  std::uint64_t hash, bytes;
  bool busy = false;
};

Eviction::Standing measure(const EvictionNode& node) {
  const Node& mine = static_cast<const Node&>(node);
  return {mine.hash, mine.bytes, mine.busy};
}

Node* pick(Eviction& eviction) { return static_cast<Node*>(eviction.pick(measure)); }

std::uint64_t mixed(std::uint64_t x) {
  x *= 0x9E3779B97F4A7C15u;
  x ^= x >> 32;
  return x * 0xD6E8FEB86659FD93u;
}

/// A cache of `budget` bytes that the eviction under test rules; answers whether it hit.
class Cache {
 public:
  explicit Cache(std::uint64_t budget) : budget_(budget) {}
  bool request(std::uint64_t key, std::uint64_t bytes) {
    const auto at = nodes_.find(key);
    if (at != nodes_.end()) {
      at->second.mark_used();
      return true;
    }
    for (held_ += bytes; held_ > budget_;) {
      Node* const node = pick(eviction_);
      held_ -= node->bytes;
      nodes_.erase(keys_.at(node->hash));
    }
    const std::uint64_t hash = mixed(key);
    keys_[hash] = key;
    eviction_.insert(nodes_.try_emplace(key, hash, bytes).first->second, hash, bytes);
    return false;
  }

 private:
  std::uint64_t budget_, held_ = 0;
  std::unordered_map<std::uint64_t, Node> nodes_;
  std::unordered_map<std::uint64_t, std::uint64_t> keys_;
  Eviction eviction_;
};

class Lru {
 public:
  explicit Lru(std::uint64_t budget) : budget_(budget) {}
  bool request(std::uint64_t key, std::uint64_t bytes) {
    const auto at = index_.find(key);
    if (at != index_.end()) {
      order_.splice(order_.begin(), order_, at->second);
      return true;
    }
    for (held_ += bytes; held_ > budget_; order_.pop_back()) {
      held_ -= order_.back().second;
      index_.erase(order_.back().first);
    }
    order_.emplace_front(key, bytes);
    index_[key] = order_.begin();
    return false;
  }

 private:
  std::uint64_t budget_, held_ = 0;
  std::list<std::pair<std::uint64_t, std::uint64_t>> order_;
  std::unordered_map<std::uint64_t, std::list<std::pair<std::uint64_t, std::uint64_t>>::iterator> index_;
};

}  // namespace

TEST_CASE("of equals that nobody used, the oldest leaves first", "[cache][eviction]") {
  Eviction eviction;
  std::list<Node> nodes;
  for (std::uint64_t i = 0; i < 100; ++i) eviction.insert(nodes.emplace_back(mixed(i), 1000), mixed(i), 1000);
  CHECK(eviction.size() == 100);
  for (std::uint64_t i = 0; i < 100; ++i) CHECK(pick(eviction)->hash == mixed(i));
  CHECK(pick(eviction) == nullptr);
  CHECK(eviction.size() == 0);
}

TEST_CASE("what was used stays longer than what was not", "[cache][eviction]") {
  Eviction eviction;
  std::list<Node> nodes;
  for (std::uint64_t i = 0; i < 10; ++i) eviction.insert(nodes.emplace_back(mixed(i), 1000), mixed(i), 1000);
  nodes.front().mark_used();
  for (std::uint64_t i = 1; i < 10; ++i) CHECK(pick(eviction)->hash == mixed(i));
  CHECK(pick(eviction)->hash == mixed(0));
}

TEST_CASE("the larger of two equally used ones leaves first", "[cache][eviction][size]") {
  Eviction eviction;
  Node small(1, 1000), large(2, 1000000);
  eviction.insert(small, 1, small.bytes);
  eviction.insert(large, 2, large.bytes);
  CHECK(pick(eviction) == &large);
  CHECK(pick(eviction) == &small);
}

TEST_CASE("popularity of the past does not last forever", "[cache][eviction]") {
  Eviction eviction;
  Node old(1, 1000);
  eviction.insert(old, 1, 1000);
  for (int i = 0; i < 10; ++i) old.mark_used();
  std::list<Node> stream;
  bool left = false;
  for (std::uint64_t i = 10; i < 1000 && !left; ++i) {
    eviction.insert(stream.emplace_back(mixed(i), 1000), mixed(i), 1000);
    left = pick(eviction) == &old;
  }
  CHECK(left);
}

TEST_CASE("one that comes back soon is held in higher esteem", "[cache][eviction]") {
  Eviction eviction;
  Node first(mixed(1), 1000), other(mixed(2), 1000), again(mixed(1), 1000);
  eviction.insert(first, first.hash, 1000);
  CHECK(pick(eviction) == &first);
  eviction.insert(again, again.hash, 1000);
  eviction.insert(other, other.hash, 1000);
  CHECK(pick(eviction) == &other);
}

TEST_CASE("erasing takes a node out of any place in its queue", "[cache][eviction]") {
  for (std::size_t gone = 0; gone < 4; ++gone) {
    Eviction eviction;
    std::list<Node> list;
    std::vector<Node*> nodes;
    for (std::uint64_t i = 0; i < 4; ++i) {
      nodes.push_back(&list.emplace_back(mixed(i), 1000));
      eviction.insert(*nodes.back(), mixed(i), 1000);
    }
    eviction.erase(*nodes[gone]);
    eviction.erase(*nodes[gone]);  // once more does nothing
    CHECK(eviction.size() == 3);
    for (std::size_t i = 0; i < 4; ++i)
      if (i != gone) CHECK(pick(eviction) == nodes[i]);
    CHECK(pick(eviction) == nullptr);
  }
}

TEST_CASE("a replacement inherits the standing and counts as used", "[cache][eviction]") {
  Eviction eviction;
  Node old(mixed(1), 1000), fresh(mixed(1), 1000), other(mixed(2), 1000);
  eviction.insert(old, old.hash, 1000);
  eviction.replace(old, fresh, fresh.hash, 1000);
  eviction.insert(other, other.hash, 1000);
  CHECK(eviction.size() == 2);
  CHECK(pick(eviction) == &other);
  CHECK(pick(eviction) == &fresh);
  eviction.replace(old, other, other.hash, 1000);  // `old` is in no queue: a plain insertion
  CHECK(pick(eviction) == &other);
}

TEST_CASE("busy ones are passed over while there are others, but not forever", "[cache][eviction]") {
  Eviction eviction;
  std::list<Node> nodes;
  for (std::uint64_t i = 0; i < 10; ++i) {
    nodes.emplace_back(mixed(i), 1000).busy = i != 7;
    eviction.insert(nodes.back(), mixed(i), 1000);
  }
  CHECK(pick(eviction)->hash == mixed(7));
  for (int i = 0; i < 9; ++i) CHECK(pick(eviction) != nullptr);
  CHECK(pick(eviction) == nullptr);
}

TEST_CASE("one that turns out smaller than announced gets the time of a small one", "[cache][eviction][size]") {
  Eviction eviction;
  Node announced(1, 1000), middle(2, 50000);
  eviction.insert(announced, 1, 1 << 20);
  eviction.insert(middle, 2, 50000);
  CHECK(pick(eviction) == &middle);
  CHECK(pick(eviction) == &announced);
}

TEST_CASE("ghosts are found once, keep their level, and survive growth", "[cache][eviction]") {
  EvictionGhosts ghosts;
  for (std::uint64_t i = 0; i < 8; ++i) ghosts.remember(mixed(i + 1), static_cast<unsigned>(i));
  ghosts.fit(1000);
  CHECK(ghosts.places() >= 1000);
  CHECK(ghosts.places() < 3000);
  for (std::uint64_t i = 0; i < 8; ++i) {
    CHECK(ghosts.take(mixed(i + 1)) == i + 1);
    CHECK(ghosts.take(mixed(i + 1)) == 0);
  }
  CHECK(ghosts.take(mixed(99)) == 0);
}

TEST_CASE("a scan does not drive out what is used", "[cache][eviction]") {
  Cache cache(100 * 1000);
  Lru lru(100 * 1000);
  std::mt19937_64 random(1);
  std::uint64_t next = 1000, hits = 0, lru_hits = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::uint64_t popular = random() % 60;
    hits += cache.request(popular, 1000);
    lru_hits += lru.request(popular, 1000);
    for (int i = 0; i < 3; ++i, ++next) {
      cache.request(next, 1000);
      lru.request(next, 1000);
    }
  }
  CHECK(hits > 19000);
  CHECK(lru_hits < 10000);
}

TEST_CASE("with mixed sizes it beats LRU by far in object hits", "[cache][eviction][size]") {
  std::mt19937_64 random(2);
  Cache cache(200'000'000);
  Lru lru(200'000'000);
  std::uint64_t hits = 0, lru_hits = 0;
  for (int i = 0; i < 100000; ++i) {
    // Popularity falls with the rank, sizes from 100 bytes to 1.6 MB have nothing to do with it.
    const double u = static_cast<double>(random() % 1000000 + 1) / 1e6;
    const auto key = static_cast<std::uint64_t>(50000 * u * u * u);
    const std::uint64_t bytes = std::uint64_t{100} << (mixed(key) % 15);
    hits += cache.request(key, bytes);
    lru_hits += lru.request(key, bytes);
  }
  INFO(hits << " against " << lru_hits);
  CHECK(hits > lru_hits + lru_hits / 5);
}

TEST_CASE("any order of operations keeps the books", "[cache][eviction][property]") {
  std::mt19937_64 random(3);
  Eviction eviction;
  std::list<Node> nodes;
  std::set<Node*> in, out;
  for (int i = 0; i < 200; ++i) out.insert(&nodes.emplace_back(mixed(static_cast<std::uint64_t>(i)), 1));
  const auto any = [&random](std::set<Node*>& set) {
    return *std::next(set.begin(), static_cast<std::ptrdiff_t>(random() % set.size()));
  };
  const auto move = [](Node* node, std::set<Node*>& from, std::set<Node*>& to) { from.erase(node), to.insert(node); };
  for (int i = 0; i < 50000; ++i) {
    const auto what = random() % 6;
    if (what <= 1 && !out.empty()) {
      Node* node = any(out);
      node->bytes = 1 + random() % (1u << (random() % 24));
      node->busy = random() % 8 == 0;
      eviction.insert(*node, node->hash, node->bytes);
      move(node, out, in);
    } else if (what == 2 && !in.empty()) {
      Node* node = pick(eviction);
      REQUIRE(in.contains(node));
      move(node, in, out);
    } else if (what == 3 && !in.empty()) {
      Node* node = any(in);
      eviction.erase(*node);
      move(node, in, out);
    } else if (what == 4 && !in.empty() && !out.empty()) {
      Node *old = any(in), *fresh = any(out);
      eviction.replace(*old, *fresh, fresh->hash, fresh->bytes);
      move(old, in, out);
      move(fresh, out, in);
    } else if (!in.empty()) {
      any(in)->mark_used();
    }
    REQUIRE(eviction.size() == in.size());
  }
  while (!in.empty()) move(pick(eviction), in, out);
  CHECK(pick(eviction) == nullptr);
}
