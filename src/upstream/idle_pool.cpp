#include "idle_pool.hpp"

#include <algorithm>

namespace freshet {

namespace {

constexpr std::size_t kSpareNodes = 64;

}  // namespace

IdlePool::Idle::Idle(IdlePool& p) : pool(p), deadline(p.wheel_, &IdlePool::expired, this) {}

IdlePool::IdlePool(const OriginPoolOptions& options, DeadlineWheel& wheel, WorkerCounters& counters)
    : limits_(options.limits),
      idle_timeout_(options.timeouts.idle),
      queue_timeout_(options.timeouts.queue),
      wheel_(wheel),
      forward_counters_(counters.forward()) {
  for (std::size_t i = 0; i < options.upstreams.size(); ++i) {
    const std::size_t own = options.upstreams[i].requests;
    upstreams_.push_back(std::make_unique<Group>(counters.upstream[i], own ? own : limits_.requests_per_upstream));
  }
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
  Group& group = *std::exchange(group_, nullptr);
  const Ref<IdlePool> pool = std::move(pool_);
  --group.active;
  group.counters.connections_active.subtract();
  pool->pass_on(group);
  pool->forget_if_unused(group);
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
  while (!group_->idle.empty() && group_->active + group_->idle.size() > group_->limit)
    pool_->drop(group_->idle.front());
}

void IdlePool::give_back(Slot slot, Ref<OriginConnection> connection) {
  if (closed_ || limits_.idle_connections == 0 || limits_.idle_connections_per_upstream == 0)
    return connection->close();
  Group& group = *slot.group_;
  try {
    if (spare_.empty()) spare_.emplace_back(*this);
    if (group.idle.size() == group.idle.capacity()) group.idle.reserve(std::max<std::size_t>(8, 2 * group.idle.size()));
  } catch (const std::bad_alloc&) {
    return connection->close();
  }
  idle_.splice(idle_.end(), spare_, spare_.begin());
  const auto it = std::prev(idle_.end());
  it->self = it;
  it->group = &group;
  it->connection = std::move(connection);
  it->deadline.arm(idle_timeout_);
  group.idle.push_back(it);
  group.counters.connections_idle.add();
  if (group.idle.size() > limits_.idle_connections_per_upstream) drop(group.idle.front());
  if (idle_.size() > limits_.idle_connections) drop(idle_.begin());
}

Ref<OriginConnection> IdlePool::remove(IdleList::iterator it) noexcept {
  Group& group = *it->group;
  group.idle.erase(std::find(group.idle.begin(), group.idle.end(), it));
  group.counters.connections_idle.subtract();
  Ref<OriginConnection> connection = std::move(it->connection);
  it->deadline.disarm();
  spare_.splice(spare_.begin(), idle_, it);
  if (spare_.size() > kSpareNodes) spare_.pop_back();
  return connection;
}

void IdlePool::drop(IdleList::iterator it) noexcept {
  Group& group = *it->group;
  remove(it)->close();
  forget_if_unused(group);
}

void IdlePool::expired(void* idle) noexcept {
  auto& it = *static_cast<Idle*>(idle);
  it.pool.drop(it.self);
}

void IdlePool::forget_if_unused(Group& group) noexcept {
  if (group.key.empty() || group.active > 0 || group.visitors > 0 || !group.idle.empty()) return;
  // By iterator: erasing by the group's own key would read it while it goes away.
  const auto it = forward_.find(group.key);
  if (it != forward_.end()) forward_.erase(it);
}

void IdlePool::close_all() noexcept {
  closed_ = true;
  while (!idle_.empty()) drop(idle_.begin());
}

}  // namespace freshet
