#include "support/live_proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "../../src/app/translate.hpp"

namespace freshet::test {

// ---- waiting ----

// Under the lock: who waited may destroy the gate as soon as it is open.
void Gate::open() {
  const std::lock_guard lock(mutex_);
  open_ = true;
  changed_.notify_all();
}

void Gate::wait() {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kPatience, [this] { return open_; })) throw std::runtime_error("a gate stayed closed");
}

void Tally::add() {
  {
    const std::lock_guard lock(mutex_);
    ++count_;
  }
  changed_.notify_all();
}

std::size_t Tally::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

void Tally::wait_for(std::size_t n) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kPatience, [&] { return count_ >= n; }))
    throw std::runtime_error("counted " + std::to_string(count_) + " instead of " + std::to_string(n));
}

Crew::~Crew() { wait(); }

void Crew::start(std::function<void()> work) {
  threads_.emplace_back([this, work = std::move(work)] {
    try {
      work();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  });
}

void Crew::wait() {
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

void Crew::join() {
  wait();
  if (failure_) std::rethrow_exception(failure_);
}

bool comes_true(const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

// ---- origins ----

namespace {

int bind_loopback(std::uint16_t& port) {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* const address = reinterpret_cast<sockaddr*>(&at);
  if (made < 0 || ::bind(made, address, size) != 0 || ::getsockname(made, address, &size) != 0)
    throw std::system_error(errno, std::generic_category(), "bind");
  port = ntohs(at.sin_port);
  return made;
}

}  // namespace

LiveOrigin::LiveOrigin(Script script) : script_(std::move(script)) {
  socket_ = bind_loopback(port_);
  if (::listen(socket_, 1024) != 0) throw std::system_error(errno, std::generic_category(), "listen");
  thread_ = std::thread([this] { run(); });
}

LiveOrigin::LiveOrigin(Answer answer)
    : LiveOrigin(Script([this, answer = std::move(answer)](Wire& wire, std::size_t) {
        while (const auto request = read_request(wire)) {
          requests_.add();
          if (!wire.send(answer(*request))) break;
        }
      })) {}

LiveOrigin::~LiveOrigin() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& wire : wires_) wire->interrupt();
  }
  ::shutdown(socket_, SHUT_RDWR);  // wakes accept()
  thread_.join();
  for (std::thread& player : players_) player.join();
  ::close(socket_);
}

void LiveOrigin::run() {
  for (std::size_t number = 0;; ++number) {
    const int made = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    if (made < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (made < 0) return;
    auto wire = std::make_shared<Wire>(made);
    accepted_.add();
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    wires_.push_back(wire);
    players_.emplace_back([this, wire, number] { play(wire, number); });
  }
}

void LiveOrigin::play(std::shared_ptr<Wire> wire, std::size_t number) {
  try {
    script_(*wire, number);
  } catch (const std::exception&) {  // a time-out: the client's side of the test fails with it
  }
  wire->close();
  const std::lock_guard lock(mutex_);
  std::erase(wires_, wire);
}

ClosedPort::ClosedPort() : socket_(bind_loopback(port_)) {}
ClosedPort::~ClosedPort() { ::close(socket_); }

// ---- the proxy ----

namespace {

Settings with_workers(Settings settings, unsigned workers) {
  settings.workers = workers;
  settings.admin.reset();
  settings.access_log.path = "off";
  return settings;
}

}  // namespace

LiveProxy::LiveProxy(Settings settings, unsigned workers, LookUp look_up)
    : settings_(with_workers(std::move(settings), workers)),
      options_(proxy_options(settings_, "freshet-test")),
      store_(std::make_unique<Store>(store_options(settings_), clock_)),
      resolver_(look_up ? make_resolver(resolver_options(settings_), clock_, std::move(look_up))
                        : make_system_resolver(resolver_options(settings_), clock_)),
      clients_(settings_.limits.connections_per_client),
      shared_{settings_, clock_, options_, *store_, resolver_.get(), nullptr, workers, settings_.limits.connections, &clients_, {}, PipePool::kMost} {
  std::vector<std::string> problems;
  add_realms(settings_, authentication_, options_, problems);
  if (!problems.empty()) throw std::runtime_error(problems.front());
  std::string error;
  for (unsigned i = 0; i < workers; ++i) {
    sites_.push_back(std::make_unique<Site>(i, shared_));
    if (!sites_.back()->open(ports_, error)) throw std::runtime_error(error);
  }
  std::vector<OriginServer> own;
  for (std::size_t i = 0; i < ports_.size(); ++i) own.push_back({settings_.listeners[i].bind.address, ports_[i]});
  for (auto& site : sites_) site->start(own);
}

LiveProxy::~LiveProxy() { stop(); }

void LiveProxy::drain() {
  for (auto& site : sites_) site->drain();
}

void LiveProxy::cut() {
  for (auto& site : sites_) site->abort();
}

void LiveProxy::stop() {
  for (auto& site : sites_) site->stop();
  resolver_.reset();
  authentication_.close();
  for (auto& site : sites_) site->discard();
  sites_.clear();
}

std::uint64_t LiveProxy::sum(const std::function<std::uint64_t(const WorkerCounters&)>& of) const {
  std::uint64_t all = 0;
  for (const auto& site : sites_) all += of(site->counters());
  return all;
}

std::uint64_t LiveProxy::connections() const {
  std::uint64_t open = 0;
  for (const auto& site : sites_) open += site->connections();
  return open;
}

void LiveProxy::on_workers(const std::function<void(Worker&)>& work) {
  for (auto& site : sites_) {
    Worker& worker = site->worker();
    Gate done;
    worker.post([&] {
      work(worker);
      done.open();
    });
    done.wait();
  }
}

Settings reverse_to(std::initializer_list<std::uint16_t> ports) {
  std::vector<ServerUrl> servers;
  for (const std::uint16_t port : ports) servers.push_back({"http", "127.0.0.1", port});
  return reverse_settings({"127.0.0.1", 0}, std::move(servers));
}

Settings forward_to(std::uint16_t port, bool allow_private) {
  Settings settings = forward_settings({"127.0.0.1", 0}, allow_private);
  settings.listeners.front().forward->connect_ports = {port};
  return settings;
}

}  // namespace freshet::test
