#include "support/memory_transport.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <cstring>
#include <utility>

#include "freshet/async/wakeup.hpp"
#include "freshet/base/check.hpp"
#include "support/alloc_counter.hpp"

namespace freshet::test {

using State = IoResult::State;

/// What one end knows and does.
struct End {
  std::string inbox;  // written by the peer, not yet read
  bool peer_done = false;
  bool reset = false;
  bool closed = false;
  bool write_shut = false;
  std::size_t max_read = MemoryTransport::kUnlimited;
  std::size_t max_write = MemoryTransport::kUnlimited;
  std::size_t capacity = MemoryTransport::kUnlimited;
  std::size_t grain = 1;
  bool hesitant = false;
  bool pipes = false;
  std::size_t piped_in = 0;
  std::size_t piped_out = 0;
  bool read_next_blocks = true;
  bool write_next_blocks = true;
  unsigned cancels = 0;
  std::size_t reads = 0;
  std::size_t writes = 0;
  Wakeup readable;
  Wakeup writable;

  bool dead() const noexcept { return closed || reset; }
  void wake() noexcept {
    readable.wake();
    writable.wake();
  }
};

struct MemoryTransport::Link {
  explicit Link(Executor e) : executor(std::move(e)) {}
  Executor executor;
  std::array<End, 2> ends;

  End& own(int side) noexcept { return ends[static_cast<std::size_t>(side)]; }
  End& peer(int side) noexcept { return ends[static_cast<std::size_t>(1 - side)]; }

  bool readable(int side) noexcept { return own(side).dead() || !own(side).inbox.empty() || own(side).peer_done; }
  std::size_t room(int side) noexcept {
    const std::size_t used = peer(side).inbox.size();
    return own(side).capacity > used ? own(side).capacity - used : 0;
  }
  bool write_fails(int side) noexcept { return own(side).dead() || own(side).write_shut || peer(side).closed; }
  bool writable(int side) noexcept { return write_fails(side) || room(side) >= own(side).grain; }

