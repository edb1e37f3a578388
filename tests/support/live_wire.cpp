#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "freshet/base/ascii.hpp"
#include "support/live_proxy.hpp"

namespace freshet::test {
namespace {

[[noreturn]] void fail(const char* what) { throw std::runtime_error(std::string(what) + ": nothing happened in time"); }

std::size_t parse_number(std::string_view text, int base) {
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n, base);
  if (error != std::errc() || end == text.data()) throw std::runtime_error("not a number: " + std::string(text));
  return n;
}

}  // namespace

// ---- wire ----

Wire::Wire(int socket) : socket_(socket) {
  const timeval patience{kPatience.count(), 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const int yes = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

Wire::Wire(Wire&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), in_(std::move(other.in_)), reset_(other.reset_) {}

Wire::~Wire() { close(); }

bool Wire::send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) fail("send");
    if (put < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

bool Wire::more() {
  char room[16384];
  for (;;) {
    const ssize_t got = ::recv(socket_, room, sizeof room, 0);
    if (got > 0) in_.append(room, static_cast<std::size_t>(got));
    if (got >= 0) return got > 0;
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) fail("receive");
    reset_ = true;
    return false;
  }
}

std::string Wire::take_until(std::string_view mark) {
  std::size_t at = in_.find(mark);
  while (at == std::string::npos) {
    if (!more()) return {};
    at = in_.find(mark);
  }
  return take(at + mark.size());
}

std::string Wire::take(std::size_t size) {
  while (in_.size() < size && more()) {
  }
  std::string out = in_.substr(0, size);
  in_.erase(0, size);
  return out;
}

std::string Wire::take_all() {
  while (more()) {
  }
  return std::exchange(in_, {});
}

bool Wire::ended() { return in_.empty() && !more(); }
void Wire::shutdown_write() { ::shutdown(socket_, SHUT_WR); }

void Wire::close() {
  const std::lock_guard lock(closing_);
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

void Wire::abort() {
  const linger now{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

void Wire::interrupt() noexcept {
  const std::lock_guard lock(closing_);
  if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
}

// ---- messages ----

std::string Message::field(std::string_view name) const {
  std::size_t at = head.find("\r\n");
  while (at != std::string::npos && at + 2 < head.size()) {
    const std::size_t begin = at + 2;
    at = head.find("\r\n", begin);
    const std::string_view line(head.data() + begin, at - begin);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !ascii::iequals(line.substr(0, colon), name)) continue;
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    return std::string(value);
  }
  return {};
}

int Message::status() const {
  return head.size() < 12 ? 0 : static_cast<int>(parse_number(std::string_view(head).substr(9, 3), 10));
}
std::string Message::method() const { return head.substr(0, head.find(' ')); }
std::string Message::target() const {
  const std::size_t begin = head.find(' ') + 1;
  return head.substr(begin, head.find(' ', begin) - begin);
}

std::optional<Message> read_head(Wire& wire) {
  Message message;
  message.head = wire.take_until("\r\n\r\n");
  if (message.head.empty()) return {};
  message.head.resize(message.head.size() - 2);
  return message;
}

namespace {

void read_chunks(Wire& wire, Message& message) {
  for (;;) {
    const std::string line = wire.take_until("\r\n");
    if (line.empty()) return;
    const std::size_t size = parse_number(line, 16);
    if (size == 0) break;
    const std::string data = wire.take(size + 2);
    message.body += data.substr(0, size);
    if (data.size() < size + 2) return;
  }
  for (std::string line = wire.take_until("\r\n"); !line.empty(); line = wire.take_until("\r\n")) {
    message.complete = line == "\r\n";
    if (message.complete) return;
    message.trailers += line;
  }
}

}  // namespace

void read_body(Wire& wire, Message& message, bool until_end) {
  const std::string length = message.field("Content-Length");
  if (message.field("Transfer-Encoding") == "chunked") {
    read_chunks(wire, message);
  } else if (!length.empty()) {
    const std::size_t size = parse_number(length, 10);
    message.body = wire.take(size);
    message.complete = message.body.size() == size;
  } else {
    if (until_end) message.body = wire.take_all();
    message.complete = !wire.was_reset();
  }
}

std::optional<Message> read_request(Wire& wire) {
  std::optional<Message> request = read_head(wire);
  if (request) read_body(wire, *request, false);
  return request;
}

std::string get_request(std::string_view target, std::string_view fields) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a.example\r\n" + std::string(fields) + "\r\n";
}

std::string make_response(std::string_view body, std::string_view fields, std::string_view status) {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

// ---- client ----

namespace {

int connect_to(std::uint16_t port) {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) throw std::system_error(errno, std::generic_category(), "socket");
  const timeval patience{kPatience.count(), 0};
  ::setsockopt(made, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);  // connect() too
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(made, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return made;
  const int error = errno;
  ::close(made);
  if (error == ECONNREFUSED || error == ECONNRESET) return -1;
  throw std::system_error(error, std::generic_category(), "connect");
}

int connect_or_throw(std::uint16_t port) {
  const int made = connect_to(port);
  if (made < 0) throw std::runtime_error("connection refused");
  return made;
}

}  // namespace

Client::Client(std::uint16_t port) : wire_(connect_or_throw(port)) {}

std::optional<Client> Client::try_connect(std::uint16_t port) {
  const int made = connect_to(port);
  if (made < 0) return {};
  return Client(Wire(made));
}

void Client::send(std::string_view text) { wire_.send(text); }

Message Client::response(std::string_view method) {
  for (;;) {
    std::optional<Message> got = read_head(wire_);
    if (!got) return {};
    const int status = got->status();
    if (status < 200 && status != 101) continue;
    const bool tunnel = status == 101 || (method == "CONNECT" && status < 300);
    const bool without_body = tunnel || method == "HEAD" || status == 204 || status == 304;
    if (!without_body) read_body(wire_, *got, true);
    if (without_body) got->complete = true;
    return *got;
  }
}

Message Client::ask(std::string_view text) {
  send(text);
  return response(text.substr(0, text.find(' ')));
}

Message Client::get(std::string_view target, std::string_view fields) { return ask(get_request(target, fields)); }

}  // namespace freshet::test
