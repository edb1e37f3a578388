// Asks for hits at a steady pace until its input ends or the time is over, and prints how long the answers took, in microseconds:
// count, late (asked later than planned), no hits, p50, p99, p99.9, max. One that was due while the connection still waited counts from
// when it was due.
// usage: calm_client PORT CONNECTIONS A_SECOND OBJECTS SECONDS
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration_cast;
using std::chrono::nanoseconds;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

struct Connection {
  int descriptor = -1;
  bool waits = false;
  Clock::time_point since;             // of the answer that it waits for
  std::deque<Clock::time_point> due;  // of requests that could not be sent yet
  std::string got;
};

struct Figures {
  std::vector<std::int64_t> took;
  std::size_t late = 0, no_hits = 0;
};

Connection open_connection(int port) {
  Connection connection;
  connection.descriptor = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(connection.descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) fail("connect");
  const int on = 1;
  setsockopt(connection.descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return connection;
}

void send_request(Connection& connection, std::size_t object, Clock::time_point since) {
  const std::string request = "GET /hot/" + std::to_string(object) + " HTTP/1.1\r\nHost: calm.test\r\n\r\n";
  if (send(connection.descriptor, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) fail("send");
  connection.waits = true;
  connection.since = since;
}

// Bytes of the first answer in `text`; 0: it is not all there.
std::size_t answer_size(std::string_view text, bool& hit) {
  const auto end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  constexpr std::string_view kLength = "Content-Length: ";
  const std::string_view head = text.substr(0, end + 2);
  const auto at = head.find(kLength);
  std::size_t length = 0;
  if (at == std::string_view::npos || !head.starts_with("HTTP/1.1 200 ")) return std::exit(2), 0;
  std::from_chars(head.data() + at + kLength.size(), head.data() + head.size(), length);
  hit = head.find("; hit") != std::string_view::npos;
  return text.size() < end + 4 + length ? 0 : end + 4 + length;
}

void take_answer(Connection& connection, Figures& figures) {
  char room[16384];
  const ssize_t received = recv(connection.descriptor, room, sizeof(room), MSG_DONTWAIT);
  if (received == 0) fail("closed");
  if (received < 0) return;
  connection.got.append(room, static_cast<std::size_t>(received));
  bool hit = false;
  const std::size_t size = answer_size(connection.got, hit);
  if (size == 0) return;
  figures.took.push_back(duration_cast<nanoseconds>(Clock::now() - connection.since).count());
  figures.no_hits += hit ? 0 : 1;
  connection.got.erase(0, size);
  connection.waits = false;
}

double micros(const std::vector<std::int64_t>& sorted, double part) {
  const auto at = static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1));
  return static_cast<double>(sorted[at]) / 1000;
}

Figures run(std::vector<Connection>& connections, double a_second, std::size_t objects, Clock::time_point end) {
  Figures figures;
  std::vector<pollfd> polled;
  for (const Connection& connection : connections) polled.push_back({connection.descriptor, POLLIN, 0});
  polled.push_back({0, POLLIN, 0});
  const auto pace = nanoseconds(static_cast<std::int64_t>(1e9 / a_second));
  auto next = Clock::now();
  for (std::size_t sent = 0; next < end;) {
    const auto now = Clock::now();
    for (; next <= now; next += pace) {
      Connection& connection = connections[sent++ % connections.size()];
      if (connection.waits)
        connection.due.push_back(next);
      else
        send_request(connection, sent % objects, now);
    }
    const auto left = std::max(nanoseconds(0), duration_cast<nanoseconds>(next - Clock::now()));
    const timespec patience{static_cast<time_t>(left.count() / 1'000'000'000), static_cast<long>(left.count() % 1'000'000'000)};
    if (ppoll(polled.data(), polled.size(), &patience, nullptr) < 0) fail("ppoll");
    if (polled.back().revents != 0) break;
    for (std::size_t i = 0; i < connections.size(); ++i) {
      Connection& connection = connections[i];
      if (polled[i].revents != 0) take_answer(connection, figures);
      if (connection.waits || connection.due.empty()) continue;
      ++figures.late;
      send_request(connection, ++sent % objects, connection.due.front());
      connection.due.pop_front();
    }
  }
  return figures;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return std::fputs("usage: calm_client PORT CONNECTIONS A_SECOND OBJECTS SECONDS\n", stderr), 1;
  prctl(PR_SET_TIMERSLACK, 1);
  std::vector<Connection> connections;
  for (int i = 0; i < std::atoi(argv[2]); ++i) connections.push_back(open_connection(std::atoi(argv[1])));
  const auto end = Clock::now() + duration_cast<nanoseconds>(std::chrono::duration<double>(std::atof(argv[5])));
  Figures figures = run(connections, std::atof(argv[3]), static_cast<std::size_t>(std::atoi(argv[4])), end);
  std::vector<std::int64_t>& took = figures.took;
  if (took.empty()) return 1;
  std::sort(took.begin(), took.end());
  std::printf("%zu %zu %zu %.1f %.1f %.1f %.1f\n", took.size(), figures.late, figures.no_hits, micros(took, 0.5), micros(took, 0.99),
              micros(took, 0.999), micros(took, 1));
}
