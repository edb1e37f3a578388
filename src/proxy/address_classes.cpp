#include "freshet/proxy/address_classes.hpp"

#include <charconv>

namespace freshet {
namespace {

std::uint64_t encode(std::uint64_t rules, Reason otherwise) noexcept {
  const std::uint64_t code = otherwise == Reason::None ? 0 : otherwise == Reason::AddressDenied ? 1 : 2;
  return rules | code << AddressClasses::kMostRules;
}

std::string_view render(std::string_view prefix, std::uint64_t encoded, Arena& arena) {
  std::array<char, 16> digits;
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), encoded, 16).ptr;
  return arena.join({prefix, "#", {digits.data(), static_cast<std::size_t>(end - digits.data())}});
}

}  // namespace

bool AddressClasses::remember(std::uint64_t rules, Reason otherwise) noexcept {
  const std::uint64_t encoded = encode(rules, otherwise);
  for (std::atomic<std::uint64_t>& each : classes_) {
    std::uint64_t known = each.load(std::memory_order_relaxed);
    if (known == 0 && each.compare_exchange_strong(known, encoded, std::memory_order_relaxed)) return true;
    if (known == encoded) return true;
  }
  return false;
}

std::vector<std::string_view> AddressClasses::partitions(std::string_view prefix, Arena& arena) const {
  std::vector<std::string_view> all;
  for (const std::atomic<std::uint64_t>& each : classes_) {
    const std::uint64_t known = each.load(std::memory_order_relaxed);
    if (known == 0) break;
    all.push_back(render(prefix, known, arena));
  }
  return all;
}

std::string_view AddressClasses::partition(std::string_view prefix, std::uint64_t rules, Reason otherwise, Arena& arena) {
  return render(prefix, encode(rules, otherwise), arena);
}

}  // namespace freshet
