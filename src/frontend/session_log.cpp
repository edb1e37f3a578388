#include "session_log.hpp"

namespace freshet {
namespace {

void count_request(const FinishedRequest& finished, const Outcome& outcome, WorkerCounters& counters,
                   std::uint16_t listener) noexcept {
  ListenerCounters& own = counters.listener[listener];
  own.requests[static_cast<std::size_t>(finished.method)][code_class(finished.record.status)].add();
  own.response_bytes.add(finished.record.response_bytes);
  own.request_bytes.add(finished.record.request_bytes);
  if (!finished.tunnel) own.duration.observe(finished.record.duration);
  if (outcome.cache != CacheResult::None) counters.cache_requests[static_cast<std::size_t>(outcome.cache)].add();
  if (finished.record.status == 403 && !outcome.origin_asked)
    counters.denied[static_cast<std::size_t>(outcome.reason)].add();
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
