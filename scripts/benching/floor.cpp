// The least that an answer can cost on this machine: epoll, recv and one gather write of what was made beforehand. It
// looks for nothing in a request but its end. usage: floor PORT BODY_BYTES
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

std::string head, body;

struct Connection {
  std::size_t owed = 0;      // bytes of answers that are still to be written
  std::size_t end_seen = 0;  // how much of the empty line that ends a request has come
};

// False when the connection is over.
bool write_owed(int descriptor, Connection& connection) {
  const std::size_t answer = head.size() + body.size();
  while (connection.owed > 0) {
    const std::size_t at = (answer - connection.owed % answer) % answer;
    iovec parts[2];
    int count = 0;
    if (at < head.size()) parts[count++] = {head.data() + at, head.size() - at};
    const std::size_t in_body = at < head.size() ? 0 : at - head.size();
    parts[count++] = {body.data() + in_body, body.size() - in_body};
    const ssize_t written = writev(descriptor, parts, count);
    if (written < 0) return errno == EAGAIN;
    connection.owed -= static_cast<std::size_t>(written);
  }
  return true;
}

// How many requests end in `text`.
std::size_t count_ends(std::string_view text, Connection& connection) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  if (connection.end_seen == 0 && text.ends_with(kEnd) && text.find(kEnd) == text.size() - kEnd.size()) return 1;
  std::size_t ends = 0;
  for (const char c : text) {
    connection.end_seen = c == kEnd[connection.end_seen] ? connection.end_seen + 1 : (c == '\r' ? 1 : 0);
    if (connection.end_seen == kEnd.size()) {
      ++ends;
      connection.end_seen = 0;
    }
  }
  return ends;
}

// False when the connection is over.
bool serve(int descriptor, Connection& connection) {
  static char buffer[16384];
  if (!write_owed(descriptor, connection)) return false;
  for (;;) {
    const ssize_t received = recv(descriptor, buffer, sizeof(buffer), 0);
    if (received == 0) return false;
    if (received < 0) return errno == EAGAIN;
    const std::size_t ends = count_ends({buffer, static_cast<std::size_t>(received)}, connection);
    connection.owed += ends * (head.size() + body.size());
    if (!write_owed(descriptor, connection)) return false;
    if (static_cast<std::size_t>(received) < sizeof(buffer)) return true;  // drained: the edge comes again
  }
}

int listen_on(int port) {
  const int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listening, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 || listen(listening, 4096) != 0) {
    std::perror("floor");
    std::exit(1);
  }
  return listening;
}

void watch(int poll, int descriptor, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = descriptor;
  epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: floor PORT BODY_BYTES\n", stderr);
    return 2;
  }
  body.assign(std::strtoul(argv[2], nullptr, 10), 'x');
  head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: max-age=3600\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nAge: 12\r\n\r\n";
  const int listening = listen_on(std::atoi(argv[1])), poll = epoll_create1(0), on = 1;
  watch(poll, listening, EPOLLIN);
  std::unordered_map<int, Connection> connections;
  for (epoll_event events[256];;) {
    const int count = epoll_wait(poll, events, 256, -1);
    for (int i = 0; i < count; ++i) {
      const int descriptor = events[i].data.fd;
      if (descriptor == listening) {
        for (int accepted; (accepted = accept4(listening, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
          setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
          connections[accepted] = {};
          watch(poll, accepted, EPOLLIN | EPOLLOUT | EPOLLET);
        }
      } else if (!serve(descriptor, connections[descriptor])) {
        connections.erase(descriptor);
        close(descriptor);
      }
    }
  }
}
