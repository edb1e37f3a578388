#include "freshet/cache/query_key.hpp"

#include <openssl/evp.h>

#include <array>
#include <charconv>
#include <memory>

namespace freshet {
namespace {

// Everything goes in with its length first, so that no two questions make the same bytes.
class Digest {
 public:
  Digest() : state_(EVP_MD_CTX_new()), good_(state_ && EVP_DigestInit_ex(state_.get(), EVP_sha256(), nullptr) == 1) {}

  void add(std::string_view bytes) {
    const std::uint64_t size = bytes.size();
    put(&size, sizeof(size));
    put(bytes.data(), bytes.size());
  }
  // "there" and "empty" are not the same.
  void add(FieldsView fields, FieldId id) {
    std::string value;
    const bool there = fields.join(field_name(id), value);
    add(there ? "1" : "0");
    add(value);
  }
  std::string hexadecimal() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    if (!good_ || EVP_DigestFinal_ex(state_.get(), bytes.data(), &size) != 1) return {};
    std::string out;
    for (unsigned i = 0; i < size; ++i) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      out += kDigits[bytes[i] >> 4];
      out += kDigits[bytes[i] & 15];
    }
    return out;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* state) const noexcept { EVP_MD_CTX_free(state); }
  };
  void put(const void* bytes, std::size_t size) { good_ = good_ && EVP_DigestUpdate(state_.get(), bytes, size) == 1; }
  std::unique_ptr<EVP_MD_CTX, Free> state_;
  bool good_;
};

}  // namespace

std::string query_digest(FieldsView request, std::string_view content) {
  Digest digest;
  for (const FieldId id :
       {FieldId::ContentType, FieldId::ContentEncoding, FieldId::ContentLanguage, FieldId::ContentLocation})
    digest.add(request, id);
  digest.add(content);
  return digest.hexadecimal();
}

CacheKey make_query_key(const CacheKey& uri, std::uint32_t generation, std::string_view digest, Arena& arena) {
  std::array<char, 10> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), generation).ptr;
  const std::string_view number(digits.data(), static_cast<std::size_t>(end - digits.data()));
  CacheKey key;
  key.text = arena.join({uri.text, " QUERY ", number, " ", digest});
  key.hash = hash_key(key.text);
  return key;
}

}  // namespace freshet
