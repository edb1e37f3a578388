#include "realm.hpp"

#include <utility>

namespace freshet {
namespace {

template <typename Parse>
auto read_file(const std::string& path, std::string& stamp, std::vector<std::string>& problems, Parse parse) {
  FileText file = read_user_file(path);
  stamp = file.stamp;
  if (file.problem.empty()) return parse(file.text);
  problems.push_back(path + ": " + file.problem);
  return decltype(parse(file.text))();
}

}  // namespace

Realm::Realm(RealmOptions options, std::vector<std::string>& problems)
    : options_(std::move(options)), users_(read(problems)) {}

std::shared_ptr<const Users> Realm::read(std::vector<std::string>& problems) {
  auto made = std::make_shared<Users>();
  made->generation = ++generation_;
  const std::size_t before = problems.size();
  if (!options_.users.empty())
    made->passwords = read_file(options_.users, password_stamp_, problems, [&](const std::string& text) {
      return PasswordFile::parse(text, options_.users, problems);
    });
  if (!options_.digest_users.empty())
    made->digests = read_file(options_.digest_users, digest_stamp_, problems, [&](const std::string& text) {
      return DigestFile::parse(text, options_.digest_users, options_.realm, problems);
    });
  return problems.size() == before ? made : nullptr;
}

std::shared_ptr<const Users> Realm::users() const noexcept {
  const std::lock_guard lock(mutex_);
  return users_;
}

void Realm::read_again(std::vector<AuthNotice>& said) {
  const bool passwords = !options_.users.empty() && user_file_stamp(options_.users) != password_stamp_;
  const bool digests = !options_.digest_users.empty() && user_file_stamp(options_.digest_users) != digest_stamp_;
  if (!passwords && !digests) return;
  std::vector<std::string> problems;
  auto users = read(problems);
  if (!users) {
    for (const auto& problem : problems) said.push_back({problem + " (the users read before stay)", true});
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    users_ = std::move(users);
  }
  said.push_back({"the users of realm '" + options_.realm + "' were read again", false});
}

}  // namespace freshet
