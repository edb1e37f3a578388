// Settings that are about this machine: who to become, secrets in files, where the admin pages are.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "freshet/config/account.hpp"
#include "freshet/config/load.hpp"
#include "freshet/config/secret_file.hpp"

using namespace freshet;

namespace {

constexpr std::string_view kToken = "0123456789abcdef";

/// A file with that text and mode, gone at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view text, mode_t mode = 0600) {
    char name[] = "/tmp/freshet-test-XXXXXX";
    const int file = ::mkstemp(name);
    REQUIRE(file >= 0);
    ::close(file);
    path_ = name;
    std::ofstream(path_) << text;
    REQUIRE(::chmod(name, mode) == 0);
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

LoadResult load(const std::string& yaml) {
  return load_text("listeners: [{bind: \"127.0.0.1:1\", forward: {}}]\n" + yaml, "f",
                   [](const std::string&) { return std::optional<std::string>(); });
}

std::string problems(const std::string& yaml) {
  std::string lines;
  for (const auto& problem : load(yaml).problems) lines += to_string(problem) + '\n';
  return lines;
}

}  // namespace

TEST_CASE("user and group name accounts of this machine, by name or by number", "[config]") {
  REQUIRE_FALSE(load("").settings.user);
  REQUIRE_FALSE(load("user: none\ngroup: none\n").settings.group);
  const auto settings = load("user: nobody\ngroup: root\n").settings;
  REQUIRE(settings.user == "nobody");
  std::string error;
  const auto account = find_account(settings, error);
  REQUIRE(account);
  REQUIRE(account->user == "nobody");
  REQUIRE(account->uid != 0);
  REQUIRE(account->gid == 0);
  REQUIRE(problems("user: root\n") == "");
  REQUIRE(find_account(load("user: root\n").settings, error)->uid == 0);
  const auto numbers = find_account(load("user: 4000000\ngroup: \"4000001\"\n").settings, error);
  REQUIRE(numbers);
  REQUIRE(numbers->uid == 4000000);
  REQUIRE(numbers->gid == 4000001);
}

TEST_CASE("An account that is not there is said with its place", "[config]") {
  const struct {
    const char* yaml;
    const char* problem;
  } rows[] = {
      {"user: no-such-user\n",
       "f:2:7: user: is 'no-such-user', which is no user of this machine, expected the name or number of one\n"},
      {"user: nobody\ngroup: no-such-group\n",
       "f:3:8: group: is 'no-such-group', which is no group of this machine, expected the name or number of one\n"},
      {"group: root\n", "f:2:8: group: stands without user, expected user beside it\n"},
      {"user: 4000000\n", "f:2:7: user: is a number without a group of its own, expected group beside it\n"},
      {"user: -1\n", "f:2:7: user: is '-1', which is no user of this machine, expected the name or number of one\n"},
      {"user: 4294967295\n",
       "f:2:7: user: is '4294967295', which is no user of this machine, expected the name or number of one\n"},
      {"user: \"\"\n", "f:2:7: user: is empty, expected a text or none\n"},
      {"user: [a]\n", "f:2:7: user: is a list, expected a text or none\n"}};
  for (const auto& row : rows) {
    CAPTURE(row.yaml);
    CHECK(problems(row.yaml) == row.problem);
  }
}

TEST_CASE("The same is said at start, when there was no file to check", "[config]") {
  Settings settings = forward_settings({"127.0.0.1", 0}, false);
  std::string error;
  settings.user = "no-such-user";
  CHECK_FALSE(find_account(settings, error));
  CHECK(error == "user is 'no-such-user', which is no user of this machine");
  settings.user = "4000000";
  CHECK_FALSE(find_account(settings, error));
  CHECK(error == "user 4000000 has no group of its own: set group too");
  settings.group = "no-such-group";
  CHECK_FALSE(find_account(settings, error));
  CHECK(error == "group is 'no-such-group', which is no group of this machine");
}

