// Short ways to say what the tests of the cache need.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>

#include "freshet/cache/store.hpp"
#include "freshet/http/message.hpp"
#include "support/fake_clock.hpp"

namespace freshet::test {

/// Fields from lines "Name: value|Name: value".
inline Fields fields_of(std::string_view lines) {
  Fields fields;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('|'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const std::size_t colon = line.find(':');
    fields.add(line.substr(0, colon), line.substr(colon + 1));
  }
  return fields;
}

inline RequestHead get(std::string_view lines = {}) {
  RequestHead head;
  head.method = Method::Get;
  head.method_name = "GET";
  head.scheme = "http";
  head.authority = "a.test";
  head.target = "/x?y";
  head.fields = fields_of(lines);
  return head;
}

inline std::string text_of(FieldsView fields) {
  std::string out;
  for (const Field field : fields) out += std::string(field.name) + ": " + std::string(field.value) + "|";
  return out;
}

inline std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Counts how often it was woken.
class CountingWaiter final : public Waiter {
 public:
  void wake() noexcept override { wakes.fetch_add(1); }
  std::atomic<unsigned> wakes{0};
};

/// A waiter that a thread can sleep on.
class BlockingWaiter final : public Waiter {
 public:
  void wake() noexcept override {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    condition_.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    condition_.wait(lock, [this] { return woken_; });
    woken_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool woken_ = false;
};

/// A ledger that evicts nothing.
class PlainLedger final : public Ledger {
 public:
  explicit PlainLedger(std::uint64_t limit = std::uint64_t{1} << 40) : Ledger(limit) {}

 protected:
  bool make_room(std::uint64_t) noexcept override { return false; }
};

/// 2026-01-01T00:00:00Z plus `seconds`, on both clocks of a FakeClock that has just been made.
inline Time at(std::int64_t seconds) {
  return {FakeClock::start_steady() + std::chrono::seconds(seconds),
          FakeClock::start_wall() + std::chrono::seconds(seconds)};
}

inline ExchangeTimes times_at(std::int64_t requested, std::int64_t received) { return {at(requested), at(received)}; }

}  // namespace freshet::test
