#include "freshet/config/account.hpp"

#include <grp.h>
#include <pwd.h>

#include <limits>

#include "freshet/base/ascii.hpp"

namespace freshet {
namespace {

std::optional<std::uint32_t> number_of(const std::string& name) {
  const auto number = ascii::parse_decimal(name);
  // The highest number stands for "leave it" in the system calls.
  if (!number || *number >= std::numeric_limits<std::uint32_t>::max()) return {};
  return static_cast<std::uint32_t>(*number);
}

}  // namespace

bool find_user(const std::string& name, std::uint32_t& uid, std::optional<std::uint32_t>& own_group,
               std::string& what) {
  const passwd* entry = ::getpwnam(name.c_str());
  const auto number = number_of(name);
  if (!entry && number) entry = ::getpwuid(*number);
  own_group.reset();
  if (entry) {
    uid = entry->pw_uid;
    own_group = entry->pw_gid;
    return true;
  }
  if (number) {
    uid = *number;
    return true;
  }
  what = "is '" + name + "', which is no user of this machine";
  return false;
}

bool find_group(const std::string& name, std::uint32_t& gid, std::string& what) {
  const group* entry = ::getgrnam(name.c_str());
  const auto number = number_of(name);
  if (entry)
    gid = entry->gr_gid;
  else if (number)
    gid = *number;
  else
    what = "is '" + name + "', which is no group of this machine";
  return entry || number;
}

std::optional<Account> find_account(const Settings& settings, std::string& error) {
  Account account;
  account.user = *settings.user;
  std::optional<std::uint32_t> group;
  std::string what;
  if (!find_user(account.user, account.uid, group, what)) {
    error = "user " + what;
    return {};
  }
  if (settings.group && !find_group(*settings.group, group.emplace(), what)) {
    error = "group " + what;
    return {};
  }
  if (!group) {
    error = "user " + account.user + " has no group of its own: set group too";
    return {};
  }
  account.gid = *group;
  return account;
}

}  // namespace freshet
