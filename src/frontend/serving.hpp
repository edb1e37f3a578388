// What the connections of one listener on one worker have in common.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "freshet/base/pin.hpp"
#include "freshet/frontend/listener.hpp"

namespace freshet {

class H1Client;
class H1Session;

/// Sessions that nobody needs at the moment. One for each worker; its thread only.
class SessionPool {
 public:
  SessionPool();
  ~SessionPool();
  SessionPool(const SessionPool&) = delete;
  SessionPool& operator=(const SessionPool&) = delete;
  /// One that has served before when there is one.
  std::unique_ptr<H1Session> take(Worker& worker);
  /// Keeps kKept of them, and destroys the rest.
  void put(std::unique_ptr<H1Session> session) noexcept;
  static constexpr std::size_t kKept = 64;

 private:
  std::vector<std::unique_ptr<H1Session>> idle_;
};

/// Lives as long as the last of its clients. The worker's thread only. What it refers to outlives it.
class Serving : public Pinned {
 public:
  Serving(Worker& at, Service& answers, SessionOptions how, SessionLimits& bounds, WorkerCounters& counts,
          AccessLog* access_log);

  Worker& worker;
  Service& service;
  const SessionOptions options;
  SessionLimits& limits;
  WorkerCounters& counters;
  AccessLog* const log;

  /// All clients: finish the request under way, then close.
  void drain_clients() noexcept;
  /// All clients: break everything off.
  void abort_clients() noexcept;
  std::size_t clients() const noexcept { return count_; }
  /// One client gives up its place: the one whose last whole request is longest ago, whether it is answered or not: an
  /// answer that takes long waits for its client.
  void make_room() noexcept;

 protected:
  ~Serving() override;
  /// A client's connection has ended.
  virtual void client_left() noexcept {}
  /// A client that was read from before the loop had heard of it: whether something had come.
  virtual void was_read_first(bool /*found*/) noexcept {}

 private:
  friend class H1Client;
  H1Client* first_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace freshet
