#include "process/program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "support/live_proxy.hpp"

extern char** environ;

namespace freshet::test {
namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_with(const Program::Variables& variables) {
  // The leak sanitizer traces its own process, which is what a process that gave up its rights does not allow. Of two with
  // the same name the first one counts.
  std::vector<std::string> all{"ASAN_OPTIONS=detect_leaks=0"};
  for (const auto& [name, value] : variables) all.push_back(name + '=' + value);
  for (char** each = environ; *each; ++each) all.emplace_back(*each);
  return all;
}

}  // namespace

const char* const kProgram = FRESHET_PROGRAM;

Folder::Folder() {
  char pattern[] = "/tmp/freshet-process-XXXXXX";
  if (!::mkdtemp(pattern)) fail("mkdtemp");
  path_ = pattern;
  ::chmod(pattern, 0755);
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Folder::write(const std::string& name, const std::string& text, mode_t mode) const {
  std::string path = *this / name;
  std::ofstream(path) << text;
  if (::chmod(path.c_str(), mode) != 0) fail("chmod");
  return path;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> Program::on_file(const Folder& folder, const std::string& yaml) {
  return {"run", "-c", folder.write("freshet.yaml", yaml, 0644)};
}

Program::Program(std::vector<std::string> arguments, Variables variables) {
  if (arguments.front().front() != '/') arguments.insert(arguments.begin(), kProgram);
  std::vector<std::string> environment = environment_with(variables);
  const auto argv = pointers_to(arguments), envp = pointers_to(environment);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe2");
  const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  process_ = ::fork();
  if (process_ < 0) fail("fork");
  if (process_ == 0) {  // only async-signal-safe calls from here on
    ::dup2(nowhere, STDIN_FILENO);
    ::dup2(nowhere, STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(nowhere);
  ::close(ends[1]);
  listener_ = std::thread([this, from = ends[0]] { listen(from); });
}

Program::~Program() {
  if (!over_) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  listener_.join();
}

void Program::listen(int from) {
  char some[4096];
  for (;;) {
    const ssize_t n = ::read(from, some, sizeof some);
    if (n < 0 && errno == EINTR) continue;
    const std::lock_guard lock(mutex_);
    silent_ = n <= 0;
    if (n > 0) said_.append(some, static_cast<std::size_t>(n));
    changed_.notify_all();
    if (silent_) break;
  }
  ::close(from);
}

bool Program::says(const std::string& text) {
  std::unique_lock lock(mutex_);
  const auto there = [&] { return said_.find(text) != std::string::npos; };
  if (!changed_.wait_for(lock, kPatience, [&] { return silent_ || there(); }))
    throw std::runtime_error("not said in time: " + text + "\nbut: " + said_);
  return there();
}

std::string Program::said() {
  const std::lock_guard lock(mutex_);
  return said_;
}

std::vector<std::uint16_t> Program::ports() {
  if (!says("try, twice")) throw std::runtime_error("it ended: " + said());
  std::istringstream lines(said());
  std::vector<std::uint16_t> ports;
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" on ") == std::string::npos || line.find("127.0.0.1:") == std::string::npos) continue;
    if (!line.starts_with("  ")) continue;
    ports.push_back(static_cast<std::uint16_t>(std::stoi(line.substr(line.find("127.0.0.1:") + 10))));
  }
  return ports;
}

void Program::signal(int number) const { ::kill(process_, number); }

Ended Program::end() {
  if (over_) return how_;
  int status = 0;
  pid_t ended = 0;
  comes_true([&] { return (ended = ::waitpid(process_, &status, WNOHANG)) != 0; });
  if (ended != process_) throw std::runtime_error("it does not end; it said: " + said());
  over_ = true;
  if (WIFEXITED(status)) how_.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) how_.signal = WTERMSIG(status);
  return how_;
}

std::vector<std::map<std::string, std::string>> Program::threads() const {
  std::vector<std::map<std::string, std::string>> all;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(process_) + "/task")) {
    std::ifstream file(entry.path() / "status");
    auto& status = all.emplace_back();
    for (std::string line; std::getline(file, line);) {
      const auto colon = line.find(':');
      const auto value = line.find_first_not_of(" \t", colon + 1);
      auto& kept = status[line.substr(0, colon)];
      if (value != std::string::npos) kept = line.substr(value, line.find_last_not_of(' ') + 1 - value);
    }
  }
  return all;
}

std::string ask_socket(const std::string& path, const std::string& request) {
  const int made = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) fail("socket");
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::strncpy(to.sun_path, path.c_str(), sizeof to.sun_path - 1);
  Wire wire(made);
  if (::connect(made, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return {};
  wire.send(request);
  return wire.take_all();
}

}  // namespace freshet::test
