// One realm: its options and what its files hold now.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "freshet/auth/authentication.hpp"
#include "freshet/auth/user_files.hpp"

namespace freshet {

/// What the files of a realm held when they were last good. Immutable; any thread.
struct Users {
  std::shared_ptr<const PasswordFile> passwords;  // null: no Basic
  std::shared_ptr<const DigestFile> digests;      // null: no Digest
  std::uint64_t generation = 0;                   // of this realm's Users
};

class Realm {
 public:
  Realm(RealmOptions options, std::vector<std::string>& problems);

  const RealmOptions& options() const noexcept { return options_; }
  std::shared_ptr<const Users> users() const noexcept;
  /// Appends what came of it, when a file has changed. One thread.
  void read_again(std::vector<AuthNotice>& said);

 private:
  std::shared_ptr<const Users> read(std::vector<std::string>& problems);

  const RealmOptions options_;
  std::string password_stamp_, digest_stamp_;  // of what was read last, good or not
  std::uint64_t generation_ = 0;
  mutable std::mutex mutex_;
  std::shared_ptr<const Users> users_;
};

}  // namespace freshet
