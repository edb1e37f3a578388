// Moves an origin's body into the store, at the origin's speed, whoever reads along.
#pragma once

#include <memory>

#include "freshet/async/task.hpp"
#include "freshet/cache/store.hpp"
#include "freshet/exchange/body.hpp"
#include "freshet/metrics/counters.hpp"

namespace freshet {

/// One fill: what it needs, owned until it ends. `store` and `counters` outlive the worker's coroutines.
struct FillJob {
  Store& store;
  WorkerCounters& counters;
  Ref<StoredResponse> response;
  std::unique_ptr<BodySource> source;
  bool shared = false;  ///< it was never in the store
  bool found = false;   ///< others may have found the response: when run_fill() never comes, they must not wait for ever
  Quota::Share permit;  ///< of Store::fills()
  FillWorth worth;      ///< when it goes on although nobody reads any more
  FillJob(Store& s, WorkerCounters& c, Ref<StoredResponse> r, std::unique_ptr<BodySource> b, Quota::Share p)
      : store(s), counters(c), response(std::move(r)), source(std::move(b)), permit(std::move(p)) {}
  ~FillJob();
};

/// Reads the source to its end. Cut short, or grown beyond the limits: the response leaves the store, and readers get what there is
/// (RFC 9111 3.3: an incomplete response is not stored as complete). Given up by its readers: the response leaves the store, and the
/// source is closed at once.
Task<void> run_fill(std::unique_ptr<FillJob> job);

}  // namespace freshet
