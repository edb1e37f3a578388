#include "site.hpp"

#include <algorithm>

#include "program_log.hpp"
#include "translate.hpp"

namespace freshet {

Site::Site(unsigned index, const Shared& shared)
    : shared_(shared),
      worker_(index, shared.clock, std::chrono::microseconds(shared.settings.busy_poll), shared.pipes),
      counters_(shared.settings.listeners.size(), shared.settings.upstreams.size()) {
  limits_.max_connections = std::max<std::size_t>(1, shared.connections / shared.workers);
  limits_.max_tunnels = std::max<std::size_t>(1, shared.settings.limits.tunnels / shared.workers);
  limits_.clients = shared.clients;
}

Site::~Site() {
  stop();
  discard();
}

bool Site::open(std::vector<std::uint16_t>& ports, std::string& error) {
  const auto& listeners = shared_.settings.listeners;
  const bool first = worker_.index() == 0;
  if (first) ports.clear();
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const ListenAddress address{listeners[i].bind.address, first ? listeners[i].bind.port : ports[i], listeners[i].defer_accept, processor()};
    auto acceptor = open_listen_socket(worker_.loop(), address, first, error);
    if (!acceptor.is_open()) return false;
    if (first) ports.push_back(acceptor.local_endpoint().port());
    acceptors_.push_back(std::move(acceptor));
  }
  return true;
}

void Site::start(const std::vector<OriginServer>& own) {
  OriginPoolOptions pool = origin_pool_options(shared_.settings, worker_.index(), shared_.workers);
  pool.own_addresses = own;
  pool_ = make_origin_pool(std::move(pool), worker_, *shared_.resolver, counters_, shared_.settings.via);
  proxy_ = make_caching_proxy(shared_.proxy, *pool_, shared_.store, shared_.clock, counters_, &pause_);
  for (std::size_t i = 0; i < acceptors_.size(); ++i) options_.push_back(session_options(shared_.settings, i));
  for (std::size_t i = 0; i < acceptors_.size(); ++i)
    listeners_.push_back(
        make_listener(std::move(acceptors_[i]), worker_, *proxy_, options_[i], limits_, counters_, shared_.access_log));
  worker_.post([this] {
    for (auto& listener : listeners_) listener->start();
  });
  worker_.start();
  if (const auto place = processor(); place && !worker_.pin(*place))
    log_warning("worker " + std::to_string(worker_.index()) + " cannot stay on processor " + std::to_string(*place));
}

std::optional<unsigned> Site::processor() const noexcept {
  if (shared_.processors.empty()) return {};
  return shared_.processors[worker_.index() % shared_.processors.size()];
}

void Site::drain() {
  worker_.post([this] {
    limits_.draining = true;
    for (auto& listener : listeners_) listener->drain();
    pool_->close_idle();
  });
}

void Site::abort() {
  worker_.post([this] {
    for (auto& listener : listeners_) listener->abort();
  });
}

void Site::stop() noexcept {
  worker_.stop();
  worker_.join();
}

std::uint64_t Site::connections() const noexcept {
  std::uint64_t open = 0;
  for (const auto& listener : counters_.listener) open += listener.connections_open.get();
  return open;
}

}  // namespace freshet
