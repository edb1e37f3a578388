#include "freshet/base/pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "freshet/base/check.hpp"

namespace freshet {
namespace {

void close_both(const Pipe& pipe) noexcept {
  ::close(pipe.read_end);
  ::close(pipe.write_end);
}

/// None when the system has no descriptor left, or gives only a small pipe because this user has too many pages in pipes
/// (pipe-user-pages-soft in pipe(7)).
Pipe make_pipe() noexcept {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) return {};
  const Pipe pipe(ends[0], ends[1]);
  int size = ::fcntl(pipe.write_end, F_SETPIPE_SZ, static_cast<int>(PipePool::kWanted));
  if (size < 0) size = ::fcntl(pipe.write_end, F_GETPIPE_SZ);
  if (size >= static_cast<int>(PipePool::kLeast)) return pipe;
  close_both(pipe);
  return {};
}

}  // namespace

PipePool::PipePool(std::size_t most) noexcept : most_(most) { ENSURE(most <= kMost); }

PipePool::~PipePool() {
  ENSURE(lent_ == 0);
  while (spare_ > 0) close_both(pipes_[--spare_]);
}

Pipe PipePool::take() noexcept {
  Pipe pipe;
  if (spare_ > 0) {
    pipe = pipes_[--spare_];
    unused_ = std::min(unused_, spare_);
  } else if (lent_ < most_) {
    if (pause_ > 0) {
      --pause_;
      return {};
    }
    pipe = make_pipe();
    if (pipe.read_end < 0) pause_ = kPause;
  }
  if (pipe.read_end >= 0) ++lent_;
  return pipe;
}

void PipePool::give_back(Pipe pipe, bool is_empty) noexcept {
  --lent_;
  if (is_empty)
    pipes_[spare_++] = pipe;
  else
    close_both(pipe);
}

void PipePool::trim() noexcept {
  for (; unused_ > 0; --unused_) close_both(pipes_[--spare_]);
  unused_ = spare_;
}

bool PipeLease::obtain() noexcept {
  if (pipe_.read_end < 0) pipe_ = pool_.take();
  return pipe_.read_end >= 0;
}

void PipeLease::give_back() noexcept {
  filler_ = nullptr;
  if (pipe_.read_end < 0) return;
  pool_.give_back(pipe_, held_ == 0);
  pipe_ = {};
  held_ = 0;
}

void PipeLease::filled(std::size_t size) noexcept {
  held_ += size;
  ++pool_.moves_;
}

void PipeLease::emptied(std::size_t size) noexcept {
  ENSURE(size <= held_);
  held_ -= size;
  moved_(owner_);
  if (filler_) filler_->bytes_moved_on();
  if (held_ == 0) give_back();
}

}  // namespace freshet
