#include "hash.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "freshet/base/check.hpp"

namespace freshet {
namespace {

std::string_view as_text(const HashBytes& bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Hash::Hash(const EVP_MD* algorithm) noexcept
    : state_(EVP_MD_CTX_new()), good_(state_ && EVP_DigestInit_ex(state_.get(), algorithm, nullptr) == 1) {}

Hash& Hash::of(DigestAlgorithm algorithm) noexcept {
  thread_local Hash sha256(EVP_sha256());
  if (algorithm == DigestAlgorithm::Sha256) return sha256;
  thread_local Hash md5(EVP_md5());
  return md5;
}

// Without naming the algorithm again: then OpenSSL keeps the state that it has.
void Hash::begin() noexcept { ENSURE(good_ && EVP_DigestInit_ex(state_.get(), nullptr, nullptr) == 1); }

void Hash::add(std::string_view bytes) noexcept {
  ENSURE(EVP_DigestUpdate(state_.get(), bytes.data(), bytes.size()) == 1);
}

HashBytes Hash::finish() noexcept {
  HashBytes bytes{};
  ENSURE(EVP_DigestFinal_ex(state_.get(), bytes.data(), nullptr) == 1);
  return bytes;
}

SecretKey::SecretKey() {
  std::array<unsigned char, 64> key{};
  ENSURE(RAND_bytes(key.data(), 32) == 1);
  for (std::size_t i = 0; i < key.size(); ++i) {
    inner_[i] = static_cast<char>(key[i] ^ 0x36);
    outer_[i] = static_cast<char>(key[i] ^ 0x5c);
  }
  OPENSSL_cleanse(key.data(), key.size());
}

HashBytes SecretKey::sign(std::initializer_list<std::string_view> parts) const noexcept {
  Hash& hash = Hash::of(DigestAlgorithm::Sha256);
  hash.begin();
  hash.add({inner_.data(), inner_.size()});
  for (const std::string_view part : parts) {
    const std::uint64_t size = part.size();
    hash.add({reinterpret_cast<const char*>(&size), sizeof size});
    hash.add(part);
  }
  const HashBytes inside = hash.finish();
  hash.begin();
  hash.add({outer_.data(), outer_.size()});
  hash.add(as_text(inside));
  return hash.finish();
}

bool same_bytes(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace freshet