TEST_CASE("admin.bind is an address or a Unix socket", "[config]") {
  const auto bind = load("admin: {bind: \"unix:/run/freshet/admin.sock\"}\n").settings.admin->bind;
  CHECK(bind == AdminBind{{}, "/run/freshet/admin.sock"});
  CHECK(to_string(bind) == "unix:/run/freshet/admin.sock");
  CHECK(parse_admin_bind("[::1]:9") == AdminBind{{"::1", 9}, {}});
  const std::string longest = '/' + std::string(106, 'x');
  CHECK(parse_admin_bind("unix:" + longest));
  CHECK(problems("admin: {bind: \"unix:" + longest + "x\"}\n") ==
        "f:2:15: admin.bind: names a path of 108 bytes, and the system takes 107, expected ADDRESS:PORT such as "
        "127.0.0.1:9180, "
        "or unix:/PATH\n");
  for (const char* bad : {"unix:", "unix:a.sock", "unix:/", "unix:/a/", "unix", "/run/a.sock", "127.0.0.1", ""}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_admin_bind(bad));
  }
}

TEST_CASE("admin.hosts is a list of names, in any case", "[config]") {
  CHECK(load("").settings.admin->hosts.names.empty());
  CHECK(load("admin: {hosts: []}\n").settings.admin->hosts.names.empty());
  CHECK(load("admin: {hosts: [Freshet.Example.com, proxy]}\n").settings.admin->hosts ==
        HostNames{{"freshet.example.com", "proxy"}});
  CHECK(load("admin: {hosts: one.example}\n").settings.admin->hosts == HostNames{{"one.example"}});
  CHECK(problems("admin: {hosts: [\"a.example:80\", ok, \"http://b\", {}]}\n") ==
        "f:2:17: admin.hosts[0]: is 'a.example:80', expected a host name without scheme and port\n"
        "f:2:37: admin.hosts[2]: is 'http://b', expected a host name without scheme and port\n"
        "f:2:49: admin.hosts[3]: is a map, expected a host name without scheme and port\n");
}

TEST_CASE("A token is one line of its file, whatever white space is around it", "[config]") {
  std::string what;
  for (const char* around : {"", "\n", " \r\n\n"}) {
    const TemporaryFile file(std::string{kToken} + around);
    const auto read = read_token_file(file.path(), what);
    REQUIRE(read);
    CHECK(read->secret == kToken);
    CHECK_FALSE(read->open_to_all);
  }
  const TemporaryFile longest(std::string(4096, 'a') + "\n");
  CHECK(read_token_file(longest.path(), what));
}

TEST_CASE("What is no token is refused without showing it", "[config]") {
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("0123456789abcde"), std::string(4097, 'a'),
        std::string(9000, 'a'), std::string("two words of some length"),
        std::string("0123456789abcdef\n0123456789abcdef\n"), std::string("0123456789abcdef\"")}) {
    const TemporaryFile file(text);
    std::string what;
    CHECK_FALSE(read_token_file(file.path(), what));
    CHECK(what.find("is no token, expected one line of 16 to 4096 letters") != std::string::npos);
    if (text.size() > 10) CHECK(what.find(text.substr(0, 10)) == std::string::npos);
  }
}

TEST_CASE("A file with a secret is checked with its place: there, a file, and not for everybody", "[config]") {
  const auto with = [](const std::string& path) { return "admin:\n  token_file: " + path + "\n"; };
  CHECK(problems(with("none")) == "");
  CHECK(problems(with("/nonexistent")) ==
        "f:3:15: admin.token_file: names '/nonexistent', which cannot be opened (No such file or directory), expected "
        "a readable file\n");
  CHECK(problems(with("/tmp")) == "f:3:15: admin.token_file: names '/tmp', which is no regular file, expected one\n");
  CHECK(problems(with("/dev/zero")) ==
        "f:3:15: admin.token_file: names '/dev/zero', which is no regular file, expected one\n");
  const TemporaryFile mine(kToken, 0640);
  CHECK(problems(with(mine.path())) == "");
  CHECK(load(with(mine.path())).settings.admin->token_file == mine.path());
  const TemporaryFile open(kToken, 0644);
  CHECK(problems(with(open.path())) == "f:3:15: warning: admin.token_file: names '" + open.path() +
                                           "', which everybody on this machine can read (chmod o-r)\n");
}
