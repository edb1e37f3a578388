// The part of IdlePool about requests that wait for their turn. Life of one:
//
//   joins the queue     the limit is reached, and there is a place
//   gets a slot         from one that was given up, as the first in the queue whose client is still there
//   or else leaves      after the queue timeout, when its client has gone, or when its coroutine is destroyed
//
// Nobody overtakes: as long as somebody waits, no slot is free.
#include "idle_pool.hpp"

namespace freshet {
namespace {

/// How many clients of those who wait are looked at when a request finds the queue full: a system call each.
constexpr int kSuspects = 8;

}  // namespace

/// Lies in the frame of its coroutine, so that waiting takes no memory of its own.
class IdlePool::Queued {
 public:
  Queued(IdlePool& pool, Group& group, Interim& client)
      : pool_(pool), group_(group), client_(client), deadline_(pool.wheel_, &Queued::too_late, this) {
    previous_ = group.end;
    *group.end = this;
    group.end = &next_;
    if (!group.suspect) group.suspect = this;
    ++group.queued;
    ++group.visitors;
    group.counters.queued.add();
    deadline_.arm(pool.queue_timeout_);
  }
  ~Queued() {
    leave();
    slot_ = Slot();
    --group_.visitors;
    pool_.forget_if_unused(group_);
  }
  Queued(const Queued&) = delete;
  Queued& operator=(const Queued&) = delete;

  Task<void> wait() {
    while (previous_) co_await wakeup_.wait();
  }
  /// REQUIRES: wait() has returned.
  Result<Slot> result() {
    if (slot_) return std::move(slot_);
    return failure_;
  }

  bool is_client_gone() noexcept { return client_.seems_client_gone(); }
  Queued* next() const noexcept { return next_; }
  void grant(Slot slot) noexcept {
    slot_ = std::move(slot);
    end();
  }
  void fail(const Failure& failure) noexcept {
    failure_ = failure;
    end();
  }

 private:
  static void too_late(void* self) noexcept {
    static_cast<Queued*>(self)->fail(Failure(Reason::QueueTimeout, Side::Self, 503));
  }
  void end() noexcept {
    leave();
    wakeup_.wake();
  }
  void leave() noexcept {
    if (!previous_) return;
    deadline_.disarm();
    if (group_.suspect == this) group_.suspect = next_;
    *previous_ = next_;
    (next_ ? next_->previous_ : group_.end) = previous_;
    previous_ = nullptr;
    --group_.queued;
    group_.counters.queued.subtract();
  }

  IdlePool& pool_;
  Group& group_;
  Interim& client_;
  Wakeup wakeup_;
  Deadline deadline_;
  Slot slot_;
  Failure failure_;
  Queued** previous_;  // null: not in the queue any more
  Queued* next_ = nullptr;
};

Task<Result<IdlePool::Slot>> IdlePool::enter_upstream(std::size_t index, Interim& client) {
  return enter(Ref<IdlePool>(this), *upstreams_.at(index), client);
}

Task<Result<IdlePool::Slot>> IdlePool::enter_forward(std::string_view authority, Interim& client) {
  return enter(Ref<IdlePool>(this), forward_group(authority), client);
}

std::optional<IdlePool::Slot> IdlePool::enter_upstream_now(std::size_t index) noexcept {
  return occupy_free(*upstreams_.at(index));
}

std::optional<IdlePool::Slot> IdlePool::enter_forward_now(std::string_view authority) {
  return occupy_free(forward_group(authority));
}

std::optional<IdlePool::Slot> IdlePool::occupy_free(Group& group) noexcept {
  if (group.active < group.limit) return occupy(group);
  return {};
}

IdlePool::Group& IdlePool::forward_group(std::string_view authority) {
  std::string key(authority);
  std::unique_ptr<Group>& group = forward_[key];
  if (!group) {
    group = std::make_unique<Group>(forward_counters_, limits_.requests_per_upstream);
    group->key = std::move(key);
  }
  return *group;
}

Task<Result<IdlePool::Slot>> IdlePool::enter(Ref<IdlePool> self, Group& group, Interim& client) {
  if (group.active < group.limit) co_return self->occupy(group);
  if (const auto refused = self->why_not_queued(group)) co_return *refused;
  Queued queued(*self, group, client);
  co_await queued.wait();
  co_return queued.result();
}

IdlePool::Slot IdlePool::occupy(Group& group) noexcept {
  ++group.active;
  group.counters.connections_active.add();
  return Slot(Ref<IdlePool>(this), group);
}

std::optional<Failure> IdlePool::why_not_queued(Group& group) noexcept {
  if (limits_.queue_per_upstream == 0) return Failure(Reason::UpstreamBusy, Side::Self, 503);
  if (group.queued >= limits_.queue_per_upstream) drop_some_gone(group);
  if (group.queued >= limits_.queue_per_upstream) return Failure(Reason::QueueFull, Side::Self, 503);
  return {};
}

/// A few each time, so that the work for one request is bounded; they are looked at in turn.
void IdlePool::drop_some_gone(Group& group) noexcept {
  for (int looked = 0; looked < kSuspects && group.first; ++looked) {
    Queued& suspect = group.suspect ? *group.suspect : *group.first;
    group.suspect = suspect.next();
    if (suspect.is_client_gone()) suspect.fail(Failure(Reason::ClientClosed, Side::Client, 400));
  }
}

/// A slot has become free.
void IdlePool::pass_on(Group& group) noexcept {
  while (group.first && group.active < group.limit) {
    Queued& next = *group.first;
    if (next.is_client_gone())
      next.fail(Failure(Reason::ClientClosed, Side::Client, 400));
    else
      next.grant(occupy(group));
  }
}

}  // namespace freshet
