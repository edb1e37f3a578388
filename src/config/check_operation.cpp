#include "freshet/config/account.hpp"
#include "freshet/config/secret_file.hpp"
#include "read.hpp"

namespace freshet::config {
namespace {

/// Where the value of a setting stands, or else its section.
Mark place(const Node& section, std::string_view name) {
  const Node* node = section.find(name);
  return node ? node->mark : section.mark;
}

void check_account(const Settings& settings, const Node& root, Report& report) {
  std::string what;
  std::optional<std::uint32_t> own_group;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  const bool known = settings.user && find_user(*settings.user, uid, own_group, what);
  if (settings.user && !known) report.error(place(root, "user"), "user", what + ", expected the name or number of one");
  if (settings.group && !find_group(*settings.group, gid, what))
    report.error(place(root, "group"), "group", what + ", expected the name or number of one");
  if (settings.group && !settings.user)
    report.error(place(root, "group"), "group", "stands without user, expected user beside it");
  if (known && !own_group && !settings.group)
    report.error(place(root, "user"), "user", "is a number without a group of its own, expected group beside it");
}

void check_token_file(const Settings& settings, const Node& root, Report& report) {
  const Node* admin = root.find("admin");
  if (!admin || !settings.admin || !settings.admin->token_file) return;
  std::string what;
  const auto file = read_token_file(*settings.admin->token_file, what);
  const Mark mark = place(*admin, "token_file");
  if (!file)
    report.error(mark, "admin.token_file", what);
  else if (file->open_to_all)
    report.warning(mark, "admin.token_file",
                   "names '" + *settings.admin->token_file + "', which everybody on this machine can read (chmod o-r)");
}

}  // namespace

void check_operation(const Settings& settings, const Node& root, Report& report) {
  check_account(settings, root, report);
  check_token_file(settings, root, report);
}

}  // namespace freshet::config
