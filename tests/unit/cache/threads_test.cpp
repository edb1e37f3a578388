// Many threads at once; meant for ThreadSanitizer. Bounded, and every result is checked.
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "parts.hpp"

using namespace freshet;
using test::BlockingWaiter;
using test::bytes_of;

namespace {

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
  auto body = StoredBody::make(ledger, expected, max_size);
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
    auto body = StoredBody::make(ledger, std::nullopt, round % 2 == 0 ? UINT64_MAX : 20000);
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
