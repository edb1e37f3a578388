// What the resolver's threads and the coroutines that wait for them share.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "freshet/async/wakeup.hpp"
#include "freshet/net/resolver.hpp"
#include "look_up_queue.hpp"

namespace freshet {

using Addresses = std::vector<boost::asio::ip::address>;

/// Waits of threads are measured with the real clock, and what is kept with the injected one.
using RealTime = std::chrono::steady_clock::time_point;

struct Name;
class NameTable;

/// One coroutine's question. Lives in its frame; leaves the table when the frame goes, answered or not.
class Question {
 public:
  enum class Answer : std::uint8_t { None, Found, Failed, TimedOut, Busy };

  explicit Question(std::shared_ptr<NameTable> table) : table_(std::move(table)) {}
  ~Question();
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  Task<void> wait() { return wakeup_.wait(); }

 private:
  friend class NameTable;
  std::shared_ptr<NameTable> table_;
  Wakeup wakeup_;
  // Guarded by the table's mutex.
  Answer answer_ = Answer::None;
  std::shared_ptr<const Addresses> addresses_;
  Name* name_ = nullptr;  // null: not in the table
  RealTime overdue_;
  std::list<Question*>::iterator order_;
};

/// One host name. Life: waits for a thread -> is being looked up -> kept (until evicted, or looked up again when it has
/// expired). It goes when it waits and nobody wants it any more.
struct Name : LookUpPlace {
  std::string host;
  bool pending = true;                         // waits, or is being looked up
  RealTime given_up;                           // when it will have waited too long, or has been looked up for too long
  SteadyTime began;                            // being looked up
  std::shared_ptr<const Addresses> addresses;  // kept: null when the look-up failed
  SteadyTime expires;                          // kept
  std::vector<Question*> questions;            // pending
  std::list<Name*>::iterator use;              // kept: position in NameTable::kept_
};

/// Cache, queue of look-ups and the questions that wait. Every member function may be called by any thread.
class NameTable {
 public:
  NameTable(const ResolverOptions& options, const Clock& clock, LookUp look_up);

  // For coroutines.

  /// True: answered at once. False: the question is kept; its wait() returns when settled() is worth asking. The
  /// lower-case `host` is copied when it is new.
  bool ask(Question&, const std::string& host, const std::optional<ClientKey>& client);
  bool settled(const Question&);
  /// REQUIRES: settled.
  Result<Addresses> result(const Question&);
  void forget(Question&) noexcept;

  // For the resolver's threads: each returns after close().

  /// Starts a thread that calls serve(); false when the system has none left.
  using StartThread = std::function<bool()>;
  /// One that stays. False when `start` said so.
  bool add_thread(const StartThread& start);
  /// Looks up what waits. Returns when it has had nothing to do for a while and others are left, too.
  void serve();
  /// Answers questions that have waited too long, and starts threads when look-ups hang.
  void watch(const StartThread&);
  /// Fails all questions, now and later, and lets the threads end; waits for those that are not inside the look-up
  /// function, which will take their time. None touches the clock any more.
  void close();

  LookUpFigures figures() const;

 private:
  using Lock = std::unique_lock<std::mutex>;
  void enlist(Question&, Name&);
  Name* find(const std::string& host);
  Name* admit(const std::string& host, const std::optional<ClientKey>& client);
  bool evict_one();
  bool is_hanging(const Name&) const noexcept;
  bool await_work(Lock&);
  void look_up(Name&, Lock&);
  void keep(Name&, std::shared_ptr<const Addresses> found, std::list<Name*>& place) noexcept;
  void settle(Question&, Question::Answer) noexcept;
  void settle_all(Name&, Question::Answer) noexcept;
  void drop_if_unwanted(Name&) noexcept;
  bool wants_thread() const noexcept;
  bool start_thread(Lock&, const StartThread&);
  std::optional<RealTime> next_deadline() noexcept;
  void give_up(RealTime now) noexcept;

  const ResolverOptions options_;
  const Clock& clock_;
  const LookUp look_up_;

  mutable std::mutex mutex_;
  bool closed_ = false;
  unsigned threads_ = 0;      // all; of these:
  unsigned starting_ = 0;     // not in serve() yet
  unsigned idle_ = 0;         // wait for work
  unsigned busy_ = 0;         // inside the look-up function
  RealTime no_thread_until_;  // the system had none left
  std::unordered_map<std::string, Name> names_;
  std::list<Name*> kept_;  // the one used longest ago first
  LookUpQueue queue_;
  std::list<Question*> waiting_;  // the oldest first: all wait for the same time
  std::condition_variable work_;
  std::condition_variable watch_;
  std::condition_variable left_;
};

}  // namespace freshet
