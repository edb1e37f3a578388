// Replays a trace through the real store and prints object and byte hit ratio, and the time it took.
//
//   xz -dc web12.trace.xz | bench_replay --keys -            every object one unit, at 1, 5, 10 and 25 % of what all
//   objects take bench_replay --sizes cdn.txt --percent 5 --percent 10    lines "key size" bench_replay --sizes cdn.txt
//   --bytes 268435456
//
// --keys: big-endian 32-bit keys, one a request, without sizes. A percentage refers to the bytes that the store charges
// for all distinct objects. With --lru, a plain LRU with the same costs is printed beside it.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "freshet/cache/store.hpp"

namespace freshet {
namespace {

struct Access {
  std::string key;
  std::uint64_t size;
};

struct Ratios {
  double objects = 0, bytes = 0, seconds = 0;
};

struct Order {
  std::vector<Access> trace;
  std::vector<double> percents;
  std::vector<std::uint64_t> budgets;
  bool lru = false;
};

class NoWaiter final : public Waiter {
 public:
  void wake() noexcept override {}
};

std::vector<Access> read_keys(std::istream& in) {
  std::vector<Access> trace;
  unsigned char raw[4];
  while (in.read(reinterpret_cast<char*>(raw), sizeof(raw))) {
    const std::uint32_t key =
        std::uint32_t{raw[0]} << 24 | std::uint32_t{raw[1]} << 16 | std::uint32_t{raw[2]} << 8 | raw[3];
    char text[16];
    std::snprintf(text, sizeof(text), "%08x", key);  // of one length, so that all objects cost the same
    trace.push_back({text, 1000});
  }
  return trace;
}

std::vector<Access> read_sizes(std::istream& in) {
  std::vector<Access> trace;
  Access access;
  while (in >> access.key >> access.size) trace.push_back(access);
  return trace;
}

/// The store as a cache that is asked and filled by one client.
class Replay {
 public:
  explicit Replay(std::uint64_t budget) : store_(options(budget), clock_), zeros_(std::size_t{1} << 20) {
    fields_.add(FieldId::Date, "Thu, 01 Jan 2026 00:00:00 GMT");
    fields_.add(FieldId::ContentType, "application/octet-stream");
    fields_.add(FieldId::CacheControl, "max-age=86400");
    decision_.store = true;
    decision_.meta.status = 200;
    decision_.meta.lifetime = Seconds{86400};
    decision_.meta.response_time = clock_.now().steady;
  }

  /// True when it was stored already.
  bool request(const Access& access) {
    arena_.reset();
    const CacheKey key = make_cache_key("trace", "http", "trace.test", access.key, arena_);
    if (store_.find(key, {}).response) return true;
    auto joined = store_.join(key, false);
    Ref<StoredResponse> response = make(key.text, access.size);
    if (response) joined.ticket.publish(std::move(response), true);
    return false;
  }
  /// What the store charges for it.
  std::uint64_t cost(const Access& access) {
    arena_.reset();
    const std::uint64_t before = store_.held();
    const Ref<StoredResponse> response =
        make(make_cache_key("trace", "http", "trace.test", access.key, arena_).text, access.size);
    return response ? store_.held() - before : access.size;
  }

 private:
  static StoreOptions options(std::uint64_t budget) {
    StoreOptions out;
    out.max_size = budget;
    return out;
  }
  Ref<StoredResponse> make(std::string_view key, std::uint64_t size) {
    auto body = StoredBody::make(store_, size, UINT64_MAX);
    for (std::uint64_t left = size; left > 0 && !body->passing();) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left, zeros_.size()));
      if (body->append(std::span(zeros_).first(n), waiter_) != StoredBody::Appended::Taken) break;
      left -= n;
    }
    if (body->passing()) return {};
    body->finish();
    return make_stored_response(key, {}, {200, fields_}, decision_, std::move(body), "1.1 freshet", {}, store_);
  }

  SystemClock clock_;
  Store store_;
  Arena arena_;
  Fields fields_;
  StoreDecision decision_;
  NoWaiter waiter_;
  std::vector<std::byte> zeros_;
};

