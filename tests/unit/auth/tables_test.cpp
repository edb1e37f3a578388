// The bounded tables: nonces, wrong passwords, passwords that were right.
#include <catch2/catch.hpp>
#include <set>

#include "../../../src/auth/attempts.hpp"
#include "../../../src/auth/nonces.hpp"
#include "../../../src/auth/remembered.hpp"
#include "support/fake_clock.hpp"

using namespace freshet;
using freshet::test::FakeClock;
using Use = Nonces::Use;

namespace {

HashBytes key_of(std::size_t number) {
  static const SecretKey secret;
  return secret.sign({std::to_string(number)});
}

}  // namespace

TEST_CASE("a nonce is good for five minutes, and each count once", "[auth][7616-3.3]") {
  FakeClock clock;
  Nonces nonces(clock.now().steady);
  Arena arena;
  const auto use = [&](std::string_view nonce, std::uint32_t count) {
    return nonces.use(nonce, count, clock.now().steady);
  };
  const std::string nonce(nonces.make(clock.now().steady, arena));
  CHECK(nonces.make(clock.now().steady, arena) != nonce);
  CHECK(use(nonce, 1) == Use::First);
  CHECK(use(nonce, 1) == Use::Replayed);
  CHECK(use(nonce, 4) == Use::First);
  CHECK(use(nonce, 3) == Use::First);  // from another connection, which was slower
  CHECK(use(nonce, 3) == Use::Replayed);
  CHECK(use(nonce, 0) == Use::Replayed);
  CHECK(use(nonce, 1000) == Use::First);
  CHECK(use(nonce, 936) == Use::Replayed);  // 64 behind: nobody knows
  CHECK(use(nonce, 937) == Use::First);
  CHECK(use(nonce, 5) == Use::Replayed);
  CHECK(use(nonce, 0xffffffff) == Use::First);
  clock.advance(Nonces::kLife);
  CHECK(use(nonce, 0xfffffffe) == Use::First);
  clock.advance(Milliseconds(1));
  CHECK(use(nonce, 0xfffffffd) == Use::Stale);
}

TEST_CASE("only nonces that this process has made are good", "[auth][7616-5.5]") {
  FakeClock clock;
  Nonces nonces(clock.now().steady), others(clock.now().steady);
  Arena arena;
  const SteadyTime now = clock.now().steady;
  const std::string nonce(nonces.make(now, arena));
  CHECK(nonces.use(others.make(now, arena), 1, now) == Use::Stale);
  for (std::size_t i = 0; i < nonce.size(); ++i) {
    std::string changed = nonce;
    changed[i] = changed[i] == '0' ? '1' : '0';
    CHECK(nonces.use(changed, 1, now) == Use::Stale);
  }
  for (const std::string& bad : {std::string(), nonce.substr(1), nonce + "0", std::string(64, 'x')})
    CHECK(nonces.use(bad, 1, now) == Use::Stale);
  CHECK(nonces.use(nonce, 1, now) == Use::First);
}

TEST_CASE("a nonce that had to be forgotten cannot be used again", "[auth][7616-5.5]") {
  FakeClock clock;
  Nonces nonces(clock.now().steady);
  Arena arena;
  const std::string first(nonces.make(clock.now().steady, arena));
  REQUIRE(nonces.use(first, 1, clock.now().steady) == Use::First);
  clock.advance(Milliseconds(1));
  for (int i = 0; i < 5000; ++i) {  // more than there is room for
    const std::string_view other = nonces.make(clock.now().steady, arena);
    CHECK(nonces.use(other, 1, clock.now().steady) == Use::First);
    arena.reset();
  }
  CHECK(nonces.use(first, 1, clock.now().steady) == Use::Stale);
  CHECK(nonces.use(first, 2, clock.now().steady) == Use::Stale);
}

TEST_CASE("patience ends step by step", "[auth]") {
  const std::pair<std::uint32_t, int> rows[] = {{0, 0},    {4, 0},    {5, 1000},  {6, 2000},
                                                {7, 4000}, {8, 8000}, {9, 10000}, {19, 10000}};
  for (const auto& [failures, delay] : rows) {
    CHECK(decide_patience(failures, 5).delay == Milliseconds(delay));
    CHECK_FALSE(decide_patience(failures, 5).refuse);
  }
  CHECK(decide_patience(20, 5).refuse);
  CHECK(decide_patience(4000000000u, 5).refuse);
  CHECK(decide_patience(1, 1).delay == Milliseconds(1000));
  CHECK(decide_patience(3999, 1000).delay == Milliseconds(10000));
}

