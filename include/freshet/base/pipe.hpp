// Pipes through which the kernel moves bytes from one socket to another, so that this process never copies them.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "freshet/base/pin.hpp"

namespace freshet {

/// The descriptors of one pipe(2), non-blocking; -1: none.
struct Pipe {
  int read_end = -1;
  int write_end = -1;
  Pipe() = default;
  Pipe(int read, int write) noexcept : read_end(read), write_end(write) {}
};

/// The pipes of one worker: made when they are first wanted, lent while bytes are under way, and kept empty for the next.
/// One thread. Outlives the leases.
class PipePool {
 public:
  static constexpr std::size_t kMost = 16;              ///< pipes, of two descriptors each,
  static constexpr std::size_t kTogether = 64;          ///< and of all workers together
  static constexpr std::size_t kWanted = 512 * 1024;    ///< bytes that a pipe should hold,
  static constexpr std::size_t kLeast = 64 * 1024;      ///< and less than which are not worth one
  static constexpr unsigned kPause = 1024;              ///< so often the system is not asked again after it had none to give

  /// How many each of `workers` may have, of `descriptors` in all: none where there are few, since who has none copies. kTogether are
  /// half of what the system lets an ordinary user have in pipes (pipe-user-pages-soft in pipe(7)). REQUIRES: workers > 0.
  static constexpr std::size_t most_for(unsigned workers, std::size_t descriptors) noexcept {
    return std::min({kMost, kTogether / workers, descriptors / 64 / workers});
  }

  /// At most `most` pipes at a time. REQUIRES: at most kMost.
  explicit PipePool(std::size_t most = kMost) noexcept;
  ~PipePool();
  PipePool(const PipePool&) = delete;
  PipePool& operator=(const PipePool&) = delete;

  /// Closes the spare pipes that nobody has needed since the last trim().
  void trim() noexcept;
  std::size_t lent() const noexcept { return lent_; }
  std::size_t spare() const noexcept { return spare_; }
  /// How often bytes have come into one of the pipes.
  std::size_t moves() const noexcept { return moves_; }

 private:
  friend class PipeLease;
  Pipe take() noexcept;
  void give_back(Pipe pipe, bool is_empty) noexcept;

  std::array<Pipe, kMost> pipes_{};  // the first spare_ of them
  const std::size_t most_;
  std::size_t spare_ = 0;
  std::size_t unused_ = 0;  // so many of them, ever since the last trim()
  std::size_t lent_ = 0;
  std::size_t moves_ = 0;
  unsigned pause_ = 0;
};

/// Who has filled a pipe, and wants to know that what is in it moves on.
class PipeFiller : public Pinned {
 public:
  virtual void bytes_moved_on() noexcept = 0;
};

/// A place for one pipe and the bytes in it. Whoever lets go of bytes that are still under way loses them, and nobody else
/// ever sees them: the pipe is closed.
class PipeLease {
 public:
  using Moved = void (*)(void* owner) noexcept;
  /// `moved` is called whenever bytes have left the pipe, also when it still holds some.
  PipeLease(PipePool& pool, Moved moved, void* owner) noexcept : pool_(pool), moved_(moved), owner_(owner) {}
  ~PipeLease() { give_back(); }
  PipeLease(const PipeLease&) = delete;
  PipeLease& operator=(const PipeLease&) = delete;

  /// True when it has a pipe now; false when the pool, or the system, has none to give. Costs system calls when one is made.
  bool obtain() noexcept;
  void give_back() noexcept;
  /// Bytes in the pipe.
  std::size_t held() const noexcept { return held_; }
  /// What to read from, and to write to. REQUIRES: obtain() has said true.
  int read_end() const noexcept { return pipe_.read_end; }
  int write_end() const noexcept { return pipe_.write_end; }
  /// `filler` is told what `moved` is, until the pipe is empty or given back.
  void tell(Ref<PipeFiller> filler) noexcept { filler_ = std::move(filler); }
  /// `size` bytes have come into the pipe.
  void filled(std::size_t size) noexcept;
  /// `size` bytes have left it; an empty one goes back to the pool. REQUIRES: size <= held().
  void emptied(std::size_t size) noexcept;

 private:
  PipePool& pool_;
  Moved moved_;
  void* owner_;
  Ref<PipeFiller> filler_;
  Pipe pipe_;
  std::size_t held_ = 0;
};

}  // namespace freshet
