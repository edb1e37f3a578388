#include "privileges.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace freshet {
namespace {

bool failed(const std::string& what, std::string& error) {
  error = "cannot " + what + ": " + std::generic_category().message(errno);
  return false;
}

bool drop_capabilities(std::string& error) {
  // The bounding set needs no change: without new privileges nothing can be taken from it.
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);  // kernels before 4.3 have none
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3] = {};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  // A sandbox may forbid the call below, which is no harm where there is nothing to give up.
  if (::syscall(SYS_capget, &header, held) == 0 && std::memcmp(held, none, sizeof none) == 0) return true;
  if (::syscall(SYS_capset, &header, none) != 0) return failed("give up capabilities", error);
  return true;
}

bool become(const Account& account, std::string& error) {
  if (::setgroups(0, nullptr) != 0) return failed("leave root's groups", error);
  if (::setresgid(account.gid, account.gid, account.gid) != 0)
    return failed("take the group " + std::to_string(account.gid), error);
  if (::setresuid(account.uid, account.uid, account.uid) != 0) return failed("become the user " + account.user, error);
  return true;
}

/// True when this process is `account` and nothing else, and cannot become root again.
bool is_for_good(const Account& account) {
  uid_t uid[3];
  gid_t gid[3];
  if (::getresuid(&uid[0], &uid[1], &uid[2]) != 0 || ::getresgid(&gid[0], &gid[1], &gid[2]) != 0) return false;
  for (int i = 0; i < 3; ++i)
    if (uid[i] != account.uid || gid[i] != account.gid) return false;
  if (::getgroups(0, nullptr) != 0) return false;
  if (account.uid == 0) return true;
  const bool back = ::setuid(0) == 0 || ::seteuid(0) == 0 || ::setresuid(0, 0, 0) == 0 || ::setgroups(0, nullptr) == 0;
  return !back && (account.gid == 0 || ::setresgid(0, 0, 0) != 0);
}

}  // namespace

bool account_to_become(const Settings& settings, std::optional<Account>& account, std::string& warning,
                       std::string& error) {
  const bool root = ::geteuid() == 0;
  if (!root && settings.user) warning = "not started as root: the settings user and group have no effect";
  if (root && !settings.user)
    warning = "running as root: set user to give up its rights once the ports are open (user: root if it is meant)";
  if (!root || !settings.user) return true;
  account = find_account(settings, error);
  return account.has_value();
}

void hand_over_log(const Account& account, const std::string& path) {
  const int file =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW, 0640);
  if (file < 0) return;  // opening it as that user says why
  struct stat status {};
  // A second name of the file could stand in a place of somebody else's, and mean something else there.
  if (::fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1 && status.st_uid == 0) {
    const gid_t group = status.st_gid == 0 ? account.gid : static_cast<gid_t>(-1);  // a group of log readers stays
    (void)!::fchown(file, account.uid, group);
  }
  ::close(file);
}

bool hand_over_socket(const Account& account, const std::string& path) {
  return ::lchown(path.c_str(), account.uid, account.gid) == 0;
}

bool drop_privileges(const std::optional<Account>& account, std::string& error) {
  if (account && !become(*account, error)) return false;
  if (::geteuid() != 0 && !drop_capabilities(error)) return false;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("rule out new privileges", error);
  // What was read as root is in this memory: neither a core file nor another process of that user shall have it.
  if (account && account->uid != 0 && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return failed("rule out core files", error);
  if (account && !is_for_good(*account)) {
    error = "becoming the user " + account->user + " left a way back to root";
    return false;
  }
  return true;
}

namespace {

/// The folder of `path`, if we may not make and remove files there; else empty.
std::string closed_folder_of(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  std::string folder = parent.empty() ? std::string(".") : parent.string();
  return ::access(folder.c_str(), W_OK | X_OK) == 0 ? std::string() : folder;
}

}  // namespace

std::string socket_folder_warning(const std::string& path, const std::string& user) {
  const std::string folder = path.empty() ? std::string() : closed_folder_of(path);
  if (folder.empty()) return {};
  return "user " + user + " may not remove files from " + folder + ": " + path + " stays there at the end, and the next start replaces it";
}

std::string log_rotation_warning(const std::string& path, const std::string& user) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  const std::string folder = closed_folder_of(path);
  if (folder.empty()) return {};
  return "user " + user + " may not make files in " + folder + ": after a rotation, somebody has to make " + path +
         " for it before SIGUSR1 (logrotate: create 0640 " + user + ")";
}

}  // namespace freshet
