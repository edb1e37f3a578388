// Chance for property tests: the same on every run, and every run of a test says which throw failed.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace freshet::test {

/// Seeded by the number of the throw, so that a failing one can be repeated alone.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed * 2654435761u + 1) {}
  /// 0 to `below` - 1.
  std::uint64_t roll(std::uint64_t below) { return engine_() % below; }
  bool one_in(std::uint64_t n) { return roll(n) == 0; }
  template <class T>
  const T& any_of(const std::vector<T>& choices) {
    return choices[roll(choices.size())];
  }
  /// Some of the choices, in any order, joined.
  std::string some_of(const std::vector<std::string>& choices, std::size_t most, std::string_view separator) {
    std::string out;
    for (std::uint64_t n = roll(most + 1); n > 0; --n) {
      if (!out.empty()) out += separator;
      out += any_of(choices);
    }
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace freshet::test
