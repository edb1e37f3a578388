// Two connected transports in one thread, without sockets: every way in which a network can be slow, short or gone, on
// demand.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "freshet/net/transport.hpp"

namespace freshet::test {

/// One end. The code under test holds it as a Transport; the test may use the other end as a Transport too, or by
/// push() and pull(). One thread; coroutines run on the executor given to make_memory_pair(). May be destroyed while a
/// read or a wait is under way: that returns Failed or false, like a socket's.
class MemoryTransport final : public Transport {
 public:
  static constexpr std::size_t kUnlimited = static_cast<std::size_t>(-1);

  struct Link;  // both ends' state; coroutines under way share it
  MemoryTransport(std::shared_ptr<Link> link, int side) noexcept;
  ~MemoryTransport() override;

  IoResult read_now(std::span<std::byte> into) noexcept override;
  IoResult write_now(std::span<const std::span<const std::byte>> pieces) noexcept override;
  Task<IoResult> read(std::span<std::byte> into) override;
  Task<bool> wait_readable() override;
  Task<bool> wait_writable() override;
  bool can_pipe() const noexcept override;
  Task<IoResult> pipe_in(PipeLease& into) override;
  IoResult pipe_out_now(PipeLease& from) noexcept override;
  Peer peer() noexcept override;
  /// What the peer has not read yet.
  std::size_t unacknowledged() const noexcept override;
  void shutdown_write() noexcept override;
  void cancel() noexcept override;
  /// The peer reads what was written before, then the end; its writes fail.
  void close() noexcept override;
  /// The peer's reads and writes fail at once; what it had not read is lost.
  void abort() noexcept override;

  // How this end behaves.

  /// Each read moves at most this many bytes. 1: the reader meets a split at every byte.
  void set_max_read(std::size_t) noexcept;
  /// Each write moves at most this many bytes.
  void set_max_write(std::size_t) noexcept;
  /// How many bytes this end can have on the way, written and not yet read by the peer: a full socket buffer. 0:
  /// nothing at all. Raising it wakes a writer.
  void set_send_capacity(std::size_t) noexcept;
  /// Waits for room end only when there is this much of it: what is taken bit by bit is not told, as by a large buffer.
  void set_write_grain(std::size_t) noexcept;
  /// Every other read_now() and write_now() says WouldBlock, and every read() and wait suspends at least once.
  void set_hesitant(bool) noexcept;

  /// Its bytes can go through pipes, 64 KiB at a time, like those of a socket.
  void set_pipes(bool) noexcept;

  // The test's own hand on this end.

  /// Sends text to the peer, past all limits. False when the connection is gone.
  bool push(std::string_view text);
  /// Takes up to `max` bytes of what the peer has written, past all limits; makes room for the peer's writer.
  std::string pull(std::size_t max = kUnlimited);
  /// What pull() would return, left where it is.
  std::string_view peek() const noexcept;
  /// The peer has shut down or closed its side, and everything it wrote before has been taken.
  bool ended() const noexcept;
  /// The peer has aborted.
  bool was_reset() const noexcept;
  /// This end was closed or aborted, by whoever holds it.
  bool closed() const noexcept;
  /// How often read_now(), read() and write_now() were called on this end.
  std::size_t reads() const noexcept;
  std::size_t writes() const noexcept;
  /// Bytes that the other end has taken in, and sent, by pipe.
  std::size_t piped_in() const noexcept;
  std::size_t piped_out() const noexcept;

 private:
  std::shared_ptr<Link> link_;
  int side_;
};

/// Both ends. Give one away with std::move(pair.here); the other keeps working.
struct MemoryPair {
  std::unique_ptr<MemoryTransport> here;
  std::unique_ptr<MemoryTransport> there;
};

MemoryPair make_memory_pair(const Executor& executor);

}  // namespace freshet::test
