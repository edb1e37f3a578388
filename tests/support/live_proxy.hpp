// The whole program but its main(): workers with real sockets on loopback, clients and origins in threads beside them. Every wait is
// bounded (kPatience): a test that would hang throws instead.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "../../src/app/site.hpp"
#include "freshet/cache/store.hpp"

namespace freshet::test {

inline constexpr std::chrono::seconds kPatience{30};

/// Opens once, for all who wait. Any thread.
class Gate {
 public:
  void open();
  /// Throws std::runtime_error when it stays closed.
  void wait();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

/// Counts up, and lets others wait for a number. Any thread.
class Tally {
 public:
  void add();
  std::size_t count() const;
  /// Throws std::runtime_error when the count stays smaller.
  void wait_for(std::size_t n);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t count_ = 0;
};

/// Threads of one test. What one of them throws comes out of join().
class Crew {
 public:
  ~Crew();
  void start(std::function<void()> work);
  void join();

 private:
  void wait();
  std::list<std::thread> threads_;
  std::mutex mutex_;
  std::exception_ptr failure_;
};

/// One end of a TCP connection: blocking, with time-outs that throw std::runtime_error. One thread at a time.
class Wire {
 public:
  explicit Wire(int socket);
  Wire(Wire&& other) noexcept;
  Wire& operator=(Wire&&) = delete;
  ~Wire();

  /// False when the peer takes no more.
  bool send(std::string_view text);
  /// Takes in more of what the peer sends; false at its end, or when it has reset the connection.
  bool more();
  /// What has come and has not been taken.
  const std::string& arrived() const noexcept { return in_; }
  /// Up to and including `mark`; empty when the end comes first.
  std::string take_until(std::string_view mark);
  /// Exactly `size` bytes; fewer when the end comes first.
  std::string take(std::size_t size);
  /// All that comes before the end.
  std::string take_all();
  /// Reads until the end: true when nothing came before it.
  bool ended();
  /// The end was a reset.
  bool was_reset() const noexcept { return reset_; }
  void shutdown_write();
  void close();
  /// Closes with a reset.
  void abort();
  /// Any thread: whoever reads or writes sees the end.
  void interrupt() noexcept;

 private:
  int socket_;
  std::string in_;
  bool reset_ = false;
  std::mutex closing_;  // against interrupt()
};

/// A message head with its body. `head` is its start line and field lines, with CRLF after each.
struct Message {
  std::string head, body, trailers;
  bool complete = false;  ///< the body is whole by the message's own framing
  std::string start_line() const { return head.substr(0, head.find("\r\n")); }
  /// The value of the first such field; empty when there is none.
  std::string field(std::string_view name) const;
  /// Of a response; 0 when none came.
  int status() const;
  /// Of a request: "GET", "/x".
  std::string method() const;
  std::string target() const;
};

/// The head alone; empty when the connection ends first.
std::optional<Message> read_head(Wire& wire);
/// The body that follows `message`'s head; `until_end`: without framing of its own it ends with the connection.
void read_body(Wire& wire, Message& message, bool until_end);
/// A whole request. Empty when the connection ends first.
std::optional<Message> read_request(Wire& wire);

class Client {
 public:
  explicit Client(std::uint16_t port);
  /// Empty when nobody listens on `port`.
  static std::optional<Client> try_connect(std::uint16_t port);

  Wire& wire() noexcept { return wire_; }
  void send(std::string_view text);
  /// The next response but interim ones, to a request with `method`. Empty head: the connection ended.
  Message response(std::string_view method = "GET");
  /// Sends `text` and reads the response.
  Message ask(std::string_view text);
  /// "GET target" with Host: a.example and `fields` ("Name: value\r\n" each).
  Message get(std::string_view target, std::string_view fields = {});

 private:
  explicit Client(Wire wire) : wire_(std::move(wire)) {}
  Wire wire_;
};

/// "GET target HTTP/1.1" with Host: a.example.
std::string get_request(std::string_view target, std::string_view fields = {});
/// A response with Content-Length. `fields`: "Name: value\r\n" each.
std::string make_response(std::string_view body, std::string_view fields = {}, std::string_view status = "200 OK");

/// Accepts on a port of loopback and gives each connection a thread.
class LiveOrigin {
 public:
  /// Plays one connection; called in its own thread. `number`: of the connection, from 0.
  using Script = std::function<void(Wire&, std::size_t number)>;
  /// Answers one request of a keep-alive connection.
  using Answer = std::function<std::string(const Message&)>;

  explicit LiveOrigin(Script script);
  explicit LiveOrigin(Answer answer);
  /// Ends all connections.
  ~LiveOrigin();

  std::uint16_t port() const noexcept { return port_; }
  std::size_t connections() const { return accepted_.count(); }
  /// Requests that an Answer was asked for.
  std::size_t requests() const { return requests_.count(); }
  std::string authority() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  void run();
  void play(std::shared_ptr<Wire> wire, std::size_t number);
  Script script_;
  Tally accepted_, requests_;
  int socket_ = -1;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Wire>> wires_;
  std::vector<std::thread> players_;
  bool stopping_ = false;
  std::thread thread_;
};

/// A port of loopback that refuses connections as long as this lives.
class ClosedPort {
 public:
  ClosedPort();
  ~ClosedPort();
  std::uint16_t port() const noexcept { return port_; }

 private:
  int socket_;
  std::uint16_t port_;
};

/// What run_server() builds, without signals and banner. Listeners on port 0.
class LiveProxy {
 public:
  /// `look_up`: instead of the system's; empty: that.
  explicit LiveProxy(Settings settings, unsigned workers = 1, LookUp look_up = {});
  ~LiveProxy();

  std::uint16_t port(std::size_t listener = 0) const { return ports_.at(listener); }
  void drain();
  /// Ends what is under way; the workers go on.
  void cut();
  /// Ends the workers, and destroys all that they held; the store stays.
  void stop();
  Store& store() noexcept { return *store_; }
  const Site& site(unsigned i) const { return *sites_.at(i); }
  std::uint64_t sum(const std::function<std::uint64_t(const WorkerCounters&)>& of) const;
  std::uint64_t connections() const;
  /// Runs `work` on each worker's thread and waits for it.
  void on_workers(const std::function<void(Worker&)>& work);

 private:
  SystemClock clock_;
  const Settings settings_;
  Authentication authentication_{clock_};
  ProxyOptions options_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Resolver> resolver_;
  ClientTable clients_;
  Shared shared_;
  std::vector<std::uint16_t> ports_;
  std::vector<std::unique_ptr<Site>> sites_;
};

/// A reverse proxy before these ports of loopback.
Settings reverse_to(std::initializer_list<std::uint16_t> ports);
/// A forward proxy that may CONNECT to `port`; `allow_private`: it may reach loopback.
Settings forward_to(std::uint16_t port, bool allow_private = true);

/// Looks again and again, for what no event announces, until `done` or kPatience.
bool comes_true(const std::function<bool()>& done);

}  // namespace freshet::test
