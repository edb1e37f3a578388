// A listening socket in the file system, for those on this machine who may open its file.
#pragma once

#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>

namespace freshet {

/// The file of a listening Unix socket; taken away again at the end, unless it is another one by then.
class UnixSocketFile {
 public:
  UnixSocketFile() = default;
  ~UnixSocketFile() { remove(); }
  UnixSocketFile(const UnixSocketFile&) = delete;
  UnixSocketFile& operator=(const UnixSocketFile&) = delete;

  /// Listens on `path` with mode 0660, non-blocking. A socket that a former process left there is replaced; a file of
  /// another kind is not, nor a socket that somebody listens on. On failure the acceptor is closed and `error` is a
  /// sentence. The acceptor is one of TCP's type, since stream sockets are all the same to those who serve them; only
  /// addresses are not to be asked of it. REQUIRES: a path that fits sockaddr_un; called once.
  boost::asio::ip::tcp::acceptor listen(boost::asio::io_context& loop, const std::string& path, std::string& error);
  /// To be called while it still listens: who comes then finds either us or nothing.
  void remove() noexcept;

 private:
  std::string path_;
  struct stat made_ {};
};

/// True when the socket is of the Unix family.
bool is_unix_socket(int socket) noexcept;

}  // namespace freshet
