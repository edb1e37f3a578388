#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "freshet/net/tcp_transport.hpp"
#include "freshet/upstream/dialler.hpp"

namespace freshet {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(kAwait);

Failure failure_of(const boost::system::error_code& error) noexcept {
  using namespace asio::error;
  if (error == connection_refused) return {Reason::ConnectionRefused, Side::Origin, 502, Retry::Yes};
  if (error == timed_out) return {Reason::ConnectTimeout, Side::Origin, 504, Retry::Yes};
  if (error == no_descriptors || error == no_buffer_space || error == no_memory || error == address_in_use ||
      error == boost::system::errc::address_not_available ||
      error == boost::system::errc::too_many_files_open_in_system)
    return {Reason::UpstreamBusy, Side::Self, 503};
  return {Reason::Unreachable, Side::Origin, 502, Retry::Yes};
}

class Attempt {
 public:
  explicit Attempt(Worker& worker) : socket(worker.loop()), deadline_(worker.deadlines(), &Attempt::too_late, this) {}
  void begin(Milliseconds within) noexcept { deadline_.arm(within); }
  void end() noexcept { deadline_.disarm(); }
  bool expired() const noexcept { return expired_; }
  tcp::socket socket;

 private:
  static void too_late(void* self) noexcept {
    auto& attempt = *static_cast<Attempt*>(self);
    attempt.expired_ = true;
    boost::system::error_code ignored;
    attempt.socket.close(ignored);
  }
  Deadline deadline_;
  bool expired_ = false;
};

class TcpDialler final : public Dialler {
 public:
  explicit TcpDialler(Worker& worker) : worker_(worker) {}

  Task<Result<std::unique_ptr<Transport>>> dial(tcp::endpoint endpoint, Milliseconds within) override {
    Attempt attempt(worker_);
    boost::system::error_code error;
    attempt.socket.open(endpoint.protocol(), error);
    if (error) co_return failure_of(error);
    attempt.begin(within);
    const auto [result] = co_await attempt.socket.async_connect(endpoint, kTuple);
    attempt.end();
    if (attempt.expired()) co_return Failure(Reason::ConnectTimeout, Side::Origin, 504, Retry::Yes);
    if (result) co_return failure_of(result);
    co_return std::make_unique<TcpTransport>(std::move(attempt.socket));
  }

 private:
  Worker& worker_;
};

}  // namespace

std::unique_ptr<Dialler> make_tcp_dialler(Worker& worker) { return std::make_unique<TcpDialler>(worker); }

}  // namespace freshet
