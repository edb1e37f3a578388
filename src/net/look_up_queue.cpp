#include "look_up_queue.hpp"

#include <algorithm>

namespace freshet {
namespace {

/// Of `all`: what one client may have, or all that have no key together.
template <class N>
N share_of(N all, bool has_key) noexcept {
  return has_key ? std::max<N>(1, all / 4) : all - all / 4;
}

}  // namespace

LookUpQueue::~LookUpQueue() {
  turns_.clear();
  by_age_.clear();
  for (auto& [key, asker] : askers_) asker.waiting.clear();
}

Asker& LookUpQueue::asker_of(const std::optional<ClientKey>& key) {
  Asker& asker = askers_[key];
  asker.key = key;
  return asker;
}

bool LookUpQueue::may_run(const Asker& asker) const noexcept {
  return asker.running < share_of(max_running_, asker.key.has_value());
}

bool LookUpQueue::has_room(const Asker& asker) const noexcept {
  return asker.waiting.size() < share_of(max_waiting_, asker.key.has_value());
}

/// After something has changed: is it one of those whose turn may come, and is it still here for a reason?
void LookUpQueue::settle_turn(Asker& asker) noexcept {
  const bool ready = !asker.waiting.empty() && may_run(asker);
  if (ready && !asker.turn.is_linked()) turns_.push_back(asker);
  if (!ready && asker.turn.is_linked()) turns_.erase(Turns::s_iterator_to(asker));
  if (asker.waiting.empty() && asker.running == 0) askers_.erase(askers_.find(asker.key));
}

bool LookUpQueue::push(LookUpPlace& place, const std::optional<ClientKey>& key) {
  if (by_age_.size() >= max_waiting_) return false;
  Asker& asker = asker_of(key);
  const bool room = has_room(asker);
  if (room) {
    by_age_.push_back(place);
    asker.waiting.push_back(place);
    place.asker = &asker;
  }
  settle_turn(asker);
  return room;
}

bool LookUpQueue::also_for(LookUpPlace& place, const std::optional<ClientKey>& key) {
  Asker& before = *place.asker;
  if (before.key == key) return false;
  Asker& now = asker_of(key);
  const bool sooner = !may_run(before) || now.waiting.size() < before.waiting.size();
  const bool moves = sooner && may_run(now) && has_room(now);
  if (moves) {
    before.waiting.erase(Asker::Places::s_iterator_to(place));
    now.waiting.push_back(place);
    place.asker = &now;
    by_age_.erase(ByAge::s_iterator_to(place));
    by_age_.push_back(place);
    settle_turn(before);
  }
  settle_turn(now);
  return moves;
}

LookUpPlace& LookUpQueue::next() noexcept {
  Asker& asker = turns_.front();
  turns_.pop_front();
  LookUpPlace& place = asker.waiting.front();
  asker.waiting.pop_front();
  by_age_.erase(ByAge::s_iterator_to(place));
  ++asker.running;
  settle_turn(asker);
  return place;
}

void LookUpQueue::done(LookUpPlace& place) noexcept {
  Asker& asker = *place.asker;
  place.asker = nullptr;
  --asker.running;
  settle_turn(asker);
}

void LookUpQueue::drop(LookUpPlace& place) noexcept {
  Asker& asker = *place.asker;
  place.asker = nullptr;
  by_age_.erase(ByAge::s_iterator_to(place));
  asker.waiting.erase(Asker::Places::s_iterator_to(place));
  settle_turn(asker);
}

}  // namespace freshet
