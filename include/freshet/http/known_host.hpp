// The Host line of a request before, of this client or another one: most say the same one each time, and it need not be checked again.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "freshet/base/arena.hpp"

namespace freshet {

/// Remembers one short value of Host that could stay as it was, apart from what was cut off its end. One thread.
class KnownHost {
 public:
  /// normalise_authority() of `text`. `scheme` is text that lives as long as this.
  std::optional<std::string_view> normalise(std::string_view text, std::string_view scheme, Arena& arena);

 private:
  static constexpr std::size_t kLongest = 56;
  std::string_view scheme_;
  std::array<char, kLongest> text_{};
  std::uint8_t size_ = 0;  // 0: none, since no authority is empty
  std::uint8_t kept_ = 0;
};

}  // namespace freshet
