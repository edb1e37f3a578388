#include "freshet/frontend/listener.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <utility>

#include "freshet/async/wakeup.hpp"
#include "freshet/base/check.hpp"
#include "freshet/net/tcp_transport.hpp"
#include "freshet/net/unix_socket.hpp"
#include "admission.hpp"
#include "h1_client.hpp"

namespace freshet {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr asio::as_tuple_t<asio::use_awaitable_t<>> kAwait(asio::use_awaitable);
/// Accepted between two looks at the rest of the loop.
constexpr int kBatch = 64;
/// How long to wait for descriptors when none is closed here.
constexpr Milliseconds kAcceptPause(1000);

void set_end(const tcp::endpoint& end, std::string& address, std::uint16_t& port) {
  asio::ip::address ip = end.address();
  if (ip.is_v6()) {
    asio::ip::address_v6 v6 = ip.to_v6();
    v6.scope_id(0);
    if (v6.is_v4_mapped())
      ip = asio::ip::make_address_v4(asio::ip::v4_mapped, v6);
    else
      ip = v6;
  }
  address = ip.to_string();
  port = end.port();
}

Peer peer_of(tcp::socket& socket) {
  Peer peer;
  error_code error;
  if (is_unix_socket(socket.native_handle())) {
    peer.address = "unix";
    return peer;
  }
  const tcp::endpoint remote = socket.remote_endpoint(error);
  if (!error) set_end(remote, peer.address, peer.port);
  const tcp::endpoint local = socket.local_endpoint(error);
  if (!error) set_end(local, peer.local_address, peer.local_port);
  return peer;
}

/// A client that was gone before we came, or that cannot be reached (accept(2)); anything else is a lack of something.
bool concerns_one_client(const error_code& error) noexcept {
  switch (error.value()) {
    case ECONNABORTED:
    case EINTR:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

/// What the listener, its accept loop and its clients share: it lives as long as the last of them. One thread.
class AcceptLoop final : public Serving {
 public:
  AcceptLoop(tcp::acceptor acceptor, Worker& at, Service& answers, SessionOptions how, SessionLimits& bounds,
             WorkerCounters& counts, AccessLog* access_log)
      : Serving(at, answers, std::move(how), bounds, counts, access_log),
        acceptor_(std::move(acceptor)),
        pause_(
            at.deadlines(), [](void* self) noexcept { static_cast<AcceptLoop*>(self)->room_.wake(); }, this) {
    error_code ignored;
    acceptor_.non_blocking(true, ignored);
    if (options.makes_room) limits.make_room = [this] { make_room(); };
  }

  static Task<void> run(Ref<AcceptLoop> self) {
    while (self->open_) {
      const auto [error] = co_await self->acceptor_.async_wait(tcp::acceptor::wait_read, kAwait);
      if (!self->open_) break;
      if (!error && self->accept_batch()) continue;
      self->counters.accept_pauses.add();
      self->paused_ = true;
      self->pause_.arm(kAcceptPause);
      co_await self->room_.wait();
      self->pause_.disarm();
      self->paused_ = false;
    }
  }

  void close() noexcept {
    open_ = false;
    error_code ignored;
    acceptor_.close(ignored);
    room_.wake();
  }

 private:
  /// False when the system has no room for more connections now.
  bool accept_batch() {
    for (int i = 0; i < kBatch; ++i) {
      tcp::socket socket(worker.loop());
      error_code error;
      acceptor_.accept(socket, error);
      if (!error) {
        if (!start_client(std::move(socket))) return false;
        continue;
      }
      if (error == asio::error::would_block || error == asio::error::try_again) return true;
      if (!concerns_one_client(error)) return false;
    }
    return true;
  }

  /// False when there is no memory for it; then the connection is closed.
  bool start_client(tcp::socket socket) noexcept {
    try {
      Peer peer = peer_of(socket);
      if (limits.turned_away >= kRefusedAtOnce && close_if_refused(peer)) return true;
      auto transport = std::make_unique<TcpTransport>(std::move(socket));
      return make_ref<H1Client>(std::move(transport), std::move(peer), Ref<Serving>(this))->start();
    } catch (...) {
      return false;
    }
  }

  /// Closing is all that the socket's end does.
  bool close_if_refused(const Peer& peer) noexcept {
    const Reason refusal = would_refuse(limits, peer.address);
    if (refusal == Reason::None) return false;
    counters.listener[options.listener].connections_accepted.add();
    counters.denied[static_cast<std::size_t>(refusal)].add();
    return true;
  }

  void client_left() noexcept override {
    if (paused_) room_.wake();
  }

  tcp::acceptor acceptor_;
  Deadline pause_;
  Wakeup room_;
  bool open_ = true;
  bool paused_ = false;
};

class TcpListener final : public Listener {
 public:
  explicit TcpListener(Ref<AcceptLoop> loop, Worker& worker) : loop_(std::move(loop)), worker_(worker) {}
  ~TcpListener() override {
    loop_->close();
    loop_->abort_clients();
  }

  void start() override {
    ENSURE(!started_);
    started_ = true;
    asio::co_spawn(worker_.loop(), AcceptLoop::run(loop_), asio::detached);
  }
  void drain() override {
    loop_->close();
    loop_->drain_clients();
  }
  void abort() override {
    loop_->close();
    loop_->abort_clients();
  }
  std::size_t sessions() const noexcept override { return loop_->clients(); }

 private:
  Ref<AcceptLoop> loop_;
  Worker& worker_;
  bool started_ = false;
};

}  // namespace

std::unique_ptr<Listener> make_listener(tcp::acceptor acceptor, Worker& worker, Service& service,
                                        SessionOptions options, SessionLimits& limits, WorkerCounters& counters,
                                        AccessLog* log) {
  auto loop = make_ref<AcceptLoop>(std::move(acceptor), worker, service, std::move(options), limits, counters, log);
  return std::make_unique<TcpListener>(std::move(loop), worker);
}

}  // namespace freshet
