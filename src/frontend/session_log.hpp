// One finished request to the counters and the access log.
#pragma once

#include <cstdint>

#include "freshet/exchange/outcome.hpp"
#include "freshet/http/message.hpp"
#include "freshet/metrics/access_log.hpp"
#include "freshet/metrics/counters.hpp"

namespace freshet {

/// What the session knows about a request when it is over.
struct FinishedRequest {
  AccessRecord record;  ///< without what `outcome` says
  Method method = Method::Other;
  bool tunnel = false;  ///< counted, but its duration says nothing about us
};

/// Fills in the rest of the record from `outcome`. `log` may be null.
void record_request(FinishedRequest& finished, const Outcome& outcome, WorkerCounters& counters, std::uint16_t listener,
                    AccessLog* log) noexcept;

}  // namespace freshet
