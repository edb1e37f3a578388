// A few threads for checks that take long, and the coroutines that wait for them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "freshet/async/wakeup.hpp"
#include "freshet/auth/authentication.hpp"

namespace freshet {

class CheckPool {
 public:
  using Check = std::function<AuthResult()>;

  /// One coroutine's wait. Lives in its frame; a check whose ticket has gone before it began is not run.
  class Ticket {
   public:
    explicit Ticket(CheckPool& pool) noexcept : pool_(pool) {}
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    /// To be awaited again until the pool says settled().
    Task<void> wait() { return wakeup_.wait(); }

   private:
    friend class CheckPool;
    struct Job;
    CheckPool& pool_;
    Wakeup wakeup_;
    // Guarded by the pool's mutex.
    Job* job_ = nullptr;  // queued or running
    AuthResult result_ = AuthResult::Undecided;
  };

  /// The threads start with the first check.
  CheckPool(unsigned threads, std::size_t most_queued) : most_threads_(threads), most_queued_(most_queued) {}
  ~CheckPool() { close(); }

  /// False when too many wait already, or the system has no room for even one thread. Any thread, as all that follows.
  bool submit(Ticket&, Check);
  /// Undecided: not yet. Busy: the pool has closed meanwhile.
  AuthResult result(const Ticket&) noexcept;
  /// Settles all that waits, and ends the threads; blocks for the checks that are running. Submits fail from now on.
  void close() noexcept;

 private:
  void start_thread();
  void run();
  void forget(Ticket&) noexcept;
  static void settle(Ticket::Job& job, AuthResult) noexcept;

  const unsigned most_threads_;
  const std::size_t most_queued_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<std::unique_ptr<Ticket::Job>> queue_;
  std::vector<std::thread> threads_;
  bool closed_ = false;
};

struct CheckPool::Ticket::Job {
  Check check;
  Ticket* ticket;  // null: nobody waits any more
};

}  // namespace freshet
