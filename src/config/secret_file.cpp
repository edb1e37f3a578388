#include "freshet/config/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "freshet/base/ascii.hpp"

namespace freshet {
namespace {

constexpr std::size_t kShortest = 16;
constexpr std::size_t kLongest = 4096;

/// A descriptor, closed at the end.
class File {
 public:
  // O_NONBLOCK: a FIFO must not stop the start.
  explicit File(const std::string& path)
      : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const noexcept { return number_; }

 private:
  int number_;
};

std::string why() { return std::generic_category().message(errno); }

/// All of it, up to some bytes more than can be right; empty when reading fails.
std::optional<std::string> read_all(int file) {
  std::string text(kLongest + 64, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto n = ::read(file, text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return {};
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  text.resize(size);
  return text;
}

bool is_token(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return ascii::is_alpha(c) || ascii::is_digit(c) || std::string_view{"-._~+/="}.find(c) != std::string_view::npos;
  });
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

std::optional<SecretFile> read_token_file(const std::string& path, std::string& what) {
  const File file(path);
  struct stat status {};
  if (file.number() < 0 || ::fstat(file.number(), &status) != 0) {
    what = "names '" + path + "', which cannot be opened (" + why() + "), expected a readable file";
    return {};
  }
  if (!S_ISREG(status.st_mode)) {
    what = "names '" + path + "', which is no regular file, expected one";
    return {};
  }
  const auto text = read_all(file.number());
  if (!text) {
    what = "names '" + path + "', which cannot be read (" + why() + "), expected a readable file";
    return {};
  }
  const std::string_view secret = trimmed(*text);
  if (secret.size() < kShortest || secret.size() > kLongest || !is_token(secret)) {
    what = "names '" + path + "', whose content is no token, expected one line of " + std::to_string(kShortest) +
           " to " + std::to_string(kLongest) + " letters, digits and -._~+/= (openssl rand -hex 32)";
    return {};
  }
  return SecretFile{std::string{secret}, (status.st_mode & S_IROTH) != 0};
}

}  // namespace freshet
