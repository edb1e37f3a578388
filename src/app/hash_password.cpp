#include "freshet/auth/hash_password.hpp"

#include <termios.h>
#include <unistd.h>

#include <istream>
#include <ostream>

#include "freshet/app/commands.hpp"
#include "freshet/auth/basic.hpp"
#include "freshet/auth/digest.hpp"

namespace freshet {
namespace {

/// Switches off that a terminal shows what is typed, as long as it lives.
class NoEcho {
 public:
  NoEcho() noexcept {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~NoEcho() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  bool is_terminal() const noexcept { return changed_; }

 private:
  termios before_{};
  bool changed_ = false;
};

bool is_good_user(const std::string& user) {
  return !user.empty() && user.find(':') == std::string::npos && is_printable(user) && is_utf8(user);
}

std::string read_password(std::istream& in, std::ostream& err) {
  const NoEcho silent;
  if (silent.is_terminal()) err << "Password: " << std::flush;
  std::string password;
  std::getline(in, password);
  if (password.ends_with('\r')) password.pop_back();
  if (silent.is_terminal()) err << '\n';
  return password;
}

}  // namespace

int print_user(const HashPassword& command, std::istream& in, std::ostream& out, std::ostream& err) {
  if (!is_good_user(command.user)) {
    err << "freshet: the user name is '" << command.user << "', expected UTF-8 without colon and control characters\n";
    return 2;
  }
  const std::string password = read_password(in, err);
  if (password.empty() || password.size() > kLongestPassword || !is_printable(password) || !is_utf8(password)) {
    err << "freshet: expected a password on standard input: one line of UTF-8, up to " << kLongestPassword
        << " bytes\n";
    return 2;
  }
  if (!command.realm.empty()) {
    const HexHash ha1 = hash_joined(DigestAlgorithm::Sha256, {command.user, command.realm, password});
    out << command.user << ':' << command.realm << ':' << ha1.text() << '\n';
    return 0;
  }
  std::string problem;
  const std::string hash = hash_password(password,
                                         command.method == "sha512"     ? "$6$"
                                         : command.method == "yescrypt" ? "$y$"
                                                                        : "$2y$",
                                         command.method == "bcrypt" ? 10 : 0, problem);
  if (hash.empty()) {
    err << "freshet: " << problem << '\n';
    return 1;
  }
  out << command.user << ':' << hash << '\n';
  return 0;
}

}  // namespace freshet
