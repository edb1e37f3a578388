#include "freshet/metrics/access_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <sstream>
#include <thread>

#include "support/alloc_counter.hpp"

using namespace freshet;
using namespace std::chrono_literals;

namespace {

/// A folder of its own, removed at the end.
struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "freshet-log-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string operator/(const char* name) const { return (path / name).string(); }
};

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}
std::uint64_t lines(const std::string& text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

AccessRecord record(std::string_view target) {
  AccessRecord r;
  r.client = "192.0.2.7";
  r.method = "GET";
  r.target = target;
  r.version = "HTTP/1.1";
  r.status = 200;
  return r;
}

/// Collects warnings and lets a test wait for them.
class Warnings {
 public:
  std::function<void(const std::string&)> sink() {
    return [this](const std::string& sentence) {
      const std::lock_guard lock(mutex_);
      all_.push_back(sentence);
      changed_.notify_all();
    };
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 60s, [&] { return all_.size() >= count; });
  }
  std::vector<std::string> all() {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> all_;
};

AccessLogOptions options_for(const std::string& path) {
  AccessLogOptions options;
  options.path = path;
  options.flush_after = 1ms;
  options.retry_after = 1ms;
  return options;
}

std::unique_ptr<AccessLog> open(const AccessLogOptions& options) {
  std::string error;
  auto log = open_access_log(options, error);
  INFO(error);
  REQUIRE(log);
  return log;
}

}  // namespace

TEST_CASE("Everything that was queued is written when the log is closed", "[metrics][access-log]") {
  Folder folder;
  auto options = options_for(folder / "a.log");
  options.flush_after = 1h;  // closing does not wait for it
  auto log = open(options);
  for (int i = 0; i < 1000; ++i) log->write(record("/" + std::to_string(i)));
  log.reset();
  const std::string text = read(folder / "a.log");
  CHECK(lines(text) == 1000);
  CHECK(text.find("GET /0 HTTP") < text.find("GET /999 HTTP"));
}

TEST_CASE("A file that exists is appended to, and a new one is not for everybody's eyes", "[metrics][access-log]") {
  Folder folder;
  std::ofstream(folder / "a.log") << "before\n";
  open(options_for(folder / "a.log"))->write(record("/"));
  CHECK(read(folder / "a.log").starts_with("before\n192.0.2.7 "));
  open(options_for(folder / "b.log"));
  struct stat status {};
  REQUIRE(::stat((folder / "b.log").c_str(), &status) == 0);
  CHECK((status.st_mode & 0007) == 0);
}

TEST_CASE("Many threads write whole lines, and none is lost", "[metrics][access-log]") {
  Folder folder;
  {
    auto options = options_for(folder / "a.log");
    options.queue_bytes = 64 << 20;
    auto log = open(options);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&log, t] {
        const std::string target = "/" + std::string(100, static_cast<char>('a' + t));
        for (int i = 0; i < 5000; ++i) log->write(record(target));
      });
    for (auto& thread : threads) thread.join();
    CHECK(log->dropped() == 0);
  }
  std::istringstream text(read(folder / "a.log"));
  std::size_t count = 0;
  for (std::string line; std::getline(text, line); ++count) {
    const char letter = line[line.find("GET /") + 5];
    if (line.find(std::string(100, letter) + " HTTP/1.1\" 200 - \"-\" \"-\"") == std::string::npos) FAIL("a torn line: " << line);
  }
  CHECK(count == 20000);
}

TEST_CASE("A file that cannot be opened is an error with a sentence", "[metrics][access-log]") {
  std::string error;
  CHECK_FALSE(open_access_log(options_for("/nonexistent/a.log"), error));
  CHECK(error == "cannot open the access log /nonexistent/a.log: No such file or directory");
  CHECK_FALSE(open_access_log(options_for("/"), error));
  CHECK(error.find("Is a directory") != std::string::npos);
}

TEST_CASE("A FIFO without a reader does not hang the start", "[metrics][access-log]") {
  Folder folder;
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  std::string error;
  CHECK_FALSE(open_access_log(options_for(folder / "fifo"), error));
  CHECK_FALSE(error.empty());
}

TEST_CASE("After reopen, lines go to the new file, and those before it to the old", "[metrics][access-log]") {
  Folder folder;
  auto options = options_for(folder / "a.log");
  options.flush_after = GENERATE(0ms, 1ms, 1000ms);
  auto log = open(options);
  std::filesystem::rename(folder / "a.log", folder / "a.log.1");
  for (int i = 0; i < 10; ++i) log->write(record("/old"));
  log->reopen();
  for (int i = 0; i < 7; ++i) log->write(record("/new"));
  log.reset();
  const std::string older = read(folder / "a.log.1"), newer = read(folder / "a.log");
  CHECK(lines(older) + lines(newer) == 17);
  CHECK(lines(older) == 10);
  CHECK(newer.find("/old") == std::string::npos);
}

TEST_CASE("When the new file cannot be opened, the old one goes on", "[metrics][access-log]") {
  Folder folder;
  std::filesystem::create_directory(folder / "d");
  Warnings warnings;
  auto options = options_for(folder / "d/a.log");
  options.warn = warnings.sink();
  auto log = open(options);
  std::filesystem::rename(folder / "d", folder / "e");
  log->reopen();
  log->write(record("/"));
  log.reset();
  CHECK(lines(read(folder / "e/a.log")) == 1);
  REQUIRE(warnings.all().size() == 1);
  CHECK(warnings.all()[0].find("going on with the old file") != std::string::npos);
}

