#include "freshet/cache/key.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <span>

#include "freshet/base/put_text.hpp"

namespace freshet {
namespace {

// A 64-bit hash by folded 64x64-bit products, in the manner of wyhash. The secrets are drawn once for each process, so
// that nobody outside can prepare keys that meet in one bucket.
class Secrets {
 public:
  Secrets() noexcept {
    if (getrandom(words_.data(), sizeof(words_), 0) != static_cast<ssize_t>(sizeof(words_))) fall_back();
    for (std::uint64_t& word : words_) word |= 1;  // a zero factor would swallow the other one
  }
  std::uint64_t operator[](std::size_t i) const noexcept { return words_[i]; }

 private:
  void fall_back() noexcept {  // address space layout and start time: better than a constant
    auto seed = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) ^
                reinterpret_cast<std::uintptr_t>(this);
    for (std::uint64_t& word : words_) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      word = seed ^ (seed >> 29);
    }
  }
  std::array<std::uint64_t, 4> words_{};
};

const Secrets& secrets() noexcept {
  static const Secrets the_secrets;
  return the_secrets;
}

std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <class Word>
std::uint64_t load(const char* at) noexcept {
  Word word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

// Up to 16 bytes as two words; every byte is in one of them at least.
void load_short(const char* at, std::size_t size, std::uint64_t& a, std::uint64_t& b) noexcept {
  if (size >= 8) {
    a = load<std::uint64_t>(at);
    b = load<std::uint64_t>(at + size - 8);
  } else if (size >= 4) {
    a = load<std::uint32_t>(at);
    b = load<std::uint32_t>(at + size - 4);
  } else if (size > 0) {
    a = static_cast<unsigned char>(at[0]) | static_cast<std::uint64_t>(static_cast<unsigned char>(at[size / 2])) << 8;
    b = static_cast<unsigned char>(at[size - 1]);
  }
}

}  // namespace

std::uint64_t hash_key(std::string_view text) noexcept {
  const Secrets& secret = secrets();
  const char* at = text.data();
  std::size_t left = text.size();
  std::uint64_t state = secret[0] ^ fold(text.size() ^ secret[1], secret[2]);
  std::uint64_t other = secret[3];
  for (; left > 32; at += 32, left -= 32) {
    state = fold(load<std::uint64_t>(at) ^ secret[1], load<std::uint64_t>(at + 8) ^ state);
    other = fold(load<std::uint64_t>(at + 16) ^ secret[2], load<std::uint64_t>(at + 24) ^ other);
  }
  state ^= other;
  if (left > 16) {
    state = fold(load<std::uint64_t>(at) ^ secret[3], load<std::uint64_t>(at + 8) ^ state);
    at += 16;
    left -= 16;
  }
  std::uint64_t a = 0, b = 0;
  load_short(at, left, a, b);
  return fold(secret[1] ^ text.size(), fold(a ^ secret[2], b ^ state) ^ secret[3]);
}

std::string_view make_key_text(std::string_view partition, std::string_view scheme, std::string_view authority,
                               std::string_view target, Arena& arena) {
  constexpr std::string_view kBeforeScheme = " ", kBehindScheme = "://";
  const std::span<char> room = arena.text(partition.size() + kBeforeScheme.size() + scheme.size() + kBehindScheme.size() +
                                          authority.size() + target.size());
  char* at = put_text(room.data(), partition);
  at = put_text(at, kBeforeScheme);
  at = put_text(at, scheme);
  at = put_text(at, kBehindScheme);
  at = put_text(at, authority);
  put_text(at, target);
  return {room.data(), room.size()};
}

CacheKey make_cache_key(std::string_view partition, std::string_view scheme, std::string_view authority,
                        std::string_view target, Arena& arena) {
  CacheKey key;
  key.text = make_key_text(partition, scheme, authority, target, arena);
  key.hash = hash_key(key.text);
  return key;
}

std::string_view origin_of_key(std::string_view key) noexcept {
  constexpr std::string_view kBefore = "://";
  const std::size_t scheme = key.find(kBefore, std::min(key.find(' '), key.size()));
  if (scheme == std::string_view::npos) return key;
  return key.substr(0, key.find('/', scheme + kBefore.size()));
}

CacheKey make_cache_key(std::string_view partition, const RequestHead& head, Arena& arena) {
  return make_cache_key(partition, head.scheme, head.authority, head.target, arena);
}

}  // namespace freshet
