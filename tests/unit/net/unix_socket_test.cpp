#include "freshet/net/unix_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>

using namespace freshet;

namespace {

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "freshet-unix-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string operator/(const char* name) const { return (path / name).string(); }
};

bool can_connect(const std::string& path) {
  const int made = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::strncpy(to.sun_path, path.c_str(), sizeof to.sun_path - 1);
  const bool connected = ::connect(made, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  ::close(made);
  return connected;
}

}  // namespace

TEST_CASE("a Unix socket has mode 0660 whatever the umask, and its file goes with it", "[net][unix]") {
  Folder folder;
  const std::string path = folder / "s";
  for (const mode_t mask : {0077, 0000, 0027}) {
    boost::asio::io_context loop;
    const mode_t before = ::umask(mask);
    UnixSocketFile file;
    std::string error;
    auto acceptor = file.listen(loop, path, error);
    ::umask(before);
    INFO(error);
    REQUIRE(acceptor.is_open());
    CHECK(is_unix_socket(acceptor.native_handle()));
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0660);
    CHECK(can_connect(path));
    boost::asio::ip::tcp::socket client(loop);
    acceptor.accept(client);
    CHECK(client.is_open());
    file.remove();
    CHECK(::lstat(path.c_str(), &status) != 0);
  }
}

TEST_CASE("only a socket that nobody listens on is replaced", "[net][unix]") {
  Folder folder;
  boost::asio::io_context loop;
  const std::string path = folder / "s";
  std::string error;
  UnixSocketFile first, second, third;
  {
    auto acceptor = first.listen(loop, path, error);
    REQUIRE(acceptor.is_open());
    CHECK_FALSE(second.listen(loop, path, error).is_open());
    CHECK(error == "cannot listen on unix:" + path + ": another process listens there");
    CHECK(can_connect(path));
  }
  auto again = second.listen(loop, path, error);
  CHECK(again.is_open());
  first.remove();  // what is there now is another's
  CHECK(can_connect(path));
  std::filesystem::create_symlink(path, folder / "link");
  CHECK_FALSE(third.listen(loop, folder / "link", error).is_open());
  CHECK(error.find("a file that is no socket is there") != std::string::npos);
  CHECK_FALSE(third.listen(loop, folder / "no/such/folder", error).is_open());
  CHECK(error.find("No such file or directory") != std::string::npos);
}
