#include "remembered.hpp"

#include <algorithm>

namespace freshet {
namespace {

std::string_view as_text(const HashBytes& bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

void Remembered::add(const HashBytes& key, SteadyTime expires) noexcept {
  const std::size_t at = set_of(key);
  const std::lock_guard lock(locks_[at % kLocks]);
  Set& set = sets_[at];
  Entry* place = nullptr;
  for (Entry& entry : set)
    if (same_bytes(as_text(entry.key), as_text(key))) place = &entry;
  if (!place)
    place = &*std::min_element(set.begin(), set.end(),
                               [](const Entry& a, const Entry& b) { return a.expires < b.expires; });
  *place = {key, expires};
}

bool Remembered::contains(const HashBytes& key, SteadyTime now) const noexcept {
  const std::size_t at = set_of(key);
  const std::lock_guard lock(locks_[at % kLocks]);
  bool found = false;
  for (const Entry& entry : sets_[at]) found |= same_bytes(as_text(entry.key), as_text(key)) && now < entry.expires;
  return found;
}

}  // namespace freshet
