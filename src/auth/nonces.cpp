#include "nonces.hpp"

#include <algorithm>
#include <charconv>

namespace freshet {
namespace {

constexpr std::size_t kNumberDigits = 16, kSignatureDigits = 32;
constexpr std::size_t kNonceDigits = 2 * kNumberDigits + kSignatureDigits;

void put_number(std::uint64_t number, char* to) noexcept {
  for (std::size_t i = 0; i < kNumberDigits; ++i) to[i] = "0123456789abcdef"[number >> (60 - 4 * i) & 15];
}

bool read_number(std::string_view digits, std::uint64_t& out) noexcept {
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), out, 16);
  return read.ec == std::errc() && read.ptr == digits.data() + digits.size();
}

std::array<char, kSignatureDigits> signature(const SecretKey& key, std::string_view numbers) noexcept {
  const HashBytes bytes = key.sign({numbers});
  std::array<char, kSignatureDigits> digits;
  for (std::size_t i = 0; i < digits.size(); ++i) digits[i] = "0123456789abcdef"[bytes[i / 2] >> (i % 2 ? 0 : 4) & 15];
  return digits;
}

}  // namespace

std::uint64_t Nonces::milliseconds(SteadyTime now) const noexcept {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(std::chrono::duration_cast<Milliseconds>(now - start_).count(), 0));
}

std::string_view Nonces::make(SteadyTime now, Arena& arena) {
  std::uint64_t serial;
  {
    const std::lock_guard lock(mutex_);
    serial = ++last_serial_;
  }
  const std::span<char> text = arena.text(kNonceDigits);
  put_number(milliseconds(now), text.data());
  put_number(serial, text.data() + kNumberDigits);
  const auto signed_by_us = signature(key_, {text.data(), 2 * kNumberDigits});
  std::copy(signed_by_us.begin(), signed_by_us.end(), text.begin() + 2 * kNumberDigits);
  return {text.data(), text.size()};
}

Nonces::Use Nonces::use(std::string_view nonce, std::uint32_t count, SteadyTime now) noexcept {
  std::uint64_t made = 0, serial = 0;
  if (nonce.size() != kNonceDigits || !read_number(nonce.substr(0, kNumberDigits), made) ||
      !read_number(nonce.substr(kNumberDigits, kNumberDigits), serial))
    return Use::Stale;
  const auto right = signature(key_, nonce.substr(0, 2 * kNumberDigits));
  if (!same_bytes(nonce.substr(2 * kNumberDigits), {right.data(), right.size()})) return Use::Stale;
  if (milliseconds(now) > made + static_cast<std::uint64_t>(kLife.count())) return Use::Stale;
  const std::lock_guard lock(mutex_);
  make_table();
  Set& set = sets_[serial % kSets];
  for (Entry& entry : set.entries)
    if (entry.serial == serial) return note(entry, count);
  if (serial <= set.forgotten_until) return Use::Stale;
  Entry& entry = room_in(set);
  entry = {serial, 1, count};
  return count == 0 ? Use::Replayed : Use::First;
}

/// The oldest goes.
Nonces::Entry& Nonces::room_in(Set& set) noexcept {
  Entry& oldest = *std::min_element(set.entries.begin(), set.entries.end(),
                                    [](const Entry& a, const Entry& b) { return a.serial < b.serial; });
  set.forgotten_until = std::max(set.forgotten_until, oldest.serial);
  return oldest;
}

Nonces::Use Nonces::note(Entry& entry, std::uint32_t count) noexcept {
  if (count > entry.highest) {
    const std::uint32_t further = count - entry.highest;
    entry.seen = (further < 64 ? entry.seen << further : 0) | 1;
    entry.highest = count;
    return Use::First;
  }
  const std::uint32_t behind = entry.highest - count;
  if (count == 0 || behind >= 64 || (entry.seen >> behind & 1) != 0) return Use::Replayed;
  entry.seen |= std::uint64_t{1} << behind;
  return Use::First;
}

}  // namespace freshet
