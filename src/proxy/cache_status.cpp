#include "cache_status.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace freshet {
namespace {

/// Builds text in a fixed buffer: the longest member has a pseudonym of bounded length and a handful of words.
class Line {
 public:
  void add(std::string_view s) noexcept {
    const auto n = std::min(s.size(), room_.size() - size_);
    std::memcpy(room_.data() + size_, s.data(), n);
    size_ += n;
  }
  void add(std::int64_t n) noexcept {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr;
    add(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
  }
  std::string_view text() const noexcept { return {room_.data(), size_}; }

 private:
  std::array<char, 256> room_;
  std::size_t size_ = 0;
};

}  // namespace

std::string_view render_cache_status(const CacheStatus& status, std::string_view pseudonym, Arena& arena) {
  pseudonym = pseudonym.substr(0, 64);
  if (status.hit && status.ttl && status.detail == Reason::None) {  // nearly every hit
    std::array<char, 24> digits;
    const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), status.ttl->count()).ptr;
    return arena.join({pseudonym, "; hit; ttl=", {digits.data(), static_cast<std::size_t>(end - digits.data())}});
  }
  Line line;
  line.add(pseudonym);
  if (status.hit) {
    line.add("; hit");
  } else if (!status.forward.empty()) {
    line.add("; fwd=");
    line.add(status.forward);
    if (status.forward_status) {
      line.add("; fwd-status=");
      line.add(status.forward_status);
    }
    if (status.stored) line.add("; stored");
    if (status.collapsed) line.add("; collapsed");
  }
  if (status.ttl) {
    line.add("; ttl=");
    line.add(status.ttl->count());
  }
  if (status.detail != Reason::None) {
    line.add("; detail=");
    line.add(word(status.detail));
  }
  return arena.copy(line.text());
}

std::string_view forward_word(Reason reason) noexcept {
  switch (reason) {
    case Reason::NothingStored: return "uri-miss";
    case Reason::VaryMiss: return "vary-miss";
    case Reason::PartMissing: return "partial";
    case Reason::Stale:
    case Reason::ResponseNoCache: return "stale";
    case Reason::RequestNoCache:
    case Reason::RequestNoStore:
    case Reason::RequestMaxAge:
    case Reason::RequestMinFresh:
    case Reason::OnlyIfCached: return "request";
    case Reason::MethodNotCacheable: return "method";
    default: return "bypass";
  }
}

}  // namespace freshet
