// The life of the process:
//
//   sockets of all workers and of the admin pages -> rights are given up -> log, resolver -> start: workers, admin -> banner -> signals
//   SIGTERM, SIGINT: not ready, drain, wait (bounded by shutdown_grace; a second one ends at once) -> stop workers -> last lines of the log
//   SIGUSR1: reopen the access log
#include "freshet/app/server.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "admin_site.hpp"
#include "banner.hpp"
#include "freshet/base/pipe.hpp"
#include "freshet/cache/mapping_pool.hpp"
#include "freshet/config/secret_file.hpp"
#include "freshet/metrics/prometheus.hpp"
#include "freshet/proxy/purge.hpp"
#include "privileges.hpp"
#include "program_log.hpp"
#include "site.hpp"
#include "supervisor.hpp"
#include "translate.hpp"

namespace freshet {
namespace {

/// For connections that are cut: until they have left their lines in the log.
constexpr std::chrono::milliseconds kLastLines(200);

/// Unique to this process, so that a request that comes back is recognised, and one from another freshet is not taken for it.
std::string make_loop_token(const std::string& via) {
  std::random_device random;
  char digits[17];
  std::snprintf(digits, sizeof digits, "%08x", random());
  return via + '-' + digits;
}

/// What the descriptors are enough for.
struct Room {
  std::size_t connections = SIZE_MAX;  // of clients, at two each
  std::size_t pipes = 0;               // of each worker
};

/// As many descriptors as the system lets us have. Clients never get those of listeners, event loops, logs, look-ups and the admin
/// endpoint, those of clients that are refused, and those of the pipes.
Room raise_descriptor_limit(unsigned workers) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const std::size_t all = limit.rlim_max;
  const std::size_t pipes = PipePool::most_for(workers, all);
  const std::size_t reserved = 32 + (8 + kRefusedAtOnce + 2 * pipes) * workers;
  return {all > reserved + 2 ? (all - reserved) / 2 : 1, pipes};
}

bool is_loopback(const Endpoint& bind) { return bind.address.starts_with("127.") || bind.address == "::1"; }

class Server {
 public:
  Server(const Settings& settings, std::string how_started);
  int run();

 private:
  bool open_all();
  bool open_log(std::string& error);
  bool open_sites(std::string& error);
  bool open_admin(std::string& error);
  bool open_user_files();
  void warn_of_folders() const;
  bool read_token(std::string& token, std::string& error) const;
  void start_all();
  void await_signal();
  void on_signal(int number);
  void begin_drain();
  void await_drained(std::chrono::steady_clock::time_point end);
  void cut(std::chrono::steady_clock::time_point end);
  void keep_house();
  void give_memory_back();
  void stop();
  std::string metrics() const;
  std::vector<OriginServer> own_addresses() const;

