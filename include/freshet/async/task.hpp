// The one coroutine type. Rule for g++ 12: build nothing inside a co_await expression (docs/why/coroutines.md).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "freshet/async/frame_memory.hpp"

namespace freshet {

/// Named, and not any_io_executor: to copy, compare and post through that one costs virtual calls and allocations in
/// every operation.
using Executor = boost::asio::io_context::executor_type;

/// Lazy: runs when awaited, on the awaiting coroutine's executor (one worker's event loop, never another).
template <class T>
using Task = boost::asio::awaitable<T, Executor>;

/// Asio's token for operations that a Task awaits.
inline constexpr boost::asio::use_awaitable_t<Executor> kAwait;

}  // namespace freshet

// Asio's own cache of frames has eight places (docs/why/cost-of-a-miss.md). Whoever names an awaitable includes this
// header: a frame that the one has given the other must not take back.
namespace boost::asio::detail {

template <>
inline void* awaitable_frame_base<freshet::Executor>::operator new(std::size_t size) {
  return freshet::FrameMemory::take(size);
}

template <>
inline void awaitable_frame_base<freshet::Executor>::operator delete(void* frame, std::size_t size) {
  freshet::FrameMemory::give_back(frame, size);
}

}  // namespace boost::asio::detail
