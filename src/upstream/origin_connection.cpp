#include "origin_connection.hpp"

#include <algorithm>

namespace freshet {
namespace {

using State = IoResult::State;

// Takes `size` written bytes, and the pieces that are empty now, off the front.
void drop_front(std::span<std::span<const std::byte>>& pieces, std::size_t size) noexcept {
  while (!pieces.empty() && size >= pieces.front().size()) {
    size -= pieces.front().size();
    pieces = pieces.subspan(1);
  }
  if (size > 0) pieces.front() = pieces.front().subspan(size);
}

}  // namespace

OriginConnection::OriginConnection(std::unique_ptr<Transport> transport, DeadlineWheel& wheel,
                                   const boost::asio::ip::tcp::endpoint& endpoint, std::size_t server)
    : transport_(std::move(transport)),
      read_deadline_(wheel, &OriginConnection::read_too_late, this),
      write_deadline_(wheel, &OriginConnection::write_too_late, this),
      head_deadline_(wheel, &OriginConnection::head_too_late, this),
      endpoint_(endpoint),
      address_(text_of(endpoint)),
      server_(server) {}

std::string OriginConnection::text_of(const boost::asio::ip::tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

void OriginConnection::read_too_late(void* self) noexcept {
  auto& connection = *static_cast<OriginConnection*>(self);
  connection.read_expired_ = true;
  connection.transport_->cancel();
}

void OriginConnection::write_too_late(void* self) noexcept {
  auto& connection = *static_cast<OriginConnection*>(self);
  connection.write_expired_ = true;
  connection.transport_->cancel();
}

void OriginConnection::head_too_late(void* self) noexcept {
  auto& connection = *static_cast<OriginConnection*>(self);
  connection.head_expired_ = true;
  connection.transport_->cancel();
}

Task<IoResult> OriginConnection::read(std::span<std::byte> into) {
  IoResult got = read_now(into);
  if (got.state == State::WouldBlock) {
    got = co_await start_read(into);
    got = finish_read(got, into);
  }
  co_return got;
}

Task<IoResult> OriginConnection::start_read(std::span<std::byte> into) {
  return expired() ? fail_read() : transport_->read(into);
}

Task<bool> OriginConnection::start_wait() { return expired() ? fail_wait() : transport_->wait_readable(); }

IoResult OriginConnection::finish_wait(bool ready, std::span<std::byte> into) noexcept {
  if (ready) return transport_->take_now(into);
  return finish_read(IoResult{State::Failed, 0}, into);
}

IoResult OriginConnection::finish_read(IoResult got, std::span<std::byte> into) noexcept {
  if (got.state != State::Failed) return got;
  // A wait that failed may still have left bytes behind. The end that a socket shows after a reset is none.
  const IoResult left = transport_->read_now(into);
  return left.state == State::Done ? left : got;
}

Task<IoResult> OriginConnection::pipe_in(PipeLease& into) {
  if (expired() || transport_->is_reset()) return fail_read();
  return transport_->pipe_in(into);
}

Task<IoResult> OriginConnection::fail_read() { co_return IoResult{State::Failed, 0}; }

Task<bool> OriginConnection::fail_wait() { co_return false; }

bool OriginConnection::write_now(std::span<std::span<const std::byte>>& pieces) noexcept {
  for (drop_front(pieces, 0); !pieces.empty();) {
    const IoResult result = transport_->write_now(pieces.first(std::min(pieces.size(), Transport::kMaxGather)));
    if (result.state != State::Done) return result.state == State::WouldBlock;
    drop_front(pieces, result.size);
  }
  return true;
}

Task<bool> OriginConnection::write(std::span<std::span<const std::byte>> pieces, Milliseconds patience) {
  for (;;) {
    if (!write_now(pieces)) co_return false;
    if (pieces.empty()) break;
    if (expired()) co_return false;
    if (patience > Milliseconds(0)) write_deadline_.arm(patience);
    const bool ready = co_await transport_->wait_writable();
    write_deadline_.disarm();
    if (!ready) co_return false;
  }
  co_return true;
}

Task<bool> OriginConnection::pipe_out(PipeLease& from) {
  while (from.held() > 0) {
    const IoResult result = transport_->pipe_out_now(from);
    if (result.state == State::Done) continue;
    if (result.state != State::WouldBlock || expired()) co_return false;
    const bool ready = co_await transport_->wait_writable();
    if (!ready) co_return false;
  }
  co_return true;
}

void OriginConnection::close() noexcept {
  read_deadline_.disarm();
  write_deadline_.disarm();
  head_deadline_.disarm();
  transport_->close();
}

void OriginConnection::abort() noexcept {
  read_deadline_.disarm();
  write_deadline_.disarm();
  head_deadline_.disarm();
  transport_->abort();
}

}  // namespace freshet