  const Settings& settings_;
  std::string how_started_;
  SystemClock clock_;
  WallTime started_ = clock_.now().wall;
  const unsigned workers_;
  Authentication authentication_;
  ProxyOptions proxy_options_;
  Store store_;
  std::optional<Account> account_;  // whom we become; empty: we stay who we are
  Supervisor supervisor_;
  Pulse pulse_;
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<AccessLog> access_log_;
  ClientTable clients_;
  Shared shared_;
  MetricNames names_;
  std::vector<std::unique_ptr<Site>> sites_;
  std::vector<std::uint16_t> ports_;
  std::unique_ptr<AdminSite> admin_;
  std::atomic<bool> draining_{false};
  bool cut_ = false;
  int exit_code_ = 1;  // when the start fails
  std::uint64_t pauses_seen_ = 0;
  boost::asio::io_context loop_{1};
  boost::asio::signal_set signals_{loop_};
  boost::asio::steady_timer drain_timer_{loop_};
  boost::asio::steady_timer house_timer_{loop_};
  boost::asio::steady_timer memory_timer_{loop_};
};

Server::Server(const Settings& settings, std::string how_started)
    : settings_(settings), how_started_(std::move(how_started)), workers_(worker_count(settings)), authentication_(clock_),
      proxy_options_(proxy_options(settings, make_loop_token(settings.via))), store_(store_options(settings), clock_),
      clients_(settings.limits.connections_per_client),
      shared_{settings, clock_, proxy_options_, store_, nullptr, nullptr, workers_, settings.limits.connections, &clients_, processors(settings), 0}, names_(metric_names(settings)) {}

// No thread is started before the rights are given up: most of them are each thread's own.
bool Server::open_all() {
  std::string error, warning;
  bool good = account_to_become(settings_, account_, warning, error);
  if (!warning.empty()) log_warning(warning);
  if (good && account_ && settings_.access_log.path != "stdout" && settings_.access_log.path != "off")
    hand_over_log(*account_, settings_.access_log.path);
  good = good && open_sites(error) && open_admin(error) && drop_privileges(account_, error) && open_log(error);
  if (!good) {
    log_error(error);
    return false;
  }
  if (!open_user_files()) {
    exit_code_ = 2;  // starting again would not help
    return false;
  }
  if (account_) warn_of_folders();
  resolver_ = make_system_resolver(resolver_options(settings_), clock_);
  shared_.resolver = resolver_.get();
  return true;
}

bool Server::open_log(std::string& error) {
  if (settings_.access_log.path == "off") return true;
  AccessLogOptions options = access_log_options(settings_);
  options.warn = [](const std::string& what) { log_warning(what); };
  access_log_ = open_access_log(options, error);
  if (!access_log_ && account_) error += " (as the user " + account_->user + ")";
  shared_.access_log = access_log_.get();
  return access_log_ != nullptr;
}

// After the rights are given up: they are read again when they change.
bool Server::open_user_files() {
  std::vector<std::string> problems;
  add_realms(settings_, authentication_, proxy_options_, problems);
  for (const auto& problem : problems) log_error(account_ ? problem + " (as the user " + account_->user + ")" : problem);
  return problems.empty();
}

// What the user that we have become will not be able to do later.
void Server::warn_of_folders() const {
  const std::string log = log_rotation_warning(settings_.access_log.path, account_->user);
  if (!log.empty()) log_warning(log);
  if (!settings_.admin) return;
  const std::string socket = socket_folder_warning(settings_.admin->bind.path, account_->user);
  if (!socket.empty()) log_warning(socket);
}

bool Server::open_sites(std::string& error) {
  for (unsigned i = 0; i < workers_; ++i) {
    sites_.push_back(std::make_unique<Site>(i, shared_));
    if (!sites_.back()->open(ports_, error)) return false;
    pulse_.watch(sites_.back()->worker());
  }
  return true;
}

std::vector<OriginServer> Server::own_addresses() const {
  std::vector<OriginServer> own;
  for (std::size_t i = 0; i < settings_.listeners.size(); ++i) own.push_back({settings_.listeners[i].bind.address, ports_[i]});
  if (admin_ && admin_->port() != 0) own.push_back({settings_.admin->bind.endpoint.address, admin_->port()});
  return own;
}

void Server::start_all() {
  const auto own = own_addresses();
  for (auto& site : sites_) site->start(own);
  if (admin_) admin_->start();  // after the sites: its pages read them
}

bool Server::read_token(std::string& token, std::string& error) const {
  const AdminSettings& admin = *settings_.admin;
  if (!admin.token_file) {
    if (admin.bind.path.empty() && !is_loopback(admin.bind.endpoint))
      log_warning("whoever reaches " + to_string(admin.bind) + " may read metrics and purge: set admin.token_file, or bind it to loopback");
    return true;
  }
  std::string what;
  auto file = read_token_file(*admin.token_file, what);
  if (!file) error = "admin.token_file " + what;
  if (file && file->open_to_all) log_warning("everybody on this machine can read the token in " + *admin.token_file);
  if (file) token = std::move(file->secret);
  return file.has_value();
}

bool Server::open_admin(std::string& error) {
  if (!settings_.admin) return true;
  AdminOptions options;
  if (!read_token(options.token, error)) return false;
  options.metrics = [this] { return metrics(); };
  options.ready = [this] { return !draining_.load(); };
  options.purge = [this](std::string_view lines) {
    const PurgeVerdict verdict = purge_list(store_, proxy_options_, lines);
    return PurgeReport{verdict.urls, verdict.responses, verdict.refused};
  };
  options.purge_groups = [this](const GroupsToPurge& wanted) {
    const auto verdict = purge_groups(store_, proxy_options_, wanted.names, wanted.origin, wanted.soft ? Purge::Soft : Purge::Hard);
    return PurgeReport{verdict.groups, verdict.responses, verdict.refused};
  };
  options.host_names = settings_.admin->hosts.names;
  std::array<char, 256> own_name{};
  if (gethostname(own_name.data(), own_name.size() - 1) == 0) options.host_names.emplace_back(own_name.data());
  admin_ = std::make_unique<AdminSite>(workers_, clock_, std::move(options));
  return admin_->open(settings_.admin->bind, account_, error);
}

std::string Server::metrics() const {
  std::vector<const WorkerCounters*> counters;
  for (const auto& site : sites_) counters.push_back(&site->counters());
  const StoreFigures figures = store_.figures();
  GaugeReadings readings;
  readings.cache_objects = figures.objects;
  readings.cache_bytes = figures.bytes;
  readings.cache_limit_bytes = figures.limit;
  readings.cache_evictions = {{"room", figures.evicted_for_room},
                              {"variants", figures.evicted_variants},
                              {"invalidated", figures.invalidated},
                              {"replaced", figures.replaced},
                              {"expired", figures.expired}};
  for (std::size_t u = 0; u < settings_.upstreams.size(); ++u)
    for (std::size_t s = 0; s < settings_.upstreams[u].servers.size(); ++s) {
      bool healthy = true;
      for (const auto& site : sites_) healthy = healthy && site->pool().server_healthy(u, s);
      const ServerUrl& server = settings_.upstreams[u].servers[s];
      readings.server_healthy.push_back({settings_.upstreams[u].name, server.host + ':' + std::to_string(server.port), healthy});
    }
  readings.access_log_dropped = access_log_ ? access_log_->dropped() : 0;
  const LookUpFigures look_ups = resolver_->figures();
  readings.dns_running = look_ups.running;
  readings.dns_waiting = look_ups.waiting;
  readings.started = started_;
  return render_metrics(counters, names_, readings);
}

void Server::await_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    on_signal(number);
    await_signal();
  });
}

