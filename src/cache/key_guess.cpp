#include "freshet/cache/key_guess.hpp"

#include <algorithm>
#include <utility>

#include "freshet/base/put_text.hpp"

namespace freshet {

std::uint64_t KeyGuess::guess(std::string_view target) noexcept {
  size_ = 0;
  const bool absolute = target.starts_with("http");
  if (!absolute && !target.starts_with('/')) return 0;
  const std::size_t start = absolute ? partition_ : origin_;
  if (start == 0 || target.size() > kLongest - start) return 0;
  put_text(text_.data() + start, target);
  if (absolute) origin_ = 0;  // it was written over
  size_ = start + target.size();
  const std::uint64_t last = std::exchange(hash_, hash_key({text_.data(), size_}));
  return was_right_ && hash_ != last ? hash_ : 0;
}

CacheKey KeyGuess::make(std::string_view partition, const RequestHead& head, Arena& arena) {
  CacheKey key;
  key.text = make_key_text(partition, head.scheme, head.authority, head.target, arena);
  was_right_ = size_ != 0 && key.text == std::string_view(text_.data(), size_);
  if (was_right_) {
    key.hash = hash_;
    return key;
  }
  key.hash = hash_key(key.text);
  size_ = partition_ = origin_ = 0;
  const std::size_t origin = key.text.size() - head.target.size();
  if (origin > kLongest) return key;
  std::copy_n(key.text.begin(), origin, text_.begin());
  partition_ = partition.size() + 1;
  origin_ = origin;
  return key;
}

}  // namespace freshet