TEST_CASE("A full disk costs lines, is told once, and nothing waits for it", "[metrics][access-log]") {
  Warnings warnings;
  auto options = options_for("/dev/full");
  options.queue_bytes = 2000;
  options.warn = warnings.sink();
  auto log = open(options);
  log->write(record("/first"));
  REQUIRE(warnings.wait_for(1));
  for (int i = 0; i < 1000; ++i) log->write(record("/x"));
  CHECK(log->dropped() > 900);
  log.reset();
  REQUIRE(warnings.all().size() == 1);
  CHECK(warnings.all()[0].find("No space left on device") != std::string::npos);
}

TEST_CASE("When the disk takes bytes again, what was kept is written, and that is told", "[metrics][access-log]") {
  Folder folder;
  std::filesystem::create_symlink("/dev/full", folder / "a.log");
  Warnings warnings;
  auto options = options_for(folder / "a.log");
  options.warn = warnings.sink();
  auto log = open(options);
  for (int i = 0; i < 5; ++i) log->write(record("/kept"));
  REQUIRE(warnings.wait_for(1));
  std::filesystem::remove(folder / "a.log");
  log->reopen();
  REQUIRE(warnings.wait_for(2));
  log->write(record("/later"));
  const auto dropped = log->dropped();
  log.reset();
  CHECK(lines(read(folder / "a.log")) == 6);
  CHECK(dropped == 0);
  CHECK(warnings.all()[1].find("written again") != std::string::npos);
  CHECK(warnings.all().size() == 2);
}

TEST_CASE("A line that does not fit is dropped and counted, at the byte", "[metrics][access-log]") {
  std::string one;
  const AccessRecord r = record("/x");
  format_access_record(r, AccessLogFormat::Combined, one);
  Folder folder;
  for (int off : {-1, 0, 1}) {
    const std::string path = folder / ("n" + std::to_string(off)).c_str();
    auto options = options_for(path);
    options.flush_after = 1h;
    options.queue_bytes = static_cast<std::size_t>(static_cast<int>(3 * one.size()) + off);
    auto log = open(options);
    for (int i = 0; i < 4; ++i) log->write(r);
    const std::uint64_t kept = off < 0 ? 2 : 3;
    CHECK(log->dropped() == 4 - kept);
    log.reset();
    CHECK(lines(read(path)) == kept);
  }
}

TEST_CASE("A reader that takes nothing neither stops writers nor the end", "[metrics][access-log]") {
  Folder folder;
  const std::string fifo = folder / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK);
  REQUIRE(reader >= 0);
  auto options = options_for(fifo);
  options.queue_bytes = 100'000;
  options.flush_limit = 1ms;
  Warnings warnings;
  options.warn = warnings.sink();
  auto log = open(options);
  for (int i = 0; i < 10'000; ++i) log->write(record("/0123456789012345678901234567890123456789"));  // 64 KiB fit into the pipe
  CHECK(log->dropped() > 0);
  log.reset();
  CHECK(warnings.all().size() == 1);
  ::close(reader);
}

TEST_CASE("A slow reader gets every line", "[metrics][access-log]") {
  Folder folder;
  const std::string fifo = folder / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK);
  REQUIRE(reader >= 0);
  REQUIRE(::fcntl(reader, F_SETFL, 0) == 0);
  auto log = open(options_for(fifo));
  for (int i = 0; i < 5000; ++i) log->write(record("/0123456789012345678901234567890123456789"));
  auto text = std::async(std::launch::async, [reader] {
    std::string all;
    char some[1000];
    for (ssize_t n; (n = ::read(reader, some, sizeof some)) > 0;) all.append(some, static_cast<std::size_t>(n));
    return all;
  });
  const auto dropped = log->dropped();
  log.reset();
  CHECK(dropped == 0);
  CHECK(lines(text.get()) == 5000);
  ::close(reader);
}

TEST_CASE("A reader that goes away does not kill the process", "[metrics][access-log]") {
  Folder folder;
  const std::string fifo = folder / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK);
  Warnings warnings;
  auto options = options_for(fifo);
  options.warn = warnings.sink();
  auto log = open(options);
  ::close(reader);
  log->write(record("/"));
  REQUIRE(warnings.wait_for(1));
  CHECK(warnings.all()[0].find("Broken pipe") != std::string::npos);
}

TEST_CASE("stdout is a place for the log, and stays open", "[metrics][access-log]") {
  Folder folder;
  const int before = ::dup(STDOUT_FILENO);
  const int file = ::open((folder / "out").c_str(), O_WRONLY | O_CREAT, 0600);
  ::dup2(file, STDOUT_FILENO);
  ::close(file);
  {
    auto log = open(options_for("stdout"));
    log->write(record("/1"));
    log->reopen();
    log->write(record("/2"));
  }
  const bool still_open = ::write(STDOUT_FILENO, "end\n", 4) == 4;
  ::dup2(before, STDOUT_FILENO);
  ::close(before);
  CHECK(still_open);
  CHECK(lines(read(folder / "out")) == 3);
}

TEST_CASE("A line costs no heap allocation once the thread has seen one like it", "[metrics][access-log]") {
  Folder folder;
  const auto format = GENERATE(AccessLogFormat::Combined, AccessLogFormat::Json, AccessLogFormat::Squid);
  auto options = options_for(folder / "a.log");
  options.format = format;
  options.flush_after = 1h;
  auto log = open(options);
  AccessRecord r = record("/0123456789012345678901234567890123456789?q=\x01\xff");
  r.upstream_address = "[2001:db8::1]:80";
  r.referer = "http://joe:secret@example.com/";
  log->write(r);
  AllocCounter allocations;
  for (int i = 0; i < 100; ++i) log->write(r);
  CHECK(allocations.count() == 0);
}
