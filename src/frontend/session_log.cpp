#include "session_log.hpp"

#include <algorithm>
#include <array>

namespace freshet {
namespace {

template <std::size_t N>
bool is_one_of(Reason reason, const std::array<Reason, N>& reasons) noexcept {
  return std::find(reasons.begin(), reasons.end(), reason) != reasons.end();
}

void count_request(const FinishedRequest& finished, const Outcome& outcome, WorkerCounters& counters,
                   std::uint16_t listener) noexcept {
  ListenerCounters& own = counters.listener[listener];
  own.requests[static_cast<std::size_t>(finished.method)][code_class(finished.record.status)].add();
  own.response_bytes.add(finished.record.response_bytes);
  own.request_bytes.add(finished.record.request_bytes);
  if (!finished.tunnel) own.duration.observe(finished.record.duration);
  if (outcome.cache != CacheResult::None) counters.cache_requests[static_cast<std::size_t>(outcome.cache)].add();
  const auto reason = static_cast<std::size_t>(outcome.reason);
  if (is_one_of(outcome.reason, kDenials)) counters.denied[reason].add();
  if (is_one_of(outcome.reason, kOriginFaults) || is_one_of(outcome.reason, kSlowness)) counters.protocol_errors[reason].add();
}

}  // namespace

void record_request(FinishedRequest& finished, const Outcome& outcome, WorkerCounters& counters, std::uint16_t listener,
                    AccessLog* log) noexcept {
  count_request(finished, outcome, counters, listener);
  if (!log) return;
  AccessRecord& record = finished.record;
  record.cache_result = name(outcome.cache);
  record.reason = word(outcome.reason);
  record.cache_status = outcome.cache_status;
  record.upstream_address = outcome.origin_address;
  record.upstream_status = outcome.origin_status;
  record.upstream_time = outcome.origin_head_time;
  log->write(record);
}

}  // namespace freshet
