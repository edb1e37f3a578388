#include "freshet/net/transport.hpp"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <new>
#include <utility>

namespace freshet {
namespace {

using Bytes = std::span<const std::byte>;

/// Takes `written` bytes and every empty piece off the front.
std::span<Bytes> after_writing(std::span<Bytes> pieces, std::size_t written) noexcept {
  while (!pieces.empty() && written >= pieces.front().size()) {
    written -= pieces.front().size();
    pieces = pieces.subspan(1);
  }
  if (written > 0) pieces.front() = pieces.front().subspan(written);
  return pieces;
}

/// One attempt with as many pieces as one call takes. REQUIRES: the first piece is not empty.
IoResult write_some(Transport& to, std::span<const Bytes> pieces) noexcept {
  std::array<Bytes, Transport::kMaxGather> gathered;
  std::size_t count = 0;
  for (const Bytes& piece : pieces) {
    if (count == gathered.size()) break;
    if (!piece.empty()) gathered[count++] = piece;
  }
  return to.write_now(std::span<const Bytes>(gathered.data(), count));
}

Task<void> wait_and_tell(Transport& transport, Ref<ReadWaiter> waiter) {
  bool ready = false;
  try {
    ready = co_await transport.wait_readable();
  } catch (const std::bad_alloc&) {
    ready = false;  // as if it had failed
  }
  waiter->on_readable(ready);
}

}  // namespace

bool Transport::is_quiet() noexcept {
  std::array<std::byte, 1> probe;
  return read_now(probe).state == IoResult::State::WouldBlock;
}

void Transport::tell_when_readable(boost::asio::io_context& loop, Ref<ReadWaiter> waiter) {
  boost::asio::co_spawn(loop, wait_and_tell(*this, std::move(waiter)), boost::asio::detached);
}

Task<IoResult> Transport::pipe_in(PipeLease&) { co_return IoResult{IoResult::State::Unable, 0}; }

IoResult Transport::pipe_out_now(PipeLease&) noexcept { return {IoResult::State::Failed, 0}; }

Task<bool> write_all(Transport& to, std::span<Bytes> pieces) {
  pieces = after_writing(pieces, 0);
  while (!pieces.empty()) {
    const IoResult result = write_some(to, pieces);
    if (result.state == IoResult::State::Done) {
      pieces = after_writing(pieces, result.size);
      continue;
    }
    if (result.state != IoResult::State::WouldBlock) co_return false;
    const bool writable = co_await to.wait_writable();
    if (!writable) co_return false;
  }
  co_return true;
}

}  // namespace freshet
