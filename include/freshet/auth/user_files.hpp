// The files that hold users: one like htpasswd's for Basic, one like htdigest's for Digest.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "freshet/auth/digest.hpp"

namespace freshet {

/// Lets a map of strings be searched by a string_view, which takes nothing from the heap.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
};
template <typename Value>
using UserMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

/// `USER:HASH` on each line; empty lines and those that begin with # are skipped. Immutable once made; any thread.
class PasswordFile {
 public:
  /// Null when anything is wrong; then `problems` has grown by "PATH:LINE: what it is, expected what", a line each.
  static std::shared_ptr<const PasswordFile> parse(std::string_view text, const std::string& path,
                                                   std::vector<std::string>& problems);

  /// The hash of the user's password, or null.
  const std::string* find(std::string_view user) const noexcept;
  /// A hash of somebody, always the same for one `choice`: to spend the same time on users who do not exist.
  const std::string& somebody(std::uint64_t choice) const noexcept { return *hashes_[choice % hashes_.size()]; }
  std::size_t size() const noexcept { return users_.size(); }

 private:
  UserMap<std::string> users_;
  std::vector<const std::string*> hashes_;  // never empty
};

/// `USER:REALM:HA1` on each line, of which those with another realm are skipped. A user may have a line for each
/// algorithm.
class DigestFile {
 public:
  static std::shared_ptr<const DigestFile> parse(std::string_view text, const std::string& path, std::string_view realm,
                                                 std::vector<std::string>& problems);

  /// In lower-case hexadecimal digits; empty when there is no such user.
  std::string_view find(std::string_view user, DigestAlgorithm) const noexcept;
  /// Every user has a line for it: only then a client may choose it. At least one algorithm is offered.
  bool offers(DigestAlgorithm algorithm) const noexcept { return offered_[static_cast<std::size_t>(algorithm)]; }

 private:
  struct Hashes {
    std::array<std::string, 2> of;  // by DigestAlgorithm; empty: none
  };
  UserMap<Hashes> users_;
  std::array<bool, 2> offered_{};
};

/// What is wrong with a password hash, as the end of "user 'x' has ..."; empty: nothing.
std::string why_hash_is_refused(const std::string& hash);

/// A file's bytes (16 MiB at most), with a stamp that differs when the file has changed; on failure `problem` says why.
struct FileText {
  std::string text, problem;
  std::string stamp;
};
FileText read_user_file(const std::string& path);
/// The stamp alone; empty when the file cannot be seen.
std::string user_file_stamp(const std::string& path);

}  // namespace freshet
