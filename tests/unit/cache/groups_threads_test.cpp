// Purges of groups beside responses that are stored and found; meant for ThreadSanitizer. Bounded.
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "freshet/cache/store.hpp"
#include "parts.hpp"

using namespace freshet;
using test::fields_of;
using test::get;

namespace {

/// The origin has one version of everything at a time. A purge follows each change, so whoever looks once that is over must not find an
/// older one.
class World {
 public:
  void store_some() {
    Arena arena;
    for (int i = 0; i < kRounds; ++i) {
      const CacheKey key = key_of(i, arena);
      auto ticket = store_.join(key, true).ticket;
      const int seen = version_.load();
      const std::string etag = std::to_string(seen);
      Fields response = fields_of("Cache-Control: max-age=60");
      response.add(FieldId::ETag, "\"" + etag + "\"");
      response.add(FieldId::CacheGroups, i % 5 == 0 ? "\"h\", \"g\"" : "\"g\"");
      const Time now = clock_.now();
      const StoreDecision decision = decide_store(get(), {200, response}, {}, {}, {now, now});
      auto body = make_ref<StoredBody>(store_, 0, UINT64_MAX);
      body->finish();
      ticket.publish(make_stored_response(key.text, "", {200, response}, decision, body, "", now.wall, store_), true);
      arena.reset();
    }
    --storing_;
  }

  void find_some() {
    Arena arena;
    for (int i = 0; storing_ > 0; ++i) {
      const CacheKey key = key_of(i, arena);
      const int settled = settled_.load();
      const Ref<StoredResponse> found = store_.find(key, {}).response;
      if (found) {
        const bool fresh = current_age(found->meta(), clock_.now().steady) < found->meta().lifetime;
        const int version = std::stoi(std::string(found->etag().substr(1)));
        if (fresh && version < settled) ++wrong_;
        ++hits_;
      }
      arena.reset();
    }
  }

  void purge_some() {
    for (int i = 1; storing_ > 0; ++i) {
      ++version_;
      const Purge how = i % 3 == 0 ? Purge::Soft : Purge::Hard;
      const SteadyTime now = clock_.now().steady;
      if (i % 2 == 0)
        store_.groups()->purge_everywhere("g", how, now);
      else
        store_.groups()->purge("p http://a.test", "g", how, now);
      settled_.store(version_);
      if (i % 4 == 0) store_.sweep_purged(100);
      std::this_thread::yield();
    }
  }

  void run() {
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) threads.emplace_back([this] { store_some(); });
    for (int i = 0; i < 2; ++i) threads.emplace_back([this] { find_some(); });
    threads.emplace_back([this] { purge_some(); });
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong_ == 0);
    CHECK(hits_ > 0);
    store_.groups()->purge_everywhere("g", Purge::Hard, clock_.now().steady);
    for (int i = 0; i < 1000; ++i) store_.sweep_purged(1000);
    CHECK(store_.figures().objects == 0);
    CHECK(store_.held() == 0);
  }

 private:
  static constexpr int kRounds = 4000;
  static CacheKey key_of(int i, Arena& arena) {
    return make_cache_key("p", "http", "a.test", "/" + std::to_string(i % 23), arena);
  }
  test::FakeClock clock_;
  Store store_{{}, clock_};
  std::atomic<int> version_{0}, settled_{0}, storing_{2}, wrong_{0}, hits_{0};
};

}  // namespace

TEST_CASE("no thread finds what was purged once the purge is over", "[cache][groups][threads]") {
  World world;
  world.run();
}
