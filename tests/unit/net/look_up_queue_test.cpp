#include "../../../src/net/look_up_queue.hpp"

#include <catch2/catch.hpp>
#include <list>
#include <string>

namespace freshet::test {
namespace {

struct Place : LookUpPlace {
  std::string name;
  explicit Place(std::string text) : name(std::move(text)) {}
};

/// Clients are numbers; 0 is one that is not counted.
struct Bench {
  std::list<Place> places;
  LookUpQueue queue;
  Bench(unsigned running, std::size_t waiting) : queue(running, waiting) {}

  static std::optional<ClientKey> key(int client) {
    if (client == 0) return {};
    return ClientKey{static_cast<std::uint64_t>(client), 0};
  }
  Place* push(const std::string& name, int client) {
    Place& place = places.emplace_back(name);
    if (queue.push(place, key(client))) return &place;
    places.pop_back();
    return nullptr;
  }
  Place* next() { return queue.has_next() ? static_cast<Place*>(&queue.next()) : nullptr; }
  /// All that may run, in order.
  std::string run_all() {
    std::string names;
    while (Place* place = next()) names += place->name + ' ';
    return names;
  }
};

TEST_CASE("clients take turns, each with its names in order", "[net][resolver]") {
  Bench b(64, 100);
  for (const char* name : {"a1", "a2", "a3"}) b.push(name, 1);
  b.push("b1", 2);
  for (const char* name : {"x1", "x2"}) b.push(name, 0);
  CHECK(b.queue.waiting() == 6);
  CHECK(b.run_all() == "a1 b1 x1 a2 x2 a3 ");
  CHECK(b.queue.waiting() == 0);
}

TEST_CASE("a client has a quarter of the threads, those that are not counted three quarters", "[net][resolver]") {
  struct Row {
    unsigned running;
    int client;
    unsigned expected;
  };
  for (const Row& row :
       {Row{64, 1, 16}, Row{64, 0, 48}, Row{4, 1, 1}, Row{4, 0, 3}, Row{2, 1, 1}, Row{2, 0, 2}, Row{1, 0, 1}}) {
    CAPTURE(row.running, row.client);
    Bench b(row.running, 1000);
    for (unsigned i = 0; i < row.running + 1; ++i) b.push(std::to_string(i), row.client);
    unsigned ran = 0;
    while (b.next()) ++ran;
    CHECK(ran == row.expected);
  }
}

TEST_CASE("what has run makes room for the next name of its client", "[net][resolver]") {
  Bench b(8, 100);
  for (const char* name : {"a1", "a2", "a3", "a4"}) b.push(name, 1);
  Place* first = b.next();
  REQUIRE(first->name == "a1");
  CHECK(b.run_all() == "a2 ");
  b.queue.done(*first);
  CHECK(b.run_all() == "a3 ");
}

TEST_CASE("the queue is bounded, in all and for one client", "[net][resolver]") {
  Bench b(8, 8);
  CHECK(b.push("a1", 1));
  CHECK(b.push("a2", 1));
  CHECK_FALSE(b.push("a3", 1));
  for (int client = 2; client <= 4; ++client)
    for (int i = 0; i < 2; ++i) CHECK(b.push("b", client));
  CHECK_FALSE(b.push("late", 5));
  CHECK_FALSE(b.push("late", 0));
  CHECK(b.queue.waiting() == 8);
  REQUIRE(b.next());
  CHECK(b.push("late", 5));
}

TEST_CASE("a name that waits leaves the queue, and the oldest is known", "[net][resolver]") {
  Bench b(4, 100);
  Place* first = b.push("a1", 1);
  Place* second = b.push("b1", 2);
  b.push("a2", 1);
  CHECK(&b.queue.oldest() == first);
  b.queue.drop(*first);
  CHECK_FALSE(first->is_waiting());
  CHECK(&b.queue.oldest() == second);
  CHECK(b.run_all() == "a2 b1 ");
}

TEST_CASE("a name that two clients want counts for the one that has a thread for it", "[net][resolver]") {
  Bench b(4, 100);
  b.push("hangs", 1);
  Place* hangs = b.next();
  Place* wanted = b.push("wanted", 1);
  CHECK_FALSE(b.queue.has_next());
  b.queue.also_for(*wanted, Bench::key(1));
  CHECK_FALSE(b.queue.has_next());
  b.queue.also_for(*wanted, Bench::key(2));
  CHECK(b.next() == wanted);
  Place* another = b.push("another", 2);
  b.queue.also_for(*another, Bench::key(1));  // neither has one
  CHECK_FALSE(b.queue.has_next());
  b.queue.done(*hangs);
  CHECK_FALSE(b.queue.has_next());
  b.queue.also_for(*another, Bench::key(1));
  CHECK(b.next() == another);
}

TEST_CASE("a name that another client wants too does not wait behind the first one's other names", "[net][resolver]") {
  Bench b(8, 100);  // a client has two
  b.push("a1", 1);
  b.next();
  b.push("a2", 1);
  Place* wanted = b.push("wanted", 1);
  CHECK(b.queue.also_for(*wanted, Bench::key(2)));
  CHECK(b.run_all() == "a2 wanted ");
}

}  // namespace
}  // namespace freshet::test
