// Many threads at once; meant for ThreadSanitizer. Bounded, and every result is checked.
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "parts.hpp"

using namespace freshet;
using test::bytes_of;
using test::fields_of;
using test::get;

namespace {

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

char letter(std::uint64_t at) { return static_cast<char>('a' + (at * 31 + at / 977) % 26); }

/// Reads to the end; the number of bytes, or SIZE_MAX for a wrong one.
std::size_t read_all(Ref<StoredBody> body, std::uint64_t from, StoredBodyReader::Look::State& end) {
  BlockingWaiter waiter;
  StoredBodyReader reader(std::move(body), from);
  std::size_t got = 0;
  for (;;) {
    const auto look = reader.look(waiter);
    end = look.state;
    if (look.state == StoredBodyReader::Look::State::Wait) {
      waiter.wait();
      continue;
    }
    if (look.state != StoredBodyReader::Look::State::Data) return got;
    for (std::size_t i = 0; i < look.bytes.size(); ++i)
      if (static_cast<char>(look.bytes[i]) != letter(from + got + i)) return SIZE_MAX;
    got += look.bytes.size();
    reader.advance(look.bytes.size());
  }
}

void write_all(StoredBody& body, std::size_t size, std::size_t step) {
  BlockingWaiter waiter;
  std::string piece;
  for (std::size_t at = 0; at < size;) {
    piece.clear();
    for (std::size_t i = at; i < std::min(at + step, size); ++i) piece += letter(i);
    switch (body.append(bytes_of(piece), waiter)) {
      case StoredBody::Appended::Taken:
        at += piece.size();
        break;
      case StoredBody::Appended::WindowFull:
        waiter.wait();
        break;
      case StoredBody::Appended::Unread:
        body.abort(Reason::ClientClosed);
        return;
    }
  }
  body.stop_writing(waiter);
  body.finish();
}

constexpr unsigned kReaders = 4;

void check_fill(std::size_t size, std::optional<std::uint64_t> expected, std::uint64_t max_size) {
  test::PlainLedger ledger;
  auto body = make_ref<StoredBody>(ledger, expected, max_size);
  std::array<std::size_t, kReaders> got{};
  std::array<StoredBodyReader::Look::State, kReaders> ends{};
  std::atomic<unsigned> ready{0};
  auto first = std::make_unique<StoredBodyReader>(body);  // holds the window until all have come
  std::vector<std::thread> readers;
  for (unsigned i = 0; i < kReaders; ++i) {
    readers.emplace_back([&, i] {
      ++ready;
      got[i] = read_all(body, 0, ends[i]);
    });
  }
  std::thread writer([&] { write_all(*body, size, 5000); });
  while (ready < kReaders) std::this_thread::yield();
  std::thread drainer([&] {
    first->advance(size);
    first.reset();
  });
  writer.join();
  drainer.join();
  for (std::thread& reader : readers) reader.join();
  for (unsigned i = 0; i < kReaders; ++i) {
    // With a passing body, who comes late finds the beginning gone; who reads, reads what was written.
    CHECK(got[i] != SIZE_MAX);
    if (max_size > size) CHECK(got[i] == size);
    if (ends[i] == StoredBodyReader::Look::State::End) CHECK(got[i] == size);
  }
}

}  // namespace

TEST_CASE("many readers on other threads get every byte while it arrives", "[cache][body][threads]") {
  check_fill(1'000'000, std::nullopt, UINT64_MAX);
  check_fill(1'000'000, 1'000'000, UINT64_MAX);
  check_fill(300, std::nullopt, UINT64_MAX);
  check_fill(300, 300, UINT64_MAX);
  for (int i = 0; i < 20; ++i) check_fill(5000, std::nullopt, UINT64_MAX);
}

