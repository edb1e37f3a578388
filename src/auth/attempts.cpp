#include "attempts.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace freshet {
namespace {

constexpr Milliseconds kFirstDelay(1000), kLongestDelay(10000);
/// Addresses are IP literals; nothing else that long is one.
constexpr std::size_t kLongestAddress = INET6_ADDRSTRLEN;

/// What of the address tells clients apart.
struct Origin {
  std::array<char, 8> bytes{};
  std::size_t size = 0;
  std::string_view text() const noexcept { return {bytes.data(), size}; }
};

Origin origin_of(std::string_view address) noexcept {
  Origin origin;
  std::array<char, kLongestAddress + 1> terminated{};
  if (address.size() > kLongestAddress) return origin;
  std::copy(address.begin(), address.end(), terminated.begin());
  std::array<char, 16> bytes{};
  if (inet_pton(AF_INET, terminated.data(), bytes.data()) == 1)
    origin.size = 4;
  else if (inet_pton(AF_INET6, terminated.data(), bytes.data()) == 1)
    origin.size = 8;
  std::copy_n(bytes.begin(), origin.size, origin.bytes.begin());
  return origin;
}

std::uint64_t as_key(const HashBytes& bytes) noexcept {
  std::uint64_t key;
  std::memcpy(&key, bytes.data(), sizeof key);
  return key == 0 ? 1 : key;
}

}  // namespace

Patience decide_patience(std::uint32_t failures, std::uint32_t free) noexcept {
  if (failures < free) return {};
  if (failures >= 4 * free) return {true, kLongestDelay};
  const std::uint32_t doublings = std::min(failures - free, 10u);
  return {false, std::min(kFirstDelay * (1u << doublings), kLongestDelay)};
}

Attempts::Subject Attempts::subject(std::string_view address, std::string_view user) const noexcept {
  const Origin origin = origin_of(address);
  return {as_key(key_.sign({origin.text()})), as_key(key_.sign({origin.text(), user}))};
}

void Attempts::free(Entry& entry) noexcept {
  entry = {};
  used_.fetch_sub(1, std::memory_order_relaxed);
}

Attempts::Entry* Attempts::find(std::uint64_t key, SteadyTime now) noexcept {
  if (sets_.empty()) return nullptr;
  for (Entry& entry : sets_[key % kSets]) {
    if (entry.key != key) continue;
    if (now - entry.last <= kMemory) return &entry;
    free(entry);
    return nullptr;
  }
  return nullptr;
}

Attempts::Failures Attempts::failures(const Subject& subject, SteadyTime now) noexcept {
  const std::lock_guard lock(mutex_);
  Failures found;
  for (const auto& [key, count] : {std::pair{subject.address, &found.address}, std::pair{subject.pair, &found.pair}}) {
    const Entry* entry = find(key, now);
    if (!entry) continue;
    *count = entry->failures;
    found.forgotten_in = std::max(found.forgotten_in, std::chrono::ceil<Seconds>(entry->last + kMemory - now));
  }
  return found;
}

void Attempts::add(std::uint64_t key, SteadyTime now, bool lasts) noexcept {
  make_table();
  if (Entry* entry = find(key, now)) {
    ++entry->failures;
    if (lasts) entry->last = now;
    return;
  }
  Set& set = sets_[key % kSets];
  // Fewest first: an address with many cannot push itself out by claiming to be many users.
  const auto worth = [now](const Entry& entry) {
    const bool counts = entry.key != 0 && now - entry.last <= kMemory;
    return std::pair(counts ? entry.failures : 0, entry.last);
  };
  Entry& entry = *std::min_element(set.begin(), set.end(),
                                   [&](const Entry& a, const Entry& b) { return worth(a) < worth(b); });
  if (entry.key == 0) used_.fetch_add(1, std::memory_order_relaxed);
  entry = {key, 1, now};
}

void Attempts::note_wrong(const Subject& subject, SteadyTime now) noexcept {
  const std::lock_guard lock(mutex_);
  add(subject.address, now, true);
  add(subject.pair, now, true);
}

void Attempts::note_refused(const Subject& subject, SteadyTime now) noexcept {
  const std::lock_guard lock(mutex_);
  add(subject.pair, now, false);
}

void Attempts::note_right(const Subject& subject) noexcept {
  const std::lock_guard lock(mutex_);
  if (sets_.empty()) return;
  for (Entry& entry : sets_[subject.pair % kSets])
    if (entry.key == subject.pair) free(entry);
}

}  // namespace freshet
