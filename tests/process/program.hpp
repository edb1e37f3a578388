// The real program as a child process: started with a configuration, watched by what it says and by /proc, ended by
// signals. Every wait is bounded: a test that would hang throws instead.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace freshet::test {

/// A folder of its own that every user may enter, removed at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + '/' + name; }
  /// Writes a file with that mode; returns its path.
  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const;

 private:
  std::string path_;
};

/// All of a file; empty when it is not there.
std::string read_file(const std::string& path);

/// Where the program is.
extern const char* const kProgram;

/// How a program ended.
struct Ended {
  int exit_code = -1;  ///< -1: by a signal
  int signal = 0;
};

/// freshet, started by the constructor. One thread.
class Program {
 public:
  using Variables = std::vector<std::pair<std::string, std::string>>;
  /// `arguments`: after the program's name; or, when the first one is a path, all of another command that ends in
  /// becoming it (see kProgram). `variables` are added to the environment.
  explicit Program(std::vector<std::string> arguments, Variables variables = {});
  /// `freshet run` on a file in `folder` with that text.
  static std::vector<std::string> on_file(const Folder& folder, const std::string& yaml);
  /// Ends it at once, if it still runs.
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  pid_t id() const noexcept { return process_; }
  /// Waits until `text` stands in what it has written to stderr. False when it ended first.
  bool says(const std::string& text);
  /// All that it has written to stderr so far.
  std::string said();
  /// The ports in its banner, in their order: listeners, then the admin pages. Waits for the banner; throws when it
  /// ended first.
  std::vector<std::uint16_t> ports();
  void signal(int number) const;
  /// Waits for its end.
  Ended end();

  /// A line of /proc/PID/task/TID/status for each of its threads: "Uid" -> values.
  std::vector<std::map<std::string, std::string>> threads() const;

 private:
  void listen(int from);
  pid_t process_ = -1;
  bool over_ = false;
  Ended how_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string said_;
  bool silent_ = false;  // the other end of its stderr is closed
  std::thread listener_;
};

/// Sends one request to a Unix socket and returns all that comes back; empty when nobody listens.
std::string ask_socket(const std::string& path, const std::string& request);

}  // namespace freshet::test
