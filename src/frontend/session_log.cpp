#include "session_log.hpp"

#include <array>

namespace freshet {
namespace {

/// What a reason counts for besides.
enum Kind : std::uint8_t { kPlainEnd = 0, kDenial = 1, kProtocolError = 2 };

constexpr auto kKinds = [] {
  std::array<std::uint8_t, 256> kinds{};  // of all that a Reason can be
  for (const Reason reason : kDenials) kinds[static_cast<std::size_t>(reason)] |= kDenial;
  for (const Reason reason : kOriginFaults) kinds[static_cast<std::size_t>(reason)] |= kProtocolError;
  for (const Reason reason : kSlowness) kinds[static_cast<std::size_t>(reason)] |= kProtocolError;
  return kinds;
}();

}  // namespace

void count_request(const FinishedRequest& finished, const Outcome& outcome, WorkerCounters& counters,
                   std::uint16_t listener) noexcept {
  ListenerCounters& own = counters.listener[listener];
  own.requests[static_cast<std::size_t>(finished.method)][code_class(finished.status)].add();
  own.response_bytes.add(finished.response_bytes);
  own.request_bytes.add(finished.request_bytes);
  if (!finished.tunnel) own.duration.observe(finished.duration);
  if (outcome.cache != CacheResult::None) counters.cache_requests[static_cast<std::size_t>(outcome.cache)].add();
  const auto reason = static_cast<std::size_t>(outcome.reason);
  if (kKinds[reason] == kPlainEnd) return;
  if ((kKinds[reason] & kDenial) != 0) counters.denied[reason].add();
  if ((kKinds[reason] & kProtocolError) != 0) counters.protocol_errors[reason].add();
}

void log_request(AccessRecord& record, const FinishedRequest& finished, const Outcome& outcome, AccessLog& log) noexcept {
  record.status = finished.status;
  record.response_bytes = finished.response_bytes;
  record.request_bytes = finished.request_bytes;
  record.duration = finished.duration;
  record.cache_result = name(outcome.cache);
  record.reason = word(outcome.reason);
  record.cache_status = outcome.cache_status;
  record.upstream_address = outcome.origin_address;
  record.upstream_status = outcome.origin_status;
  record.upstream_time = outcome.origin_head_time;
  log.write(record);
}

}  // namespace freshet
