// Digest (RFC 7616): what a client sends, and what it should have sent. qop "auth" alone; no session variants. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "freshet/base/arena.hpp"
#include "freshet/http/message.hpp"

namespace freshet {

enum class DigestAlgorithm : std::uint8_t { Md5, Sha256 };
/// "MD5", "SHA-256".
std::string_view name(DigestAlgorithm) noexcept;
/// How many hexadecimal digits a hash has: 32 or 64.
constexpr std::size_t hex_size(DigestAlgorithm algorithm) noexcept {
  return algorithm == DigestAlgorithm::Md5 ? 32 : 64;
}
/// False when the system's OpenSSL has it switched off.
bool is_available(DigestAlgorithm) noexcept;

/// A hash in lower-case hexadecimal digits.
class HexHash {
 public:
  explicit HexHash(DigestAlgorithm algorithm) noexcept : size_(hex_size(algorithm)) {}
  std::string_view text() const noexcept { return {digits_.data(), size_}; }
  std::array<char, 64>& digits() noexcept { return digits_; }

 private:
  std::array<char, 64> digits_{};
  std::size_t size_;
};

/// H(parts joined with ':'). Takes nothing from the heap but for the first time in each thread. REQUIRES:
/// is_available().
HexHash hash_joined(DigestAlgorithm, std::initializer_list<std::string_view> parts) noexcept;

/// The parameters of Digest credentials. Views lie in the header value or the arena.
struct DigestCredentials {
  std::string_view username, realm, nonce, uri, response, cnonce;
  std::string_view nc;  ///< eight hexadecimal digits, as they came
  std::uint32_t nonce_count = 0;
  DigestAlgorithm algorithm = DigestAlgorithm::Md5;  ///< RFC 7616 3.4: MD5 when none is named
};
/// Empty when a parameter is missing, twice there or malformed, when it is not qop=auth, or when the user name is
/// hashed or the algorithm another one: none of these was offered. `parameters`: of Credentials.
std::optional<DigestCredentials> parse_digest(std::string_view parameters, Arena& arena);

/// The `response` that is right (RFC 7616 3.4.1). `ha1`: in hexadecimal digits.
HexHash digest_response(const DigestCredentials&, std::string_view ha1, std::string_view method) noexcept;

/// Whether `uri` is the target of this request (RFC 7616 3.4.6): as a whole URL or as its path and query, which is what
/// browsers and curl send; of CONNECT, host and port.
bool names_target(std::string_view uri, const RequestHead& head, Arena& arena);

}  // namespace freshet