void Server::on_signal(int number) {
  switch (number) {
    case SIGUSR1:
      if (access_log_) access_log_->reopen();
      return;
    case SIGHUP: log_warning("SIGHUP: reloading is not supported; restart to change the configuration (SIGUSR1 reopens the access log)"); return;
    default: break;
  }
  if (draining_) {
    log_warning("second signal: ending at once");
    cut(std::chrono::steady_clock::now() + kLastLines);
    return;
  }
  begin_drain();
}

void Server::begin_drain() {
  draining_ = true;
  supervisor_.tell("STOPPING=1\nSTATUS=finishing what is in flight");
  log_info("stopping: finishing what is in flight, for at most " + format_seconds(settings_.shutdown_grace));
  for (auto& site : sites_) site->drain();
  await_drained(std::chrono::steady_clock::now() + settings_.shutdown_grace);
}

/// Ends what is still under way, and gives it until `end` to write its last lines.
void Server::cut(std::chrono::steady_clock::time_point end) {
  cut_ = true;
  for (auto& site : sites_) site->abort();
  await_drained(end);
}

void Server::await_drained(std::chrono::steady_clock::time_point end) {
  std::uint64_t open = 0;
  for (const auto& site : sites_) open += site->connections();
  const bool late = std::chrono::steady_clock::now() >= end;
  if (open == 0 || (late && cut_)) {
    loop_.stop();
    return;
  }
  if (late) {
    log_warning("shutdown_grace is over, connections that are cut: " + std::to_string(open));
    cut(end + kLastLines);
    return;
  }
  drain_timer_.expires_after(std::chrono::milliseconds(20));
  drain_timer_.async_wait([this, end](const boost::system::error_code& error) {
    if (!error) await_drained(end);
  });
}

/// A little at a time: it takes the processor as long as 10 000 hits to let go of 1 GiB, and there may be no other one.
void Server::give_memory_back() {
  constexpr std::size_t kAtOnce = 4u << 20;
  if (mapping_pool().trim(kAtOnce) < kAtOnce) return;
  memory_timer_.expires_after(std::chrono::milliseconds(5));
  memory_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) give_memory_back();
  });
}

/// What no request pays for: expired responses and those of purged groups leave the store, readers that hold up others are cut off, and
/// the memory of large bodies goes back to the system.
void Server::keep_house() {
  store_.expire_some(clock_.now().steady, 10000);
  store_.sweep_purged(8192);
  store_.cut_off_slow_readers();
  give_memory_back();
  for (const auto& notice : authentication_.read_again()) notice.wrong ? log_warning(notice.text) : log_info(notice.text);
  std::uint64_t pauses = 0;
  for (const auto& site : sites_) pauses += site->counters().accept_pauses.get();
  if (pauses != 0 && pauses_seen_ == 0) log_warning("out of file descriptors: accepting pauses (said once; see freshet_accept_pauses_total)");
  pauses_seen_ = pauses;
  if (supervisor_.watches() && pulse_.felt()) supervisor_.tell("WATCHDOG=1");
  house_timer_.expires_after(std::chrono::seconds(1));
  house_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) keep_house();
  });
}

void Server::stop() {
  if (admin_) admin_->stop();
  for (auto& site : sites_) site->stop();
  resolver_.reset();  // tells those who wait for a name, in loops that still exist
  authentication_.close();
  for (auto& site : sites_) site->discard();
  sites_.clear();
  admin_.reset();
  access_log_.reset();
}

int Server::run() {
  const auto [enough_for, pipes] = raise_descriptor_limit(workers_);
  shared_.pipes = pipes;
  shared_.connections = std::min<std::size_t>(settings_.limits.connections, enough_for);
  if (shared_.connections < settings_.limits.connections)
    log_warning("file descriptors are enough for " + std::to_string(enough_for) + " client connections, not for limits.connections (" +
                std::to_string(settings_.limits.connections) + "); raise the hard limit (ulimit -Hn, LimitNOFILE)");
  std::signal(SIGPIPE, SIG_IGN);
  for (const int number : {SIGTERM, SIGINT, SIGUSR1, SIGHUP}) signals_.add(number);
  if (!open_all()) {
    stop();
    return exit_code_;
  }
  start_all();
  print_banner(settings_, ports_, admin_ ? admin_->port() : 0, workers_, how_started_);
  supervisor_.tell("READY=1\nSTATUS=serving");
  await_signal();
  keep_house();
  loop_.run();
  stop();
  log_info("stopped");
  return 0;
}

}  // namespace

int run_server(const Settings& settings, const std::string& how_started) {
  start_program_log(settings.log.level);
  Server server(settings, how_started);
  return server.run();
}

}  // namespace freshet
