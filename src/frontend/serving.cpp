#include "serving.hpp"

#include <utility>

#include "freshet/base/check.hpp"
#include "h1_client.hpp"

namespace freshet {

SessionPool::SessionPool() { idle_.reserve(kKept); }
SessionPool::~SessionPool() = default;

std::unique_ptr<H1Session> SessionPool::take(Worker& worker) {
  if (idle_.empty()) return std::make_unique<H1Session>(worker);
  std::unique_ptr<H1Session> session = std::move(idle_.back());
  idle_.pop_back();
  return session;
}

void SessionPool::put(std::unique_ptr<H1Session> session) noexcept {
  if (idle_.size() < kKept) idle_.push_back(std::move(session));
}

Serving::Serving(Worker& at, Service& answers, SessionOptions how, SessionLimits& bounds, WorkerCounters& counts,
                 AccessLog* access_log)
    : worker(at), service(answers), options(std::move(how)), limits(bounds), counters(counts), log(access_log) {
  if (!limits.sessions) limits.sessions = std::make_shared<SessionPool>();
}

Serving::~Serving() { ENSURE(!first_); }

// Neither ends a client before the loop's next turn: the list stays as it is meanwhile.
void Serving::drain_clients() noexcept {
  for (H1Client* client = first_; client; client = client->next_) client->drain();
}

void Serving::abort_clients() noexcept {
  for (H1Client* client = first_; client; client = client->next_) client->abort();
}

}  // namespace freshet
