#include "crypt.hpp"

#include <crypt.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "freshet/auth/hash_password.hpp"
#include "freshet/auth/user_files.hpp"
#include "freshet/base/ascii.hpp"
#include "hash.hpp"

namespace freshet {
namespace {

constexpr const char* kExpected =
    ", expected bcrypt ($2y$, as htpasswd -B makes it), SHA-crypt ($6$ or $5$, as openssl passwd -6 does) or yescrypt "
    "($y$)";
/// A login that takes longer than seconds would keep all others waiting.
constexpr std::uint64_t kMostBcryptCost = 16, kMostShaRounds = 10'000'000;

bool is_crypt_text(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return ascii::is_alpha(c) || ascii::is_digit(c) || c == '.' || c == '/'; });
}

/// Takes what stands before the next '$'; the whole rest when there is none.
std::string_view take_part(std::string_view& rest) noexcept {
  const std::size_t end = std::min(rest.find('$'), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

bool is_bcrypt(std::string_view hash) noexcept {
  const bool named = hash.starts_with("$2y$") || hash.starts_with("$2b$") || hash.starts_with("$2a$");
  return named && hash.size() == 60 && ascii::is_digit(hash[4]) && ascii::is_digit(hash[5]) && hash[6] == '$' &&
         is_crypt_text(hash.substr(7));
}

/// `$5$[rounds=N$]salt$hash`; the rounds go to `rounds`.
bool is_sha_crypt(std::string_view hash, std::uint64_t& rounds) noexcept {
  const std::size_t size = hash.starts_with("$5$") ? 43 : hash.starts_with("$6$") ? 86 : 0;
  if (size == 0) return false;
  hash.remove_prefix(3);
  if (constexpr std::string_view kRounds = "rounds="; hash.starts_with(kRounds)) {
    const auto number = ascii::parse_decimal(take_part(hash).substr(kRounds.size()));
    if (!number) return false;
    rounds = *number;
  }
  const std::string_view salt = take_part(hash);
  return !salt.empty() && hash.size() == size && is_crypt_text(hash);
}

bool is_yescrypt(std::string_view hash) noexcept {
  if (!hash.starts_with("$y$")) return false;
  hash.remove_prefix(3);
  const std::string_view cost = take_part(hash), salt = take_part(hash);
  return !cost.empty() && !salt.empty() && hash.size() == 43 && is_crypt_text(hash);
}

std::string known_bad(std::string_view hash) {
  if (hash.starts_with("{SHA}") || hash.starts_with("{SSHA}")) return "a SHA-1 hash, which is guessed too fast";
  if (hash.starts_with("$apr1$") || hash.starts_with("$1$")) return "an MD5 hash, which is guessed too fast";
  if (hash.starts_with("{PLAIN}")) return "a password in plain text";
  return {};
}

}  // namespace

std::string why_hash_is_refused(const std::string& hash) {
  if (std::string known = known_bad(hash); !known.empty()) return known + kExpected;
  std::uint64_t rounds = 0;
  const bool bcrypt = is_bcrypt(hash);
  if (!bcrypt && !is_sha_crypt(hash, rounds) && !is_yescrypt(hash))
    return std::string(hash.starts_with('$') || hash.starts_with('{') ? "a hash that is not known, or not whole"
                                                                      : "a plain password or an outdated hash") +
           kExpected;
  if ((bcrypt && *ascii::parse_decimal(std::string_view(hash).substr(4, 2)) > kMostBcryptCost) ||
      rounds > kMostShaRounds)
    return "a hash that takes too long, expected a bcrypt cost of at most 16, or 10000000 rounds";
  const int salt = crypt_checksalt(hash.c_str());
  if (salt == CRYPT_SALT_INVALID || salt == CRYPT_SALT_METHOD_DISABLED)
    return std::string("a hash that this system's libcrypt refuses") + kExpected;
  return {};
}

bool crypt_matches(const std::string& hash, const std::string& password) {
  const auto room = std::make_unique<crypt_data>();
  const char* made = crypt_r(password.c_str(), hash.c_str(), room.get());
  const bool same = made && made[0] == '$' && same_bytes(made, hash);
  OPENSSL_cleanse(room.get(), sizeof *room);
  return same;
}

std::string hash_password(const std::string& password, const char* method, unsigned long cost, std::string& problem) {
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
  const auto room = std::make_unique<crypt_data>();
  const char* made = nullptr;
  if (crypt_gensalt_rn(method, cost, nullptr, 0, setting.data(), static_cast<int>(setting.size())))
    made = crypt_r(password.c_str(), setting.data(), room.get());
  std::string hash = made && made[0] == '$' ? made : "";
  if (hash.empty()) problem = "this system's libcrypt cannot make such a hash";
  OPENSSL_cleanse(room.get(), sizeof *room);
  return hash;
}

}  // namespace freshet
