// Fills a store with many objects and prints what the process takes, against what the store believes to hold.
//
//   bench_memory [--objects 1000000] [--limit-mib 256] [--threads 2] [--size 100 | --random] [--unknown-length]
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "freshet/cache/store.hpp"

namespace freshet {
namespace {

struct Order {
  std::uint64_t objects = 1'000'000, limit = 256, size = 100;
  unsigned threads = 2;
  bool random = false, unknown_length = false;
};

class NoWaiter final : public Waiter {
 public:
  void wake() noexcept override {}
};

double resident_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  return 0;
}

// Bytes to megabytes, evenly spread over their magnitudes; 1 in 1000 beyond 1 MiB.
std::uint64_t random_size(std::mt19937_64& random) {
  const std::uint64_t magnitude = random() % 1000 == 0 ? 20 + random() % 3 : 5 + random() % 12;
  return (std::uint64_t{1} << magnitude) + random() % (std::uint64_t{1} << magnitude);
}

void fill(Store& store, const Order& order, unsigned thread) {
  std::mt19937_64 random(thread);
  const std::vector<std::byte> bytes(std::size_t{8} << 20);
  Fields fields;
  fields.add(FieldId::Date, "Thu, 01 Jan 2026 00:00:00 GMT");
  fields.add(FieldId::ContentType, "application/octet-stream");
  fields.add(FieldId::CacheControl, "max-age=86400");
  fields.add(FieldId::ETag, "\"0123456789abcdef\"");
  StoreDecision decision;
  decision.meta.status = 200;
  decision.meta.lifetime = Seconds{86400};
  decision.meta.response_time = SystemClock().now().steady;
  Arena arena;
  NoWaiter waiter;
  for (std::uint64_t i = thread; i < order.objects; i += order.threads) {
    arena.reset();
    const CacheKey key = make_cache_key("memory", "http", "memory.test", "/objects/" + std::to_string(i), arena);
    auto joined = store.join(key, false);
    const std::uint64_t size = order.random ? random_size(random) : order.size;
    auto body = StoredBody::make(store, order.unknown_length ? std::nullopt : std::optional(size), UINT64_MAX);
    for (std::uint64_t at = 0; at < size && !body->passing(); at += 16384)
      body->append(std::span(bytes).first(std::min<std::uint64_t>(16384, size - at)), waiter);
    if (body->passing()) continue;
    body->finish();
    if (auto response =
            make_stored_response(key.text, {}, {200, fields}, decision, std::move(body), "1.1 freshet", {}, store))
      joined.ticket.publish(std::move(response), true);
  }
}

int run(const Order& order) {
  const SystemClock clock;
  StoreOptions options;
  options.max_size = order.limit << 20;
  const double before = resident_mib();
  Store store(options, clock);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < order.threads; ++i) threads.emplace_back([&store, &order, i] { fill(store, order, i); });
  for (std::thread& thread : threads) thread.join();
  const StoreFigures figures = store.figures();
  const double resident = resident_mib();
  const double allowed = 1.15 * static_cast<double>(order.limit) + 32;
  std::printf(
      "%llu objects kept of %llu, %.1f MiB charged of %llu; resident %.1f MiB (%.1f before), allowed %.1f: %s\n",
      static_cast<unsigned long long>(figures.objects), static_cast<unsigned long long>(order.objects),
      static_cast<double>(figures.bytes) / (1 << 20), static_cast<unsigned long long>(order.limit), resident, before,
      allowed, resident <= allowed ? "good" : "TOO MUCH");
  return resident <= allowed ? 0 : 1;
}

int parse_and_run(int argc, char** argv) {
  Order order;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    const auto number = [&] { return i + 1 < argc ? std::strtoull(argv[++i], nullptr, 10) : 0; };
    if (option == "--random") {
      order.random = true;
    } else if (option == "--unknown-length") {
      order.unknown_length = true;
    } else if (option == "--objects") {
      order.objects = number();
    } else if (option == "--limit-mib") {
      order.limit = number();
    } else if (option == "--size") {
      order.size = number();
    } else if (option == "--threads") {
      order.threads = static_cast<unsigned>(number());
    } else {
      std::fputs(
          "usage: bench_memory [--objects N] [--limit-mib N] [--threads N] [--size N | --random] [--unknown-length]\n",
          stderr);
      return 2;
    }
  }
  return run(order);
}

}  // namespace
}  // namespace freshet

int main(int argc, char** argv) { return freshet::parse_and_run(argc, argv); }
