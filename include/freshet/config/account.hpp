// Users and groups of this machine, as the settings `user` and `group` name them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "freshet/config/settings.hpp"

namespace freshet {

/// Whom the process becomes when it gives up root's rights.
struct Account {
  std::string user;  ///< as the settings name it
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

/// A user by name or number. False, with `what` saying why, when there is none; a number needs no entry, but has then
/// no group of its own. Asks the system's user database, which may block. Main thread only.
bool find_user(const std::string& name, std::uint32_t& uid, std::optional<std::uint32_t>& own_group, std::string& what);
/// A group by name or number.
bool find_group(const std::string& name, std::uint32_t& gid, std::string& what);

/// Both settings together. Empty, with a sentence in `error`, when they name nobody. REQUIRES: `settings.user` is set.
std::optional<Account> find_account(const Settings& settings, std::string& error);

}  // namespace freshet
