// The one coroutine type. Rule for g++ 12: build nothing inside a co_await expression (docs/why/coroutines.md).
#pragma once

#include <boost/asio/awaitable.hpp>

namespace freshet {

/// Lazy: runs when awaited, on the awaiting coroutine's executor (one worker's event loop, never another).
template <class T>
using Task = boost::asio::awaitable<T>;

}  // namespace freshet
