// The least that passing a request on and its answer back can cost on this machine: edge-triggered epoll, origin
// connections that are kept and used again (the last one first), and of a message nothing is looked at but the end of
// its head and its Content-Length. A client asks one thing at a time. usage: relay_floor PORT ORIGIN_PORT
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

constexpr std::string_view kEnd = "\r\n\r\n", kLength = "\r\nContent-Length: ";
char buffer[64 * 1024];

struct End {
  int descriptor = -1;
  bool is_client = false;
  End* other = nullptr;   // the two of one exchange
  std::string request;    // client: what has come of a head
  std::string unwritten;  // client: the answer's bytes that its socket has not taken
  std::string head;       // origin: what has come of the answer's head, while that is not complete
  std::size_t owed = 0;   // origin: bytes of the answer's body that are still to come
  bool in_body = false;   // origin
};

int poll_descriptor;
sockaddr_in origin_address;
std::unordered_map<int, End> ends;
std::vector<End*> idle;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

[[noreturn]] void die() {
  std::perror("relay_floor");
  std::exit(1);
}

End& add(int descriptor, bool is_client) {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.fd = descriptor;
  epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, descriptor, &event);
  End& end = ends[descriptor];
  end.descriptor = descriptor;
  end.is_client = is_client;
  return end;
}

void remove(End& end) {
  if (End* other = std::exchange(end.other, nullptr)) {
    other->other = nullptr;
    remove(*other);
  }
  std::erase(idle, &end);
  const int descriptor = end.descriptor;
  ends.erase(descriptor);
  close(descriptor);
}

End& take_origin() {
  if (!idle.empty()) {
    End& kept = *idle.back();
    idle.pop_back();
    return kept;
  }
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(descriptor, reinterpret_cast<sockaddr*>(&origin_address), sizeof(origin_address)) != 0) die();
  return add(descriptor, false);
}

// False when nothing more can be written now.
bool put(End& client, std::string_view text) {
  if (client.unwritten.empty()) {
    const ssize_t written = send(client.descriptor, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  client.unwritten += text;
  return client.unwritten.empty();
}

// Bytes of the answer that `text` begins with; 0: the head is not complete.
std::size_t answer_size(std::string_view text) {
  const std::size_t end = text.find(kEnd), field = text.find(kLength);
  if (end == text.npos) return 0;
  return end + kEnd.size() + (field < end ? std::strtoul(text.data() + field + kLength.size(), nullptr, 10) : 0);
}

// False when the origin is to be closed.
bool pass_back(End& origin, std::string_view text) {
  if (!origin.other) return false;
  if (!origin.in_body) {
    if (!origin.head.empty()) text = origin.head += text;
    const std::size_t size = answer_size(text);
    if (size == 0) {
      origin.head = text;
      return true;
    }
    origin.in_body = true;
    origin.owed = size;
  }
  if (text.size() > origin.owed) return false;
  origin.owed -= text.size();
  End& client = *origin.other;
  put(client, text);
  origin.head.clear();
  if (origin.owed > 0) return true;
  origin.in_body = false;
  origin.other = client.other = nullptr;
  idle.push_back(&origin);
  return true;
}

// False when it is over. A client that does not take its answer holds its origin up.
bool read_origin(End& origin) {
  while (!origin.other || origin.other->unwritten.empty()) {
    const ssize_t received = recv(origin.descriptor, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (received <= 0) return received < 0 && errno == EAGAIN;
    if (!pass_back(origin, {buffer, static_cast<std::size_t>(received)})) return false;
    if (!origin.other) return true;
    if (static_cast<std::size_t>(received) < sizeof(buffer)) return true;  // drained: the edge comes again
  }
  return true;
}

bool read_client(End& client) {
  const ssize_t received = recv(client.descriptor, buffer, sizeof(buffer), MSG_DONTWAIT);
  if (received <= 0) return received < 0 && errno == EAGAIN;
  client.request.append(buffer, static_cast<std::size_t>(received));
  if (!client.request.ends_with(kEnd)) return true;
  End& origin = take_origin();
  origin.other = &client;
  client.other = &origin;
  const bool sent = send(origin.descriptor, client.request.data(), client.request.size(), MSG_NOSIGNAL) > 0;
  client.request.clear();
  return sent;
}

bool write_client(End& client) {
  if (client.unwritten.empty()) return true;
  const std::string text = std::exchange(client.unwritten, {});
  return !put(client, text) || !client.other || read_origin(*client.other);
}

void accept_all(int listening) {
  for (int accepted; (accepted = accept4(listening, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) add(accepted, true);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: relay_floor PORT ORIGIN_PORT\n", stderr);
    return 2;
  }
  const sockaddr_in own = loopback(std::atoi(argv[1]));
  origin_address = loopback(std::atoi(argv[2]));
  poll_descriptor = epoll_create1(0);
  const int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(listening, reinterpret_cast<const sockaddr*>(&own), sizeof(own)) != 0 || listen(listening, 4096) != 0) die();
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listening;
  epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, listening, &event);
  for (epoll_event events[256];;) {
    const int count = epoll_wait(poll_descriptor, events, 256, -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd == listening) {
        accept_all(listening);
        continue;
      }
      const auto found = ends.find(events[i].data.fd);
      if (found == ends.end()) continue;  // gone with the other one
      End& end = found->second;
      const bool reads = (events[i].events & ~EPOLLOUT) != 0;
      const bool lives = end.is_client ? write_client(end) && (!reads || read_client(end)) : !reads || read_origin(end);
      if (!lives) remove(end);
    }
  }
}
