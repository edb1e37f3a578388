// A client that never waits, for counting what its requests cost.
#pragma once

#include <algorithm>
#include <boost/asio/post.hpp>
#include <span>
#include <string>
#include <utility>

#include "freshet/net/transport.hpp"
#include "support/alloc_counter.hpp"

namespace freshet::test {

/// A session's transport that has its next bytes ready whenever it is asked, and takes everything; counts the heap's part in between.
/// All rounds belong into one run of the loop: Asio keeps memory for reuse only as long as that lasts.
class TirelessClient final : public Transport {
 public:
  static constexpr std::size_t kWarmUp = 100;
  /// Sends `text` `rounds` times. `allocations`: those after the first kWarmUp rounds. `answer`: how the last one began ("HTTP/1.1 200").
  TirelessClient(std::string text, std::size_t rounds, std::size_t& allocations, std::string* answer = nullptr)
      : text_(std::move(text)), rounds_(rounds), allocations_(allocations), answer_(answer) {}

  IoResult read_now(std::span<std::byte> into) noexcept override {
    if (round_ == kWarmUp) counter_.restart();
    if (round_++ == rounds_) {
      allocations_ = counter_.count();
      return {IoResult::State::End, 0};
    }
    std::copy_n(reinterpret_cast<const std::byte*>(text_.data()), text_.size(), into.begin());
    return {IoResult::State::Done, text_.size()};
  }
  IoResult write_now(std::span<const std::span<const std::byte>> pieces) noexcept override {
    if (answer_ && pieces.front().size() >= 12) answer_->assign(reinterpret_cast<const char*>(pieces.front().data()), 12);
    std::size_t size = 0;
    for (const auto& piece : pieces) size += piece.size();
    return {IoResult::State::Done, size};
  }
  Task<IoResult> read(std::span<std::byte> into) override { co_return read_now(into); }
  Task<bool> wait_readable() override { co_return true; }
  void tell_when_readable(boost::asio::io_context& loop, Ref<ReadWaiter> waiter) override {
    boost::asio::post(loop, [waiter = std::move(waiter)] { waiter->on_readable(true); });
  }
  Task<bool> wait_writable() override { co_return true; }
  void shutdown_write() noexcept override {}
  void cancel() noexcept override {}
  void close() noexcept override {}
  void abort() noexcept override {}

 private:
  const std::string text_;
  const std::size_t rounds_;
  std::size_t& allocations_;
  std::string* const answer_;
  std::size_t round_ = 0;
  AllocCounter counter_;
};

}  // namespace freshet::test
