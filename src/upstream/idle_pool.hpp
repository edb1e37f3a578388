// Who is connected where: the exchanges in progress of each origin, the requests that wait for their turn, and the
// connections that wait for the next one.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "freshet/async/result.hpp"
#include "freshet/async/task.hpp"
#include "freshet/async/wakeup.hpp"
#include "freshet/base/pin.hpp"
#include "freshet/exchange/service.hpp"
#include "freshet/metrics/counters.hpp"
#include "freshet/net/address_policy.hpp"
#include "freshet/net/deadline_wheel.hpp"
#include "freshet/upstream/origin_pool.hpp"
#include "origin_connection.hpp"
#include "spare_buffers.hpp"

namespace freshet {

/// The connections of one worker. Outlives the pool while exchanges are in progress: their slots hold it.
class IdlePool final : public Pinned {
  struct Group;
  struct Idle;
  using IdleList = std::list<Idle>;

 public:
  IdlePool(const OriginPoolOptions&, DeadlineWheel&, WorkerCounters&);
  ~IdlePool() override;

  /// The right to one connection of a group; when it is destroyed, the next one in the queue gets it.
  class Slot {
   public:
    Slot() noexcept = default;
    Slot(Slot&& other) noexcept : pool_(std::move(other.pool_)), group_(std::exchange(other.group_, nullptr)) {}
    Slot& operator=(Slot&& other) noexcept;
    ~Slot() { leave(); }
    explicit operator bool() const noexcept { return group_ != nullptr; }
    UpstreamCounters& counters() const noexcept;
    /// The newest idle connection to `server` that is still quiet; null when there is none. Dead ones are closed. Those
    /// to an address that `judge` does not allow stay: they were made for others.
    Ref<OriginConnection> take(std::size_t server, const AddressJudge& judge) const noexcept;
    /// A connection beside the idle ones is about to be made: closes the oldest of those where the limit demands it.
    void make_room() const noexcept;

   private:
    friend class IdlePool;
    Slot(Ref<IdlePool> pool, Group& group) noexcept : pool_(std::move(pool)), group_(&group) {}
    void leave() noexcept;
    Ref<IdlePool> pool_;
    Group* group_ = nullptr;
  };

  /// Empty: the limit is reached; the request has to wait for its turn.
  std::optional<Slot> enter_upstream_now(std::size_t index) noexcept;
  std::optional<Slot> enter_forward_now(std::string_view authority);
  /// Waits for its turn when the limit is reached. `client` asks, and outlives the task. Failures: UpstreamBusy (there
  /// is no queue), QueueFull, QueueTimeout, all 503; ClientClosed.
  Task<Result<Slot>> enter_upstream(std::size_t index, Interim& client);
  Task<Result<Slot>> enter_forward(std::string_view authority, Interim& client);
  /// Keeps the connection for the next request and gives up the slot. REQUIRES: nothing is awaited on it.
  void give_back(Slot slot, Ref<OriginConnection> connection);

  /// For what arrives on the connections.
  SpareBuffers& buffers() noexcept { return buffers_; }
  std::size_t size() const noexcept { return idle_.size(); }
  void close_all() noexcept;

 private:
  struct Idle {
    explicit Idle(IdlePool&);
    IdlePool& pool;
    Group* group = nullptr;
    Ref<OriginConnection> connection;
    IdleList::iterator self;
    Deadline deadline;
  };
  class Queued;
  struct Group {
    Group(UpstreamCounters& c, std::size_t most) : counters(c), limit(most) {}
    UpstreamCounters& counters;
    const std::size_t limit;  // of active
    std::string key;          // of a forward group
    std::size_t active = 0;
    std::vector<IdleList::iterator> idle;  // oldest first
    Queued* first = nullptr;               // of the queue
    Queued** end = &first;                 // where the next one is hung in
    Queued* suspect = nullptr;             // the next one whose client may have gone
    std::size_t queued = 0;
    std::size_t visitors = 0;  // in the queue, or called out of it and not gone yet
  };
  static void expired(void* idle) noexcept;
  Group& forward_group(std::string_view authority);
  std::optional<Slot> occupy_free(Group&) noexcept;
  static Task<Result<Slot>> enter(Ref<IdlePool> self, Group&, Interim& client);
  Slot occupy(Group&) noexcept;
  std::optional<Failure> why_not_queued(Group&) noexcept;
  void drop_some_gone(Group&) noexcept;
  void pass_on(Group&) noexcept;
  Ref<OriginConnection> remove(IdleList::iterator) noexcept;
  void drop(IdleList::iterator) noexcept;
  void forget_if_unused(Group&) noexcept;

  const OriginLimits limits_;
  const Milliseconds idle_timeout_;
  const Milliseconds queue_timeout_;
  DeadlineWheel& wheel_;
  UpstreamCounters& forward_counters_;
  std::vector<std::unique_ptr<Group>> upstreams_;
  std::unordered_map<std::string, std::unique_ptr<Group>> forward_;
  IdleList idle_;   // oldest first
  IdleList spare_;  // nodes that are not in use: a connection comes and goes with every exchange
  SpareBuffers buffers_;
  bool closed_ = false;
};

}  // namespace freshet
