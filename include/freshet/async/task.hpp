// The one coroutine type. Rule for g++ 12: build nothing inside a co_await expression (docs/why/coroutines.md).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

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
