#include "idle_pool.hpp"

#include <algorithm>

namespace freshet {

IdlePool::Idle::Idle(IdlePool& p, Group& g, Ref<OriginConnection> c)
    : pool(p), group(g), connection(std::move(c)), deadline(p.wheel_, &IdlePool::expired, this) {}

IdlePool::IdlePool(const OriginLimits& limits, Milliseconds idle_timeout, DeadlineWheel& wheel,
                   WorkerCounters& counters)
    : limits_(limits), idle_timeout_(idle_timeout), wheel_(wheel), forward_counters_(counters.forward()) {
  for (std::size_t i = 0; i + 1 < counters.upstream.size(); ++i)
    upstreams_.push_back(std::make_unique<Group>(counters.upstream[i]));
}

IdlePool::~IdlePool() { close_all(); }

IdlePool::Slot& IdlePool::Slot::operator=(Slot&& other) noexcept {
  if (this != &other) {
    leave();
    pool_ = std::move(other.pool_);
    group_ = std::exchange(other.group_, nullptr);
  }
  return *this;
}

void IdlePool::Slot::leave() noexcept {
  if (group_ == nullptr) return;
  --group_->active;
  group_->counters.connections_active.subtract();
  pool_->forget_if_unused(*group_);
  group_ = nullptr;
  pool_ = nullptr;
}

UpstreamCounters& IdlePool::Slot::counters() const noexcept { return group_->counters; }

Ref<OriginConnection> IdlePool::Slot::take(std::size_t server, const AddressJudge& judge) const noexcept {
  for (std::size_t i = group_->idle.size(); i-- > 0;) {
    const OriginConnection& idle = *group_->idle[i]->connection;
    if (idle.server() != server || judge.why_not(idle.endpoint().address()) != Reason::None) continue;
    Ref<OriginConnection> connection = pool_->remove(group_->idle[i]);
    if (connection->is_quiet()) return connection;
    connection->close();
  }
  return nullptr;
}

void IdlePool::Slot::make_room() const noexcept {
  while (!group_->idle.empty() && group_->active + group_->idle.size() > pool_->limits_.connections_per_upstream)
    pool_->drop(group_->idle.front());
}

IdlePool::Slot IdlePool::enter_upstream(std::size_t index) { return enter(*upstreams_.at(index)); }

IdlePool::Slot IdlePool::enter_forward(std::string_view authority) {
  std::string key(authority);
  std::unique_ptr<Group>& group = forward_[key];
  if (!group) {
    group = std::make_unique<Group>(forward_counters_);
    group->key = std::move(key);
  }
  Slot slot = enter(*group);
  if (!slot) forget_if_unused(*group);
  return slot;
}

IdlePool::Slot IdlePool::enter(Group& group) {
  if (group.active >= limits_.connections_per_upstream) return {};
  ++group.active;
  group.counters.connections_active.add();
  return Slot(Ref<IdlePool>(this), group);
}

void IdlePool::give_back(Slot slot, Ref<OriginConnection> connection) {
  if (closed_ || limits_.idle_connections == 0 || limits_.idle_connections_per_upstream == 0)
    return connection->close();
  Group& group = *slot.group_;
  idle_.emplace_back(*this, group, std::move(connection));
  const auto it = std::prev(idle_.end());
  it->self = it;
  it->deadline.arm(idle_timeout_);
  group.idle.push_back(it);
  group.counters.connections_idle.add();
  if (group.idle.size() > limits_.idle_connections_per_upstream) drop(group.idle.front());
  if (idle_.size() > limits_.idle_connections) drop(idle_.begin());
}

Ref<OriginConnection> IdlePool::remove(IdleList::iterator it) noexcept {
  Group& group = it->group;
  group.idle.erase(std::find(group.idle.begin(), group.idle.end(), it));
  group.counters.connections_idle.subtract();
  Ref<OriginConnection> connection = std::move(it->connection);
  idle_.erase(it);
  return connection;
}

void IdlePool::drop(IdleList::iterator it) noexcept {
  Group& group = it->group;
  remove(it)->close();
  forget_if_unused(group);
}

void IdlePool::expired(void* idle) noexcept {
  auto& it = *static_cast<Idle*>(idle);
  it.pool.drop(it.self);
}

void IdlePool::forget_if_unused(Group& group) noexcept {
  if (group.key.empty() || group.active > 0 || !group.idle.empty()) return;
  // By iterator: erasing by the group's own key would read it while it goes away.
  const auto it = forward_.find(group.key);
  if (it != forward_.end()) forward_.erase(it);
}

void IdlePool::close_all() noexcept {
  closed_ = true;
  while (!idle_.empty()) drop(idle_.begin());
}

}  // namespace freshet