struct Counted {
  std::uint64_t hits = 0, all = 0, hit_bytes = 0, all_bytes = 0;
  void add(bool hit, std::uint64_t size) {
    ++all;
    all_bytes += size;
    hits += hit;
    hit_bytes += hit ? size : 0;
  }
  Ratios ratios(double seconds) const {
    const auto percent = [](std::uint64_t a, std::uint64_t b) {
      return b == 0 ? 0.0 : 100.0 * static_cast<double>(a) / static_cast<double>(b);
    };
    return {percent(hits, all), percent(hit_bytes, all_bytes), seconds};
  }
};

Ratios replay(const std::vector<Access>& trace, std::uint64_t budget) {
  Replay cache(budget);
  Counted counted;
  const auto start = std::chrono::steady_clock::now();
  for (const Access& access : trace) counted.add(cache.request(access), access.size);
  return counted.ratios(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

Ratios replay_lru(const std::vector<Access>& trace, std::uint64_t budget, std::uint64_t overhead) {
  std::list<const Access*> order;
  std::unordered_map<std::string_view, std::list<const Access*>::iterator> index;
  std::uint64_t held = 0;
  Counted counted;
  for (const Access& access : trace) {
    const auto at = index.find(access.key);
    counted.add(at != index.end(), access.size);
    if (at != index.end()) {
      order.splice(order.begin(), order, at->second);
      continue;
    }
    const std::uint64_t cost = access.size + overhead;
    if (cost > budget / 2) continue;
    for (; held + cost > budget; order.pop_back()) {
      held -= order.back()->size + overhead;
      index.erase(order.back()->key);
    }
    order.push_front(&access);
    index[access.key] = order.begin();
    held += cost;
  }
  return counted.ratios(0);
}

int usage() {
  std::fputs(
      "usage: bench_replay (--keys FILE | --sizes FILE) [--percent P]... [--bytes N]... [--lru]   (FILE may be -)\n",
      stderr);
  return 2;
}

bool parse(int argc, char** argv, Order& order) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--lru") {
      order.lru = true;
      continue;
    }
    if (i + 1 == argc) return false;
    const char* const value = argv[++i];
    if (option == "--percent") {
      order.percents.push_back(std::atof(value));
    } else if (option == "--bytes") {
      order.budgets.push_back(std::strtoull(value, nullptr, 10));
    } else if (option == "--keys" || option == "--sizes") {
      std::ifstream file;
      if (std::strcmp(value, "-") != 0) file.open(value, std::ios::binary);
      std::istream& in = file.is_open() ? file : std::cin;
      order.trace = option == "--keys" ? read_keys(in) : read_sizes(in);
    } else {
      return false;
    }
  }
  return !order.trace.empty();
}

int run(Order& order) {
  std::unordered_map<std::string_view, const Access*> distinct;
  for (const Access& access : order.trace) distinct.emplace(access.key, &access);
  Replay scale(std::uint64_t{1} << 40);
  const std::uint64_t overhead = scale.cost({order.trace.front().key, 1000}) - 1000;
  std::uint64_t total = 0;
  for (const auto& [key, access] : distinct) total += access->size + overhead;
  if (order.percents.empty() && order.budgets.empty()) order.percents = {1, 5, 10, 25};
  for (const double percent : order.percents)
    order.budgets.push_back(static_cast<std::uint64_t>(static_cast<double>(total) * percent / 100));

  std::printf("%zu requests, %zu objects, %llu bytes with %llu for each object's head and index\n", order.trace.size(),
              distinct.size(), static_cast<unsigned long long>(total), static_cast<unsigned long long>(overhead));
  for (const std::uint64_t budget : order.budgets) {
    const Ratios got = replay(order.trace, budget);
    std::printf("%14llu bytes (%6.2f %%): %6.2f %% of requests, %6.2f %% of bytes, %.2f s (%.0f ns a request)",
                static_cast<unsigned long long>(budget),
                100.0 * static_cast<double>(budget) / static_cast<double>(total), got.objects, got.bytes, got.seconds,
                1e9 * got.seconds / static_cast<double>(order.trace.size()));
    if (order.lru) {
      const Ratios lru = replay_lru(order.trace, budget, overhead);
      std::printf("; LRU %6.2f %%, %6.2f %%", lru.objects, lru.bytes);
    }
    std::puts("");
  }
  return 0;
}

}  // namespace
}  // namespace freshet

int main(int argc, char** argv) {
  freshet::Order order;
  return freshet::parse(argc, argv, order) ? freshet::run(order) : freshet::usage();
}
