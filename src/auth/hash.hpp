// Hashes without the heap: one state for each thread and algorithm, used again and again.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>

#include "freshet/auth/digest.hpp"

namespace freshet {

using HashBytes = std::array<unsigned char, 32>;

class Hash {
 public:
  /// This thread's.
  static Hash& of(DigestAlgorithm) noexcept;

  bool good() const noexcept { return good_; }
  void begin() noexcept;
  void add(std::string_view bytes) noexcept;
  /// MD5 fills the first half.
  HashBytes finish() noexcept;

 private:
  explicit Hash(const EVP_MD* algorithm) noexcept;
  struct Free {
    void operator()(EVP_MD_CTX* state) const noexcept { EVP_MD_CTX_free(state); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> state_;
  bool good_;
};

/// A secret that is made when the process starts, and keyed hashes with it. Any thread.
class SecretKey {
 public:
  SecretKey();
  /// HMAC-SHA256 (RFC 2104) of the parts, each with its length before it, so that no two lists make the same bytes.
  HashBytes sign(std::initializer_list<std::string_view> parts) const noexcept;

 private:
  std::array<char, 64> inner_, outer_;
};

/// In a time that does not tell where they differ.
bool same_bytes(std::string_view a, std::string_view b) noexcept;

}  // namespace freshet
