#include "freshet/http/known_host.hpp"

#include <cstring>

#include "freshet/http/target.hpp"

namespace freshet {

std::optional<std::string_view> KnownHost::normalise(std::string_view text, std::string_view scheme, Arena& arena) {
  const std::string_view known(text_.data(), size_);
  if (size_ != 0 && text == known && scheme == scheme_) return text.substr(0, kept_);
  const auto authority = normalise_authority(text, scheme, arena);
  if (!authority || text.size() > kLongest || authority->data() != text.data()) return authority;
  std::memcpy(text_.data(), text.data(), text.size());
  size_ = static_cast<std::uint8_t>(text.size());
  kept_ = static_cast<std::uint8_t>(authority->size());
  scheme_ = scheme;
  return authority;
}

}  // namespace freshet
