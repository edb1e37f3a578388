// Where the access log goes: a file, or whatever stdout is.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "freshet/base/clock.hpp"

namespace freshet {

/// Owns the descriptor (not that of stdout). One thread at a time.
class LogSink {
 public:
  explicit LogSink(std::string path) : path_(std::move(path)) {}
  ~LogSink();
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;

  /// Opens the path, or opens it anew; when that fails, what was open stays open. Returns errno, 0 when it is good.
  int open() noexcept;

  /// How far a write got. error: errno of what stopped it; ETIMEDOUT when nobody took the bytes and `give_up` said so.
  struct Written {
    std::size_t bytes = 0;
    int error = 0;
  };
  /// Writes all of `text`, waiting for a reader that is slow (a pipe, a terminal) in short steps for as long as
  /// `give_up(waited)` is false. REQUIRES: open.
  template <typename GiveUp>  // bool(Milliseconds waited)
  Written write(std::string_view text, GiveUp give_up) noexcept {
    Written done;
    for (Milliseconds waited{0}; done.bytes < text.size();) {
      const long n = write_some(text.substr(done.bytes));
      if (n >= 0) {
        done.bytes += static_cast<std::size_t>(n);
        waited = Milliseconds(0);
      } else if (n == kWouldBlock) {
        if (give_up(waited)) return done.error = kTimedOut, done;
        wait_until_writable();
        waited += kStep;
      } else {
        return done.error = static_cast<int>(-n), done;
      }
    }
    return done;
  }

 private:
  static constexpr Milliseconds kStep{50};
  static const long kWouldBlock;
  static const int kTimedOut;
  /// The number of bytes that were taken, or -errno; kWouldBlock when it would have to wait.
  long write_some(std::string_view text) noexcept;
  /// Returns after kStep at the latest.
  void wait_until_writable() noexcept;
  bool can_block_ = false;  ///< not a regular file
  int fd_ = -1;
  std::string path_;
};

}  // namespace freshet
