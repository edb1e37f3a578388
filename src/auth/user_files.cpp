#include "freshet/auth/user_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "freshet/auth/basic.hpp"
#include "freshet/base/ascii.hpp"

namespace freshet {
namespace {

constexpr std::size_t kMostBytes = 16 << 20;
constexpr std::size_t kMostProblems = 20;

/// Collects what is wrong with the lines of one file.
class Problems {
 public:
  Problems(const std::string& path, std::vector<std::string>& out) : path_(path), out_(out) {}
  void add(std::size_t line, const std::string& what) {
    if (++count_ <= kMostProblems) out_.push_back(path_ + ':' + std::to_string(line) + ": " + what);
  }
  void add(const std::string& what) {
    ++count_;
    out_.push_back(path_ + ": " + what);
  }
  bool none() const noexcept { return count_ == 0; }

 private:
  const std::string& path_;
  std::vector<std::string>& out_;
  std::size_t count_ = 0;
};

/// Calls `take(line number, line)` for each line that says something.
template <typename Take>
void for_each_line(std::string_view text, Take take) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty() && line.front() != '#') take(number, line);
  }
}

bool is_user_name(std::string_view name) noexcept { return !name.empty() && is_printable(name) && is_utf8(name); }

std::string quoted(std::string_view user) { return "user '" + std::string(user) + "'"; }

std::string stamp_of(const struct stat& status) {
  std::string stamp;
  for (const auto number : {static_cast<long long>(status.st_dev), static_cast<long long>(status.st_ino),
                            static_cast<long long>(status.st_size), static_cast<long long>(status.st_mtim.tv_sec),
                            static_cast<long long>(status.st_mtim.tv_nsec)})
    stamp += std::to_string(number) + ' ';
  return stamp;
}

void read_all(int file, FileText& out) {
  out.text.resize(kMostBytes + 1);
  std::size_t size = 0;
  while (size < out.text.size()) {
    const auto n = ::read(file, out.text.data() + size, out.text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      out.problem = "cannot be read (" + std::generic_category().message(errno) + "), expected a readable file";
    if (n <= 0) break;
    size += static_cast<std::size_t>(n);
  }
  if (size > kMostBytes) out.problem = "is larger than 16 MiB, expected a file of users";
  out.text.resize(size);
}

}  // namespace

std::shared_ptr<const PasswordFile> PasswordFile::parse(std::string_view text, const std::string& path,
                                                        std::vector<std::string>& out) {
  Problems problems(path, out);
  auto made = std::make_shared<PasswordFile>();
  for_each_line(text, [&](std::size_t number, std::string_view line) {
    const std::size_t colon = line.find(':');
    const std::string_view user = line.substr(0, colon);
    if (colon == line.npos || !is_user_name(user))
      return problems.add(number, "is no user, expected USER:HASH in UTF-8");
    const std::string hash(line.substr(colon + 1));
    if (const std::string why = why_hash_is_refused(hash); !why.empty())
      return problems.add(number, quoted(user) + " has " + why);
    if (!made->users_.emplace(user, hash).second)
      problems.add(number, quoted(user) + " is there a second time, expected each user once");
  });
  if (made->users_.empty() && problems.none()) problems.add("has no users, expected USER:HASH on each line");
  if (!problems.none()) return nullptr;
  for (const auto& [user, hash] : made->users_) made->hashes_.push_back(&hash);
  return made;
}

const std::string* PasswordFile::find(std::string_view user) const noexcept {
  const auto found = users_.find(user);
  return found == users_.end() ? nullptr : &found->second;
}

std::shared_ptr<const DigestFile> DigestFile::parse(std::string_view text, const std::string& path,
                                                    std::string_view realm, std::vector<std::string>& out) {
  Problems problems(path, out);
  auto made = std::make_shared<DigestFile>();
  for_each_line(text, [&](std::size_t number, std::string_view line) {
    const std::size_t first = line.find(':'), last = line.rfind(':');
    const std::string_view user = line.substr(0, first);
    std::string hash(last == line.npos ? std::string_view() : line.substr(last + 1));
    std::transform(hash.begin(), hash.end(), hash.begin(), ascii::lower);
    const bool md5 = hash.size() == hex_size(DigestAlgorithm::Md5);
    const bool hexadecimal = std::all_of(hash.begin(), hash.end(), ascii::is_hex);
    if (first == last || !is_user_name(user) || !hexadecimal ||
        (!md5 && hash.size() != hex_size(DigestAlgorithm::Sha256)))
      return problems.add(number,
                          "is no user, expected USER:REALM:HA1, HA1 with 64 hexadecimal digits (SHA-256) or 32 (MD5)");
    if (line.substr(first + 1, last - first - 1) != realm) return;
    const auto algorithm = md5 ? DigestAlgorithm::Md5 : DigestAlgorithm::Sha256;
    if (!is_available(algorithm))
      return problems.add(number,
                          quoted(user) + " has an MD5 hash, which this system's OpenSSL refuses, expected SHA-256");
    std::string& place = made->users_[std::string(user)].of[static_cast<std::size_t>(algorithm)];
    if (!place.empty())
      return problems.add(number, quoted(user) + " is there a second time, expected each user once for each algorithm");
    place = std::move(hash);
  });
  if (made->users_.empty() && problems.none())
    problems.add("has no users of the realm '" + std::string(realm) + "', expected one at least");
  for (std::size_t i = 0; i < made->offered_.size(); ++i)
    made->offered_[i] = std::all_of(made->users_.begin(), made->users_.end(),
                                    [i](const auto& user) { return !user.second.of[i].empty(); });
  if (problems.none() && !made->offers(DigestAlgorithm::Md5) && !made->offers(DigestAlgorithm::Sha256))
    problems.add("has some users with SHA-256 and others with MD5 alone, expected one algorithm that all have");
  return problems.none() ? made : nullptr;
}

std::string_view DigestFile::find(std::string_view user, DigestAlgorithm algorithm) const noexcept {
  const auto found = users_.find(user);
  return found == users_.end() ? std::string_view()
                               : std::string_view(found->second.of[static_cast<std::size_t>(algorithm)]);
}

FileText read_user_file(const std::string& path) {
  FileText out;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    out.problem = "cannot be opened (" + std::generic_category().message(errno) + "), expected a readable file";
    return out;
  }
  struct stat status {};
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    out.problem = "is not a regular file, expected a file of users";
  } else {
    out.stamp = stamp_of(status);
    read_all(file, out);
  }
  ::close(file);
  return out;
}

std::string user_file_stamp(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? stamp_of(status) : std::string();
}

}  // namespace freshet
