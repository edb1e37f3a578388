#include "../../../src/auth/check_pool.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>

#include "support/run_loop.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

/// What a check waits for, so that its thread is busy for as long as the test wants.
class Door {
 public:
  void open() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++inside_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_for_inside(int n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_ >= n; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int inside_ = 0;
};

Task<AuthResult> ask(CheckPool& pool, CheckPool::Check check) {
  CheckPool::Ticket ticket(pool);
  if (!pool.submit(ticket, std::move(check))) co_return AuthResult::Busy;
  AuthResult result = pool.result(ticket);
  while (result == AuthResult::Undecided) {
    co_await ticket.wait();
    result = pool.result(ticket);
  }
  co_return result;
}

}  // namespace

TEST_CASE("a check runs on another thread, and its result comes back", "[auth][threads]") {
  boost::asio::io_context loop{1};
  CheckPool pool(2, 10);
  const auto here = std::this_thread::get_id();
  bool elsewhere = false;
  CHECK(run_waiting(loop, ask(pool, [&] {
                      elsewhere = std::this_thread::get_id() != here;
                      return AuthResult::Bad;
                    })) == AuthResult::Bad);
  CHECK(elsewhere);
  CHECK(run_waiting(loop, ask(pool, [] { return AuthResult::Ok; })) == AuthResult::Ok);
}

TEST_CASE("where the system has no room for a thread, checks are refused", "[auth][threads]") {
  constexpr int kRefused = 3, kTaken = 4, kThrown = 5, kUnlimited = 6;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    constexpr uid_t kSomebody = 61234;  // the limit is not for root
    const rlimit one{1, 1};
    if ((::geteuid() == 0 && ::setresuid(kSomebody, kSomebody, kSomebody) != 0) || ::setrlimit(RLIMIT_NPROC, &one) != 0)
      ::_exit(kUnlimited);
    try {
      CheckPool pool(2, 10);
      CheckPool::Ticket ticket(pool);
      ::_exit(pool.submit(ticket, [] { return AuthResult::Ok; }) ? kTaken : kRefused);
    } catch (...) {
      ::_exit(kThrown);
    }
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kUnlimited) return;
  CHECK(WEXITSTATUS(status) == kRefused);
}

TEST_CASE("more checks than may wait are refused at once", "[auth][threads]") {
  boost::asio::io_context loop{1};
  Door door;
  CheckPool pool(1, 2);
  const CheckPool::Check check = [&] {
    door.pass();
    return AuthResult::Ok;
  };
  auto first = start(loop, ask(pool, check));
  run_ready(loop);
  door.wait_for_inside(1);
  auto second = start(loop, ask(pool, check));
  auto third = start(loop, ask(pool, check));
  auto fourth = start(loop, ask(pool, check));
  run_ready(loop);
  CHECK(fourth.get() == AuthResult::Busy);
  CHECK_FALSE(second.done());
  door.open();
  REQUIRE(poll_until(loop, [&] { return first.done() && second.done() && third.done(); }));
  CHECK(third.get() == AuthResult::Ok);
}

TEST_CASE("who goes away before his check has begun costs no thread", "[auth][threads]") {
  Door door;
  CheckPool pool(1, 10);
  bool ran = false;
  boost::asio::io_context loop{1};
  auto first = start(loop, ask(pool, [&] {
                       door.pass();
                       return AuthResult::Ok;
                     }));
  run_ready(loop);
  door.wait_for_inside(1);
  {
    boost::asio::io_context gone{1};
    auto second = start(gone, ask(pool, [&] {
                          ran = true;
                          return AuthResult::Ok;
                        }));
    run_ready(gone);
  }
  door.open();
  CHECK(run_waiting(loop, ask(pool, [] { return AuthResult::Ok; })) == AuthResult::Ok);  // queued behind it
  CHECK_FALSE(ran);
}

TEST_CASE("closing answers those who wait, and takes no more", "[auth][threads]") {
  boost::asio::io_context loop{1};
  Door door;
  CheckPool pool(1, 10);
  auto first = start(loop, ask(pool, [&] {
                       door.pass();
                       return AuthResult::Ok;
                     }));
  run_ready(loop);
  door.wait_for_inside(1);
  auto second = start(loop, ask(pool, [] { return AuthResult::Ok; }));
  run_ready(loop);
  door.open();
  pool.close();
  REQUIRE(poll_until(loop, [&] { return first.done() && second.done(); }));
  CHECK(first.get() == AuthResult::Ok);
  CHECK(run_waiting(loop, ask(pool, [] { return AuthResult::Ok; })) == AuthResult::Busy);
}
