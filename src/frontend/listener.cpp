#include "freshet/frontend/listener.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <new>
#include <utility>

#include "admission.hpp"
#include "freshet/async/wakeup.hpp"
#include "freshet/base/check.hpp"
#include "freshet/net/accept.hpp"
#include "freshet/net/tcp_transport.hpp"
#include "freshet/net/unix_socket.hpp"
#include "h1_client.hpp"

namespace freshet {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

/// Accepted between two looks at the rest of the loop.
constexpr int kBatch = 64;
/// When so few have been accepted, nobody else waits mostly: it is asked first.
constexpr int kFew = 2;
/// How long to wait for descriptors when none is closed here.
constexpr Milliseconds kAcceptPause(1000);

/// What inet_ntop(3) makes of it with printf(3), which shows where each connection brings one request.
void write_ip(const asio::ip::address_v4& ip, std::string& out) {
  std::array<char, 16> text;
  char* at = text.data();
  for (const unsigned byte : ip.to_bytes()) {
    at = std::to_chars(at, text.data() + text.size(), byte).ptr;
    *at++ = '.';
  }
  out.assign(text.data(), static_cast<std::size_t>(at - 1 - text.data()));
}

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
  if (ip.is_v4())
    write_ip(ip.to_v4(), address);
  else
    address = ip.to_string();
  port = end.port();
}

tcp::endpoint local_end(int socket) noexcept {
  tcp::endpoint end;
  socklen_t size = static_cast<socklen_t>(end.capacity());
  ::getsockname(socket, end.data(), &size);
  return end;
}

/// What all connections of a listening socket have in common, found out once.
struct Common {
  bool is_unix = false;
  bool one_address = false;  ///< it does not listen on all addresses: `peer` says where clients connect to
  Peer peer;

  explicit Common(tcp::acceptor& acceptor) : is_unix(is_unix_socket(acceptor.native_handle())) {
    error_code error;
    const tcp::endpoint local = is_unix ? tcp::endpoint() : acceptor.local_endpoint(error);
    one_address = !is_unix && !error && !local.address().is_unspecified();
    if (one_address) set_end(local, peer.local_address, peer.local_port);
    if (is_unix) peer.address = "unix";
  }
  Peer peer_of(const Accepted& accepted) const {
    Peer with = peer;
    if (is_unix) return with;
    set_end(accepted.from, with.address, with.port);
    if (!one_address) set_end(local_end(accepted.socket), with.local_address, with.local_port);
    return with;
  }
};

int take_descriptor(tcp::acceptor& acceptor) noexcept {
  error_code ignored;
  acceptor.native_non_blocking(true, ignored);
  const int descriptor = acceptor.release(ignored);
  return ignored ? -1 : descriptor;
}

/// A client that was gone before we came, or that cannot be reached (accept(2)); anything else is a lack of something.
bool concerns_one_client(int error) noexcept {
  switch (error) {
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

/// Whether reading at once from a connection that was accepted has found a request, lately. Where it mostly finds none, it
/// is one call more for each connection.
class FirstReads {
 public:
  bool are_worth_it() noexcept { return found_ > 0 || ++passed_over_ % kProbe == 0; }
  void note(bool found) noexcept {
    if (found)
      found_ = std::min(found_ + 1, kMost);
    else if (found_ > 0)
      --found_;
  }

 private:
  static constexpr int kMost = 8;
  static constexpr unsigned kProbe = 16;  // one of so many is tried all the same: it may have become worth it
  int found_ = kMost;
  unsigned passed_over_ = 0;
};

/// What the listener, its accept loop and its clients share: it lives as long as the last of them. One thread.
class AcceptLoop final : public Serving {
 public:
  AcceptLoop(tcp::acceptor acceptor, Worker& at, Service& answers, SessionOptions how, SessionLimits& bounds,
             WorkerCounters& counts, AccessLog* access_log)
      : Serving(at, answers, std::move(how), bounds, counts, access_log),
        common_(acceptor),
        says_what_is_left_(TcpTransport::prepare_to_accept(acceptor.native_handle())),
        socket_(at.loop(), take_descriptor(acceptor)),
        pause_(
            at.deadlines(), [](void* self) noexcept { static_cast<AcceptLoop*>(self)->room_.wake(); }, this) {
    if (options.makes_room) limits.make_room = [this] { make_room(); };
  }

  static Task<void> run(Ref<AcceptLoop> self) {
    Queue queue = Queue::Empty;
    while (self->open_) {
      if (queue == Queue::Empty) {
        const Notice somebody(WatchedSocket::Step::Exhausted);
        const bool came =
            co_await self->socket_.run(WatchedSocket::Direction::Read, WatchedSocket::Start::Try, somebody);
        queue = came ? Queue::Waits : Queue::Stuck;
      } else if (queue == Queue::Waits) {
        queue = self->accept_batch();
        if (queue == Queue::Waits) co_await asio::post(self->worker.loop(), kAwait);
      } else {
        self->counters.accept_pauses.add();
        self->paused_ = true;
        self->pause_.arm(kAcceptPause);
        co_await self->room_.wait();
        self->pause_.disarm();
        self->paused_ = false;
        queue = Queue::Waits;
      }
    }
  }

  void close() noexcept {
    open_ = false;
    socket_.close();
    room_.wake();
  }

 private:
  /// What is known of the connections that nobody has accepted yet.
  enum class Queue : std::uint8_t { Empty, Waits, Stuck /* the system has no room for more connections now */ };

  Queue accept_batch() {
    for (int i = 0; i < kBatch; ++i) {
      if (i > 0 && i <= kFew && !has_waiting(socket_.descriptor())) return Queue::Empty;
      const Accepted accepted = accept_now(socket_.descriptor());
      if (accepted.socket >= 0) {
        // Who was not the first has waited while others were accepted: its request may have come.
        if (!start_client(accepted, i > 0 && first_reads_.are_worth_it())) return Queue::Stuck;
        continue;
      }
      if (accepted.error == EAGAIN || accepted.error == EWOULDBLOCK) return Queue::Empty;
      if (!concerns_one_client(accepted.error)) return Queue::Stuck;
    }
    return Queue::Waits;
  }

  /// Null when there is no memory for it; then the connection is closed.
  std::unique_ptr<TcpTransport> take(const Accepted& accepted, bool try_first) noexcept {
    TcpTransport* const made =
        new (std::nothrow) TcpTransport(worker.loop(), accepted.socket, says_what_is_left_, try_first);
    std::unique_ptr<TcpTransport> transport(made);
    if (!transport) ::close(accepted.socket);
    return transport;
  }

  /// False when there is no memory for it; then the connection is closed.
  bool start_client(const Accepted& accepted, bool try_first) noexcept {
    std::unique_ptr<TcpTransport> transport = take(accepted, try_first);
    if (!transport) return false;
    try {
      Peer peer = common_.peer_of(accepted);
      if (limits.turned_away >= kRefusedAtOnce && close_if_refused(peer)) return true;
      return make_ref<H1Client>(std::move(transport), std::move(peer), Ref<Serving>(this), try_first)->start();
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
  void was_read_first(bool found) noexcept override { first_reads_.note(found); }

  const Common common_;
  FirstReads first_reads_;
  const bool says_what_is_left_;
  WatchedSocket socket_;
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
