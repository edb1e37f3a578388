// The access log: formatted on the worker, written by one background thread from a bounded queue.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "freshet/base/clock.hpp"

namespace freshet {

enum class AccessLogFormat : std::uint8_t { Combined, Json, Squid };

/// One finished request. Views need to live only during the call.
struct AccessRecord {
  WallTime received;
  std::chrono::nanoseconds duration{0};
  std::string_view client, user, method, scheme, authority, target, version;  ///< version: "HTTP/1.1"
  std::string_view referer, user_agent;
  bool absolute_form = false;          ///< the target came as a whole URL, as proxies get it; `target` is still without authority
  std::string_view content_type;       ///< of the response
  int status = 0;
  std::uint64_t response_bytes = 0;    ///< body bytes sent
  std::uint64_t request_bytes = 0;     ///< body bytes received
  std::string_view cache_result;       ///< name(CacheResult)
  std::string_view reason;             ///< word(Reason)
  std::string_view cache_status;       ///< our Cache-Status member
  std::string_view upstream_address;   ///< empty: the origin was not asked
  int upstream_status = 0;
  std::chrono::nanoseconds upstream_time{0};
  std::string_view listener;
};

/// Appends one line, with its '\n'. Control bytes, quotes and backslashes are escaped, credentials in the target (userinfo) never
/// written; an empty method stands for a request that could not be read. Times are UTC. Pure; may throw std::bad_alloc only.
void format_access_record(const AccessRecord&, AccessLogFormat, std::string& out);

struct AccessLogOptions {
  std::string path = "stdout";            ///< "stdout" or a file
  AccessLogFormat format = AccessLogFormat::Combined;
  std::size_t queue_bytes = 4 << 20;      ///< what does not fit is dropped and counted
  Milliseconds flush_after{100};          ///< how long a line may wait for others to be written together with it
  Milliseconds retry_after{1000};         ///< how long to wait after a write that failed (a full disk)
  Milliseconds flush_limit{2000};         ///< how long the destructor tries when nobody takes what is written (a stuck pipe)
  /// Told one sentence when writing begins to fail and one when it works again; called by the writing thread. Empty: stderr.
  std::function<void(const std::string&)> warn;
};

/// write() and reopen() may be called by any thread and never block on the disk. Destroying it writes what is queued.
/// A disk that is full or broken costs lines, never requests: the oldest queued lines are tried again, newer ones are dropped.
class AccessLog {
 public:
  virtual ~AccessLog() = default;
  virtual void write(const AccessRecord&) noexcept = 0;
  /// Opens the file anew (after rotation); lines written before this call still go to the old one. No effect on stdout.
  virtual void reopen() noexcept = 0;
  /// Lines lost so far.
  virtual std::uint64_t dropped() const noexcept = 0;
};

/// Null with a sentence in `error` when the file cannot be opened.
std::unique_ptr<AccessLog> open_access_log(const AccessLogOptions&, std::string& error);

}  // namespace freshet
