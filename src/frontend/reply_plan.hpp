// How a reply goes out on HTTP/1 (RFC 9112 section 6.3): decided from request and reply alone.
#pragma once

#include <cstdint>

#include "freshet/codec/h1_writer.hpp"
#include "freshet/exchange/service.hpp"
#include "freshet/http/message.hpp"

namespace freshet {

enum class BodyForm : std::uint8_t {
  None,
  Whole,       ///< one piece, with Content-Length
  Length,      ///< a source, with Content-Length
  Chunked,     ///< a source, in chunks
  UntilClose,  ///< a source, ended by closing: for HTTP/1.0 clients
  Tunnel,
};

/// What the request has to say about its reply.
struct ReplyFacts {
  Method method = Method::Get;
  Version version = Version::Http11;
  bool asks_upgrade = false;
  bool may_persist = false;  ///< client, proxy and unread request body all allow another request
};

struct ReplyPlan {
  BodyForm form = BodyForm::None;
  OutgoingFraming framing;
  bool persistent = false;
};

/// False for what no session can send: an interim status as the final one, 2xx to CONNECT or 101 that is not a tunnel,
/// a tunnel that is neither, and a 101 that was not asked for.
bool is_sendable(const ReplyFacts&, const Reply&) noexcept;

/// REQUIRES: is_sendable(). Pure.
ReplyPlan plan_reply(const ReplyFacts&, const Reply&) noexcept;

}  // namespace freshet