  IoResult take(int side, std::span<std::byte> into) noexcept {
    End& end = own(side);
    if (end.dead()) return {State::Failed, 0};
    if (end.inbox.empty()) return {end.peer_done ? State::End : State::WouldBlock, 0};
    const std::size_t size = std::min({into.size(), end.inbox.size(), end.max_read});
    std::memcpy(into.data(), end.inbox.data(), size);
    end.inbox.erase(0, size);
    peer(side).writable.wake();
    return {State::Done, size};
  }
};

namespace {

using Link = MemoryTransport::Link;

/// A turn of the loop, as a socket that was not ready takes.
Task<void> hesitate(std::shared_ptr<Link> link) {
  co_await boost::asio::post(link->executor, kAwait);
}

/// True when `side` may be read; false when it was cancelled or has failed. Outlives the transport.
Task<bool> readable(std::shared_ptr<Link> link, int side) {
  End& end = link->own(side);
  const unsigned cancels = end.cancels;
  if (end.hesitant) co_await hesitate(link);
  while (end.cancels == cancels && !link->readable(side)) co_await end.readable.wait();
  co_return end.cancels == cancels && !end.dead();
}

Task<bool> writable(std::shared_ptr<Link> link, int side) {
  End& end = link->own(side);
  const unsigned cancels = end.cancels;
  if (end.hesitant) co_await hesitate(link);
  while (end.cancels == cancels && !link->writable(side)) co_await end.writable.wait();
  co_return end.cancels == cancels && !link->write_fails(side);
}

Task<IoResult> read_from(std::shared_ptr<Link> link, int side, std::span<std::byte> into) {
  ++link->own(side).reads;
  const bool ready = co_await readable(link, side);
  if (!ready) co_return IoResult{State::Failed, 0};
  co_return link->take(side, into);
}

IoResult take_piped(Link& link, int side, PipeLease& into) {
  End& end = link.own(side);
  if (end.dead()) return {State::Failed, 0};
  if (end.inbox.empty()) return {State::End, 0};
  if (!into.obtain()) return {State::Unable, 0};
  const std::size_t size = std::min({end.inbox.size(), end.max_read, PipePool::kLeast});
  ENSURE(::write(into.write_end(), end.inbox.data(), size) == static_cast<ssize_t>(size));
  end.inbox.erase(0, size);
  end.piped_in += size;
  into.filled(size);
  link.peer(side).writable.wake();
  return {State::Done, size};
}

Task<IoResult> pipe_from(std::shared_ptr<Link> link, int side, PipeLease& into) {
  ++link->own(side).reads;
  const bool ready = co_await readable(link, side);
  if (!ready) co_return IoResult{State::Failed, 0};
  co_return take_piped(*link, side, into);
}

}  // namespace

MemoryTransport::MemoryTransport(std::shared_ptr<Link> link, int side) noexcept : link_(std::move(link)), side_(side) {}

MemoryTransport::~MemoryTransport() { close(); }

IoResult MemoryTransport::read_now(std::span<std::byte> into) noexcept {
  ENSURE(!into.empty());
  End& end = link_->own(side_);
  ++end.reads;
  if (end.hesitant && !end.dead() && std::exchange(end.read_next_blocks, !end.read_next_blocks))
    return {State::WouldBlock, 0};
  return link_->take(side_, into);
}

IoResult MemoryTransport::write_now(std::span<const std::span<const std::byte>> pieces) noexcept {
  ENSURE(pieces.size() <= kMaxGather);
  const AllocSpared spared;  // a socket's buffer is the kernel's
  for (const auto& piece : pieces) ENSURE(!piece.empty());
  End& end = link_->own(side_);
  ++end.writes;
  if (link_->write_fails(side_)) return {State::Failed, 0};
  if (end.hesitant && std::exchange(end.write_next_blocks, !end.write_next_blocks)) return {State::WouldBlock, 0};
  std::size_t room = std::min(link_->room(side_), end.max_write);
  if (room == 0) return {State::WouldBlock, 0};
  std::size_t moved = 0;
  for (const auto& piece : pieces) {
    const std::size_t size = std::min(piece.size(), room - moved);
    link_->peer(side_).inbox.append(reinterpret_cast<const char*>(piece.data()), size);
    moved += size;
  }
  link_->peer(side_).readable.wake();
  return {State::Done, moved};
}

bool MemoryTransport::can_pipe() const noexcept { return link_->own(side_).pipes; }

Task<IoResult> MemoryTransport::pipe_in(PipeLease& into) {
  ENSURE(can_pipe() && into.held() == 0);
  return pipe_from(link_, side_, into);
}

IoResult MemoryTransport::pipe_out_now(PipeLease& from) noexcept {
  ENSURE(can_pipe() && from.held() > 0);
  const AllocSpared spared;
  End& end = link_->own(side_);
  ++end.writes;
  if (link_->write_fails(side_)) return {State::Failed, 0};
  if (end.hesitant && std::exchange(end.write_next_blocks, !end.write_next_blocks)) return {State::WouldBlock, 0};
  const std::size_t size = std::min({link_->room(side_), end.max_write, from.held()});
  if (size == 0) return {State::WouldBlock, 0};
  std::string bytes(size, '\0');
  ENSURE(::read(from.read_end(), bytes.data(), size) == static_cast<ssize_t>(size));
  link_->peer(side_).inbox.append(bytes);
  link_->peer(side_).readable.wake();
  end.piped_out += size;
  from.emptied(size);
  return {State::Done, size};
}

Task<IoResult> MemoryTransport::read(std::span<std::byte> into) { return read_from(link_, side_, into); }
Task<bool> MemoryTransport::wait_readable() { return readable(link_, side_); }
Task<bool> MemoryTransport::wait_writable() { return writable(link_, side_); }

Transport::Peer MemoryTransport::peer() noexcept {
  if (link_->own(side_).dead()) return Peer::Gone;
  return link_->own(side_).peer_done ? Peer::Finished : Peer::There;
}

std::size_t MemoryTransport::unacknowledged() const noexcept { return link_->peer(side_).inbox.size(); }

void MemoryTransport::shutdown_write() noexcept {
  link_->own(side_).write_shut = true;
  link_->peer(side_).peer_done = true;
  link_->own(side_).writable.wake();
  link_->peer(side_).readable.wake();
}

void MemoryTransport::cancel() noexcept {
  ++link_->own(side_).cancels;
  link_->own(side_).wake();
}

void MemoryTransport::close() noexcept {
  if (link_->own(side_).closed) return;
  link_->own(side_).closed = true;
  link_->peer(side_).peer_done = true;
  link_->own(side_).wake();
  link_->peer(side_).wake();
}

void MemoryTransport::abort() noexcept {
  if (link_->own(side_).closed) return;
  link_->peer(side_).reset = true;
  link_->peer(side_).inbox.clear();
  close();
}

void MemoryTransport::set_max_read(std::size_t size) noexcept { link_->own(side_).max_read = size; }
void MemoryTransport::set_max_write(std::size_t size) noexcept { link_->own(side_).max_write = size; }
void MemoryTransport::set_send_capacity(std::size_t size) noexcept {
  link_->own(side_).capacity = size;
  link_->own(side_).writable.wake();
}
void MemoryTransport::set_write_grain(std::size_t size) noexcept { link_->own(side_).grain = size; }

void MemoryTransport::set_hesitant(bool on) noexcept { link_->own(side_).hesitant = on; }

void MemoryTransport::set_pipes(bool on) noexcept { link_->own(side_).pipes = on; }

bool MemoryTransport::push(std::string_view text) {
  if (link_->write_fails(side_)) return false;
  link_->peer(side_).inbox.append(text);
  link_->peer(side_).readable.wake();
  return true;
}

std::string MemoryTransport::pull(std::size_t max) {
  std::string& inbox = link_->own(side_).inbox;
  std::string taken = inbox.substr(0, max);
  inbox.erase(0, taken.size());
  if (!taken.empty()) link_->peer(side_).writable.wake();
  return taken;
}

std::string_view MemoryTransport::peek() const noexcept { return link_->own(side_).inbox; }
bool MemoryTransport::ended() const noexcept { return link_->own(side_).peer_done && peek().empty() && !was_reset(); }
bool MemoryTransport::was_reset() const noexcept { return link_->own(side_).reset; }
bool MemoryTransport::closed() const noexcept { return link_->own(side_).closed; }
std::size_t MemoryTransport::reads() const noexcept { return link_->own(side_).reads; }
std::size_t MemoryTransport::writes() const noexcept { return link_->own(side_).writes; }

std::size_t MemoryTransport::piped_in() const noexcept { return link_->peer(side_).piped_in; }
std::size_t MemoryTransport::piped_out() const noexcept { return link_->peer(side_).piped_out; }

MemoryPair make_memory_pair(const Executor& executor) {
  auto link = std::make_shared<MemoryTransport::Link>(executor);
  MemoryPair pair;
  pair.here = std::make_unique<MemoryTransport>(link, 0);
  pair.there = std::make_unique<MemoryTransport>(link, 1);
  return pair;
}

}  // namespace freshet::test
