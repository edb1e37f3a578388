// One connection off a listening socket's queue.
#pragma once

#include <boost/asio/ip/tcp.hpp>

namespace freshet {

struct Accepted {
  int socket = -1;  ///< non-blocking, not inherited by programs that are started; the caller's to close
  int error = 0;    ///< why there is none: EAGAIN when nobody waits
  boost::asio::ip::tcp::endpoint from;  ///< unspecified when the family is another
};

/// Does not wait. Any thread.
Accepted accept_now(int listening) noexcept;
/// Whether there is one to accept. Costs much less than an accept_now() in vain, for which the kernel makes a socket first.
bool has_waiting(int listening) noexcept;

}  // namespace freshet
