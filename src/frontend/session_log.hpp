// One finished request to the counters and the access log.
#pragma once

#include <chrono>
#include <cstdint>

#include "freshet/exchange/outcome.hpp"
#include "freshet/http/message.hpp"
#include "freshet/metrics/access_log.hpp"
#include "freshet/metrics/counters.hpp"

namespace freshet {

/// What is counted of a request that is over.
struct FinishedRequest {
  Method method = Method::Other;
  bool tunnel = false;  ///< counted, but its duration says nothing about us
  int status = 0;
  std::uint64_t response_bytes = 0, request_bytes = 0;  ///< of the bodies
  std::chrono::nanoseconds duration{0};
};

void count_request(const FinishedRequest& finished, const Outcome& outcome, WorkerCounters& counters,
                   std::uint16_t listener) noexcept;

/// Fills in what `finished` and `outcome` say of the record, and writes it.
void log_request(AccessRecord& record, const FinishedRequest& finished, const Outcome& outcome, AccessLog& log) noexcept;

}  // namespace freshet
