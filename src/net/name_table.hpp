// What the resolver's threads and the coroutines that wait for them share.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "freshet/async/wakeup.hpp"
#include "freshet/net/resolver.hpp"

namespace freshet {

using Addresses = std::vector<boost::asio::ip::address>;

struct Name;
class NameTable;

/// One coroutine's question. Lives in its frame; leaves the table when the frame goes, answered or not.
class Question {
 public:
  enum class Answer : std::uint8_t { None, Found, Failed, TimedOut };

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
  std::chrono::steady_clock::time_point overdue_;
  std::list<Question*>::iterator order_;
};

/// One host name. Life: queued -> being looked up -> kept (until evicted, or queued again when it has expired).
struct Name {
  std::string host;
  bool pending = true;                         // queued or being looked up
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
  bool ask(Question&, const std::string& host);
  bool settled(const Question&);
  /// REQUIRES: settled.
  Result<Addresses> result(const Question&);
  void forget(Question&) noexcept;

  // For the resolver's threads: each returns after close().

  /// Looks up what is queued, as thread number `thread` (from 0 to options.threads - 1).
  void serve(std::size_t thread);
  /// Answers questions that have waited too long.
  void watch();
  /// Fails all questions, now and later, and lets the threads end. Says which are inside the look-up function: only
  /// those will take their time. None touches the clock any more.
  std::vector<bool> close();

 private:
  Name* admit(const std::string& host);
  bool evict_one();
  void keep(Name&, Addresses found);
  void settle(Question&, Question::Answer) noexcept;

  const ResolverOptions options_;
  const Clock& clock_;
  const LookUp look_up_;

  std::mutex mutex_;
  bool closed_ = false;
  std::vector<bool> busy_;  // by thread: inside the look-up function
  std::unordered_map<std::string, Name> names_;
  std::list<Name*> kept_;  // the one used longest ago first
  std::deque<Name*> queue_;
  std::list<Question*> waiting_;  // the oldest first: all wait for the same time
  std::condition_variable work_;
  std::condition_variable watch_;
};

}  // namespace freshet
