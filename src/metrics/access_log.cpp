// The writer of the access log. The life of a line: formatted by the thread that calls write() -> appended to `queued_` -> swapped
// into `batch_` by the writing thread, together with all others that came meanwhile -> written -> forgotten.
// A batch whose write failed is kept and tried again; meanwhile `queued_` fills up, and what does not fit is dropped.
#include "freshet/metrics/access_log.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "log_sink.hpp"

namespace freshet {
namespace {

/// So much is worth a write at once.
constexpr std::size_t kEnoughForOneWrite = 64 * 1024;

void warn_on_stderr(const std::string& sentence) { std::fprintf(stderr, "freshet: %s\n", sentence.c_str()); }

std::uint64_t count_lines(std::string_view text) noexcept {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

class QueuedAccessLog final : public AccessLog {
 public:
  explicit QueuedAccessLog(const AccessLogOptions& options) : options_(options), sink_(options.path) {
    if (!options_.warn) options_.warn = warn_on_stderr;
  }

  ~QueuedAccessLog() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_.store(true, std::memory_order_relaxed);
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

  /// errno, or 0.
  int start() {
    if (const int error = sink_.open()) return error;
    queued_.reserve(std::min(options_.queue_bytes, 2 * kEnoughForOneWrite));
    batch_.reserve(queued_.capacity());
    // The writing thread takes no signals: they belong to the main thread, and SIGPIPE and SIGXFSZ must not kill the process.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      thread_ = std::thread([this] { run(); });
    } catch (...) {
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      return EAGAIN;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return 0;
  }

  void write(const AccessRecord& record) noexcept override {
    thread_local std::string line;  // keeps its memory: nothing is allocated once it has seen the longest line
    try {
      line.clear();
      format_access_record(record, options_.format, line);
      if (!enqueue(line)) drop(1);
    } catch (...) {
      drop(1);
    }
  }

  void reopen() noexcept override {
    {
      const std::lock_guard lock(mutex_);
      reopen_at_ = queued_.size();
    }
    changed_.notify_one();
  }

  std::uint64_t dropped() const noexcept override { return dropped_.load(std::memory_order_relaxed); }

 private:
  bool enqueue(std::string_view line) {
    bool wake;
    {
      const std::lock_guard lock(mutex_);
      const std::size_t before = queued_.size();
      if (before + in_flight_ + line.size() > options_.queue_bytes) return false;
      queued_.append(line);
      // The writer sleeps until there is something, and then once more until there is enough or time is up.
      wake = before == 0 || (before < kEnoughForOneWrite && queued_.size() >= kEnoughForOneWrite);
    }
    if (wake) changed_.notify_one();
    return true;
  }

  void drop(std::uint64_t lines) noexcept { dropped_.fetch_add(lines, std::memory_order_relaxed); }
  bool stopping() const noexcept { return stopping_.load(std::memory_order_relaxed); }

  // What follows runs on the writing thread.

  void run() noexcept {
    for (;;) {
      std::optional<std::size_t> reopen_at;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !queued_.empty() || reopen_at_ || stopping(); });
        changed_.wait_for(lock, options_.flush_after,
                          [this] { return queued_.size() >= kEnoughForOneWrite || reopen_at_ || stopping(); });
        batch_.swap(queued_);
        in_flight_ = batch_.size();
        reopen_at = std::exchange(reopen_at_, std::nullopt);
        if (batch_.empty() && !reopen_at) return;  // stopping, and all is written
      }
      std::string_view rest = batch_;
      if (reopen_at) {
        write_all(rest.substr(0, *reopen_at));
        rest.remove_prefix(*reopen_at);
        reopen_now();
      }
      write_all(rest);
      batch_.clear();
      const std::lock_guard lock(mutex_);
      in_flight_ = 0;
    }
  }

  /// Returns when all is written, or dropped because the log is being closed.
  void write_all(std::string_view text) noexcept {
    if (text.empty()) return;
    bool torn = false;  // the last byte that was written is in the middle of a line
    while (!text.empty()) {
      const auto done = sink_.write(text, [this](Milliseconds waited) { return stopping() && waited >= options_.flush_limit; });
      if (done.bytes > 0) torn = text[done.bytes - 1] != '\n';
      text.remove_prefix(done.bytes);
      if (done.error == 0) break;
      report_failure(done.error);
      if (stopping()) return drop(count_lines(text));
      if (wait_for_retry() && torn) {  // a new file does not begin with half a line
        text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
        drop(1);
        torn = false;
      }
    }
    report_success();
  }

  /// Waits before the next try. True when the file was opened anew meanwhile.
  bool wait_for_retry() noexcept {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, options_.retry_after, [this] { return reopen_at_ || stopping(); });
      // What is stuck goes to the new file: the old one does not take it.
      if (!std::exchange(reopen_at_, std::nullopt)) return false;
    }
    reopen_now();
    return true;
  }

  void reopen_now() noexcept {
    if (const int error = sink_.open())
      warn({"cannot open the access log ", options_.path, " anew: ", std::strerror(error), "; going on with the old file"});
  }

  void report_failure(int error) noexcept {
    if (std::exchange(failing_, true)) return;
    dropped_before_ = dropped();
    warn({"cannot write the access log ", options_.path, ": ", std::strerror(error), "; trying again, lines may be lost"});
  }

  void report_success() noexcept {
    if (!std::exchange(failing_, false)) return;
    warn({"the access log ", options_.path, " is written again; lines lost: ", std::to_string(dropped() - dropped_before_)});
  }

  void warn(std::initializer_list<std::string_view> parts) noexcept {
    try {
      std::string sentence;
      for (std::string_view part : parts) sentence += part;
      options_.warn(sentence);
    } catch (...) {  // a warning that cannot be given is no reason to stop
    }
  }

  AccessLogOptions options_;
  LogSink sink_;
  std::thread thread_;
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<bool> stopping_{false};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string queued_;                     // guarded by mutex_
  std::size_t in_flight_ = 0;              // guarded by mutex_: bytes of batch_
  std::optional<std::size_t> reopen_at_;   // guarded by mutex_: how much of queued_ belongs to the old file

  std::string batch_;                      // the writing thread's
  bool failing_ = false;
  std::uint64_t dropped_before_ = 0;
};

}  // namespace

std::unique_ptr<AccessLog> open_access_log(const AccessLogOptions& options, std::string& error) {
  auto log = std::make_unique<QueuedAccessLog>(options);
  if (const int code = log->start()) {
    error = "cannot open the access log " + options.path + ": " + std::strerror(code);
    return nullptr;
  }
  return log;
}

}  // namespace freshet