TEST_CASE("a passing body serves readers of different speed on several threads", "[cache][body][threads][passing]") {
  check_fill(4'000'000, std::nullopt, 50'000);
  check_fill(4'000'000, 4'000'000, 50'000);
}

TEST_CASE("readers come and go while a body fills and is aborted", "[cache][body][threads]") {
  for (int round = 0; round < 20; ++round) {
    test::PlainLedger ledger;
    auto body = make_ref<StoredBody>(ledger, std::nullopt, round % 2 == 0 ? UINT64_MAX : 20000);
    StoredBodyReader keeps_open(body, 1u << 30);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kReaders; ++i) {
      threads.emplace_back([&body, i] {
        for (int j = 0; j < 20; ++j) {
          test::CountingWaiter waiter;
          StoredBodyReader reader(body, i * 100);
          for (int k = 0; k < 5; ++k) {
            const auto look = reader.look(waiter);
            if (look.state == StoredBodyReader::Look::State::Data) reader.advance(look.bytes.size() / 2 + 1);
          }
        }
      });
    }
    threads.emplace_back([&body] {
      BlockingWaiter waiter;
      const std::string piece(3000, 'x');
      for (int i = 0; i < 30; ++i)
        if (body->append(bytes_of(piece), waiter) == StoredBody::Appended::WindowFull) break;
      body->stop_writing(waiter);
      body->abort(Reason::CutShort);
    });
    for (std::thread& thread : threads) thread.join();
    CHECK(body->state() == StoredBody::State::Aborted);
    CHECK(body->readers() == 1);
  }
}

namespace {

/// What a worker does with a store, over and over.
class Workload {
 public:
  Workload(Store& store, const Clock& clock, unsigned seed) : store_(store), clock_(clock), random_(seed) {}
  std::uint64_t wrong = 0, hits = 0;

  void step() {
    arena_.reset();
    number_ = random_() % 60;
    key_ = make_cache_key("p", "http", "a.test", "/" + std::to_string(number_), arena_);
    switch (random_() % 40) {
      case 0:
        store_.invalidate(key_);
        return;
      case 1:
        store_.expire_some(clock_.now().steady, 10);
        return;
      case 2:
        if (auto ticket = store_.join_background(key_)) fill(*ticket);
        return;
      case 3:
        if (const auto found = store_.find(key_, {}); found.response) store_.remove(found.response);
        return;
      default:
        look_up();
        return;
    }
  }

 private:
  std::size_t size_of(std::uint64_t number) const { return number * number * 10; }
  void look_up() {
    if (const auto found = store_.find(key_, {}); found.response) return use(found.response);
    auto joined = store_.join(key_, random_() % 10 == 0);
    if (joined.ticket) return fill(joined.ticket);
    BlockingWaiter waiter;
    while (joined.follow->look(waiter).verdict == FetchVerdict::Waiting) waiter.wait();
    if (const auto found = store_.find(key_, {}); found.response) use(found.response);
  }
  void use(const Ref<StoredResponse>& response) {
    ++hits;
    StoredBodyReader::Look::State end{};
    if (random_() % 8 == 0) {  // renew it, as after a 304
      auto ticket = store_.join(key_, true).ticket;
      const Fields fields = fields_of("Cache-Control: max-age=60");
      const Time now = clock_.now();
      if (auto fresh = freshen(*response, get(), {304, fields}, {}, {now, now}, store_))
        ticket.publish(response, fresh);
    }
    const std::size_t got = read_all(response->body(), 0, end);
    if (got == SIZE_MAX || (end == StoredBodyReader::Look::State::End && got != size_of(number_))) ++wrong;
  }
  void fill(FetchTicket& ticket) {
    if (random_() % 10 == 0) return ticket.decline(Reason::NoStore, random_() % 2 == 0);
    if (random_() % 10 == 0) return ticket.fail(Reason::ConnectionReset, 502);
    const std::size_t size = size_of(number_);
    auto body = make_ref<StoredBody>(store_, random_() % 2 == 0 ? std::optional<std::uint64_t>(size) : std::nullopt,
                                     UINT64_MAX);
    const Fields fields = fields_of("Cache-Control: max-age=60|ETag: \"1\"");
    const Time now = clock_.now();
    const StoreDecision decision = decide_store(get(), {200, fields}, {}, {}, {now, now});
    auto response = make_stored_response(key_.text, {}, {200, fields}, decision, body, "", now.wall, store_);
    if (!response) return ticket.decline(Reason::NoRoom, false);
    ticket.publish(response, true);
    if (random_() % 20 == 0) {
      body->abort(Reason::CutShort);
      store_.remove(response);
    } else {
      write_all(*body, size, 3000);
      if (body->passing()) store_.remove(response);
    }
  }

  Store& store_;
  const Clock& clock_;
  std::mt19937 random_;
  Arena arena_;
  CacheKey key_;
  std::uint64_t number_ = 0;
};

}  // namespace

TEST_CASE("finds, fills, follows, renewals, purges, aborts and evictions at once", "[cache][store][threads]") {
  const SystemClock clock;
  StoreOptions options;
  options.max_size = 300'000;  // about half of what there is
  Store store(options, clock);
  std::atomic<std::uint64_t> wrong{0}, hits{0};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      Workload workload(store, clock, i);
      for (int step = 0; step < 2000; ++step) workload.step();
      wrong += workload.wrong;
      hits += workload.hits;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(hits > 100);
  CHECK(store.held() <= store.limit());
  Arena arena;
  for (int i = 0; i < 60; ++i) store.invalidate(make_cache_key("p", "http", "a.test", "/" + std::to_string(i), arena));
  CHECK(store.figures().objects == 0);
  CHECK(store.held() == 0);
}
