// A value or the reason why there is none. Untrusted input and the network fail this way, never by exception.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>

#include "freshet/base/reason.hpp"

namespace freshet {

enum class Side : std::uint8_t { Client, Origin, Self };
/// Whether the same request may be sent again: IfReused when only a kept-alive connection that had died explains it.
enum class Retry : std::uint8_t { No, Yes, IfReused };

/// What went wrong, whose fault it was, and what a server answers for it.
struct Failure {
  Reason reason = Reason::Internal;
  Side side = Side::Self;
  Retry retry = Retry::No;
  std::uint16_t status = 0;  ///< the status code to answer with; 0: no answer can be sent
  Failure() = default;
  Failure(Reason r, Side s, int code, Retry again = Retry::No)
      : reason(r), side(s), retry(again), status(static_cast<std::uint16_t>(code)) {}
};

[[noreturn]] void throw_exception_from_error(const Failure&, const boost::source_location&);

template <class T>
using Result = boost::system::result<T, Failure>;

}  // namespace freshet
