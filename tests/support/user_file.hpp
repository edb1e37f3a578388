// Files of users for tests.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "freshet/auth/digest.hpp"
#include "freshet/auth/hash_password.hpp"

namespace freshet::test {

/// A file that goes with this object.
class UserFile {
 public:
  explicit UserFile(std::string_view text) {
    std::string name = (std::filesystem::temp_directory_path() / "freshet-users-XXXXXX").string();
    const int file = ::mkstemp(name.data());
    if (file >= 0) ::close(file);
    path_ = name;
    write(text);
  }
  ~UserFile() { std::filesystem::remove(path_); }
  UserFile(const UserFile&) = delete;
  UserFile& operator=(const UserFile&) = delete;

  const std::string& path() const noexcept { return path_; }
  /// Replaces the file by another one, as editors and htpasswd do.
  void write(std::string_view text) {
    const std::string next = path_ + ".new";
    std::ofstream(next, std::ios::binary) << text;
    std::filesystem::rename(next, path_);
  }

 private:
  std::string path_;
};

/// "user:hash" with the cheapest bcrypt.
inline std::string password_line(const std::string& user, const std::string& password) {
  std::string problem;
  return user + ':' + hash_password(password, "$2y$", 4, problem) + '\n';
}

inline std::string digest_line(const std::string& user, const std::string& realm, const std::string& password,
                               DigestAlgorithm algorithm = DigestAlgorithm::Sha256) {
  return user + ':' + realm + ':' + std::string(hash_joined(algorithm, {user, realm, password}).text()) + '\n';
}

inline std::string base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += i + k > bytes.size() ? '=' : kAlphabet[bits >> (18 - 6 * k) & 63];
  }
  return out;
}

inline std::string basic(std::string_view user, std::string_view password) {
  return "Basic " + base64(std::string(user) + ':' + std::string(password));
}

/// A client that knows Digest, and counts.
class DigestClient {
 public:
  DigestClient(std::string user, std::string realm, std::string password,
               DigestAlgorithm algorithm = DigestAlgorithm::Sha256)
      : user_(std::move(user)), realm_(std::move(realm)), password_(std::move(password)), algorithm_(algorithm) {}

  /// Takes the nonce out of a challenge.
  void take(std::string_view challenge) {
    const auto at = challenge.find("nonce=\"") + 7;
    nonce_ = challenge.substr(at, challenge.find('"', at) - at);
    count_ = 0;
  }
  std::string answer(std::string_view method, std::string_view uri) { return answer(method, uri, ++count_); }
  std::string answer(std::string_view method, std::string_view uri, unsigned count) const {
    char digits[9];
    std::snprintf(digits, sizeof digits, "%08x", count);
    DigestCredentials said;
    said.algorithm = algorithm_;
    said.nonce = nonce_;
    said.nc = digits;
    said.cnonce = "0a4f113b";
    said.uri = uri;
    const HexHash ha1 = hash_joined(algorithm_, {user_, realm_, password_});
    const HexHash response = digest_response(said, ha1.text(), method);
    return "Digest username=\"" + user_ + "\", realm=\"" + realm_ + "\", nonce=\"" + nonce_ + "\", uri=\"" +
           std::string(uri) + "\", algorithm=" + std::string(name(algorithm_)) + ", qop=auth, nc=" + digits +
           ", cnonce=\"0a4f113b\", response=\"" + std::string(response.text()) + "\"";
  }

 private:
  const std::string user_, realm_, password_;
  const DigestAlgorithm algorithm_;
  std::string nonce_;
  unsigned count_ = 0;
};

}  // namespace freshet::test
