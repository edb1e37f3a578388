// The test's own hand on what passes through pipes.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "freshet/async/wakeup.hpp"
#include "freshet/base/check.hpp"
#include "freshet/base/pipe.hpp"
#include "freshet/exchange/body.hpp"

namespace freshet::test {

inline void not_told(void*) noexcept {}

/// Takes up to `size` bytes out of the pipe.
inline std::string drain_pipe(PipeLease& pipe, std::size_t size) {
  std::string bytes(std::min(size, pipe.held()), '\0');
  if (bytes.empty()) return bytes;
  ENSURE(::read(pipe.read_end(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  pipe.emptied(bytes.size());
  return bytes;
}

/// A source that gives its bytes in pipes to whoever takes them, and in pieces where there is none. An empty text is the
/// end.
class PipingSource final : public BodySource {
 public:
  struct State {
    std::deque<std::string> texts;
    Wakeup changed;
    Failure failure{Reason::ConnectionReset, Side::Origin, 0};
    std::size_t piped = 0;
    bool cancelled = false;
    bool destroyed = false;
    void push(std::string text) {
      texts.push_back(std::move(text));
      changed.wake();
    }
  };
  explicit PipingSource(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~PipingSource() override { state_->destroyed = true; }
  Task<Result<Piece>> read() override { return next(nullptr); }
  Task<Result<Piece>> read_or_pipe(PipeLease& pipe) override { return next(&pipe); }
  void cancel() noexcept override {
    state_->cancelled = true;
    state_->changed.wake();
  }

 private:
  Task<Result<Piece>> next(PipeLease* pipe) {
    while (state_->texts.empty() && !state_->cancelled) co_await state_->changed.wait();
    if (state_->cancelled) co_return state_->failure;
    current_ = std::move(state_->texts.front());
    state_->texts.pop_front();
    const bool last = current_.empty();
    if (last || !pipe || !pipe->obtain()) co_return Piece(as_bytes(std::string_view(current_)), nullptr, last);
    ENSURE(::write(pipe->write_end(), current_.data(), current_.size()) == static_cast<ssize_t>(current_.size()));
    pipe->filled(current_.size());
    state_->piped += current_.size();
    co_return Piece({}, nullptr, false);
  }
  std::shared_ptr<State> state_;
  std::string current_;
};

/// All pipes of a pool, so that nobody else gets one.
class AllPipes {
 public:
  explicit AllPipes(PipePool& pool) {
    for (std::size_t i = 0; i < PipePool::kMost; ++i) {
      leases_.push_back(std::make_unique<PipeLease>(pool, not_told, nullptr));
      ENSURE(leases_.back()->obtain());
    }
  }

 private:
  std::vector<std::unique_ptr<PipeLease>> leases_;
};

}  // namespace freshet::test
