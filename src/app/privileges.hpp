// Giving up what only root may do. The order, all of it in the main thread and before any other thread exists:
//
//   account_to_become() -> sockets are bound, files of secrets read -> hand_over() -> drop_privileges() -> threads
#pragma once

#include <optional>
#include <string>

#include "freshet/config/account.hpp"

namespace freshet {

/// What the settings mean for this process: empty for staying who it is. False, with a sentence in `error`, when they
/// name nobody. `warning`: a sentence when root stays root without being told to, or when the settings have no effect.
bool account_to_become(const Settings& settings, std::optional<Account>& account, std::string& warning,
                       std::string& error);

/// Lets `account` open the log file at `path` later and after each rotation: a file that is not there yet is made, and
/// one of root's is given to it. Links are left alone, and so is what belongs to somebody else.
void hand_over_log(const Account& account, const std::string& path);
/// Gives a socket file to `account`.
bool hand_over_socket(const Account& account, const std::string& path);

/// Becomes `account` for good, with its group and no other, without capabilities and without a way back, which is
/// tried. Without an account: gives up all capabilities unless root was to stay root. Either way no program that is
/// started later gets more rights (no_new_privs). False with a sentence in `error`; then do not go on. REQUIRES: one
/// thread; what is set here is each thread's own, and inherited by those that are started later.
bool drop_privileges(const std::optional<Account>& account, std::string& error);

/// A sentence when this process may not make files where the log stands, so that SIGUSR1 after a rotation needs
/// somebody to make the new file; else empty.
std::string log_rotation_warning(const std::string& path, const std::string& user);
/// The same for a Unix socket, which this process could not remove at its end. Empty also for an empty path.
std::string socket_folder_warning(const std::string& path, const std::string& user);

}  // namespace freshet