TEST_CASE("wrong passwords are counted by address, and by address and user", "[auth]") {
  FakeClock clock;
  Attempts attempts;
  const auto failures = [&](std::string_view address, std::string_view user) {
    return attempts.failures(attempts.subject(address, user), clock.now().steady);
  };
  const auto wrong = [&](std::string_view address, std::string_view user) {
    attempts.note_wrong(attempts.subject(address, user), clock.now().steady);
  };
  CHECK(attempts.none());
  wrong("192.0.2.1", "alice");
  wrong("192.0.2.1", "bob");
  CHECK_FALSE(attempts.none());
  CHECK(failures("192.0.2.1", "alice").address == 2);
  CHECK(failures("192.0.2.1", "alice").pair == 1);
  CHECK(failures("192.0.2.1", "carol").pair == 0);
  CHECK(failures("192.0.2.2", "alice").address == 0);
  CHECK(failures("192.0.2.2", "alice").pair == 0);

  wrong("2001:db8:1:2::1", "alice");  // one client has all of a /64
  CHECK(failures("2001:db8:1:2:ffff::2", "alice").pair == 1);
  CHECK(failures("2001:db8:1:3::1", "alice").address == 0);

  attempts.note_right(attempts.subject("192.0.2.1", "alice"));
  CHECK(failures("192.0.2.1", "alice").pair == 0);
  CHECK(failures("192.0.2.1", "alice").address == 2);
}

TEST_CASE("wrong passwords are forgotten five minutes after the last one", "[auth]") {
  FakeClock clock;
  Attempts attempts;
  const auto alice = attempts.subject("192.0.2.1", "alice");
  attempts.note_wrong(alice, clock.now().steady);
  clock.advance(std::chrono::seconds(200));
  CHECK(attempts.failures(alice, clock.now().steady).forgotten_in == Seconds(100));
  attempts.note_wrong(alice, clock.now().steady);
  clock.advance(std::chrono::seconds(250));
  // One that was refused without being judged counts for the pair, and makes nothing last longer.
  attempts.note_refused(alice, clock.now().steady);
  CHECK(attempts.failures(alice, clock.now().steady).pair == 3);
  CHECK(attempts.failures(alice, clock.now().steady).address == 2);
  clock.advance(std::chrono::seconds(51));
  CHECK(attempts.failures(alice, clock.now().steady).pair == 0);
  CHECK(attempts.none());
}

TEST_CASE("any number of addresses finds room, and the latest are known", "[auth]") {
  FakeClock clock;
  Attempts attempts;
  for (int i = 0; i < 100'000; ++i) {
    clock.advance(Milliseconds(1));
    attempts.note_wrong(
        attempts.subject("2001:db8:" + std::to_string(i / 9999) + ":" + std::to_string(i % 9999) + "::", "x"),
        clock.now().steady);
  }
  CHECK(attempts.failures(attempts.subject("2001:db8:10:9::", "x"), clock.now().steady).pair == 1);
}

TEST_CASE("an address that is refused stays so, whoever it claims to be meanwhile", "[auth]") {
  FakeClock clock;
  Attempts attempts;
  for (int i = 0; i < 20; ++i) attempts.note_wrong(attempts.subject("192.0.2.1", "alice"), clock.now().steady);
  for (int i = 0; i < 50'000; ++i) {
    if (i % 1000 == 0) clock.advance(Milliseconds(1));
    attempts.note_refused(attempts.subject("192.0.2.1", std::to_string(i)), clock.now().steady);
  }
  CHECK(attempts.failures(attempts.subject("192.0.2.1", "alice"), clock.now().steady).address == 20);
  CHECK(attempts.failures(attempts.subject("192.0.2.1", "alice"), clock.now().steady).pair == 20);
}

TEST_CASE("what was right is remembered until it expires, and the latest of too many", "[auth]") {
  FakeClock clock;
  Remembered remembered;
  const auto now = [&] { return clock.now().steady; };
  remembered.add(key_of(1), now() + std::chrono::minutes(5));
  CHECK(remembered.contains(key_of(1), now()));
  CHECK_FALSE(remembered.contains(key_of(2), now()));
  clock.advance(std::chrono::minutes(5));
  CHECK_FALSE(remembered.contains(key_of(1), now()));
  for (std::size_t i = 0; i < 20'000; ++i) {
    clock.advance(Milliseconds(1));
    remembered.add(key_of(i), now() + std::chrono::minutes(5));
  }
  CHECK(remembered.contains(key_of(19'999), now()));
  std::size_t known = 0;
  for (std::size_t i = 0; i < 20'000; ++i) known += remembered.contains(key_of(i), now());
  CHECK(known == 4096);
}
