// Where a message ends and whether the connection goes on (RFC 9112 sections 6 and 9): decided from all the fields at once,
// before one byte of the body is accepted, whatever the parser below let through.
#pragma once

#include <cstdint>
#include <string_view>

#include "freshet/base/reason.hpp"
#include "freshet/http/message.hpp"

namespace freshet {

enum class BodyKind : std::uint8_t {
  None,
  Length,      ///< Content-Length bytes
  Chunked,
  UntilClose,  ///< responses only
  Tunnel,      ///< 2xx to CONNECT, 101
};

struct FramingVerdict {
  Reason error = Reason::None;  ///< BadContentLength, BadTransferEncoding, LengthConflict
  int status = 0;               ///< what a server answers: 400 or 501; 0 when good
  BodyKind body = BodyKind::None;
  std::uint64_t length = 0;     ///< for BodyKind::Length
  bool persistent = false;      ///< the peer is willing to go on after this message
};

/// RFC 9112 6.3 for requests. `raw` holds the fields as they came, hop-by-hop ones included.
FramingVerdict frame_request(Method, Version, FieldsView raw) noexcept;

/// RFC 9112 6.3 for responses. A Transfer-Encoding that is not understood means: read until the connection closes, do not
/// reuse it, drop Content-Length. Both TE and CL: chunked wins, the connection is not reused (RFC 9112 6.1).
FramingVerdict frame_response(Method request_method, int status, Version, FieldsView raw) noexcept;

}  // namespace freshet
