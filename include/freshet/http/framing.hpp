// Where a message ends and whether the connection goes on (RFC 9112 sections 6 and 9): decided from all the fields at
// once, before one byte of the body is accepted, whatever the parser below let through.
#pragma once

#include <cstdint>
#include <string_view>

#include "freshet/base/reason.hpp"
#include "freshet/http/message.hpp"

namespace freshet {

enum class BodyKind : std::uint8_t {
  None,
  Length,  ///< Content-Length bytes
  Chunked,
  UntilClose,  ///< responses only
  Tunnel,      ///< 2xx to CONNECT, 101
};

struct FramingVerdict {
  Reason error = Reason::None;  ///< BadContentLength, BadTransferEncoding, LengthConflict, BadField
  int status = 0;               ///< what a server answers: 400 or 501, for responses 502; 0 when good
  BodyKind body = BodyKind::None;
  std::uint64_t length = 0;  ///< for BodyKind::Length
  bool persistent = false;   ///< the peer is willing to go on after this message
};

/// RFC 9112 6.3 for requests, stricter where recipients are known to disagree. `raw` holds the fields as they came,
/// hop-by-hop ones included.
/// - Transfer-Encoding: one line that says `chunked` in any case, and nothing else. 501 when chunked is the last of
/// several valid
///   codings, 400 for all the rest, for HTTP/1.0, and together with Content-Length.
/// - Content-Length: one line of at most 19 digits below 2^63; no list and no repetition, equal or not.
/// - CONNECT and TRACE: no content (RFC 9110 9.3.6, 9.3.8); `Content-Length: 0` passes.
/// - persistent: HTTP/1.1 unless Connection says close; HTTP/1.0 if it says keep-alive and not close. Proxy-Connection,
/// which old
///   clients send to proxies, counts as Connection.
/// - more than 64 options in Connection are refused, in responses too.
/// BodyKind::Length is only used for lengths above 0.
FramingVerdict frame_request(Method, Version, FieldsView raw) noexcept;

/// RFC 9112 6.3 for responses. A Transfer-Encoding that is not understood means: read until the connection closes, do
/// not reuse it. Together with Content-Length any Transfer-Encoding is an error where there is a body: "ought to be
/// handled as an error" (rule 3), as it may split the answer; elsewhere the connection is not reused.
/// `chunked` together with other codings (`gzip, chunked`, `chunked, chunked`) is an error: what arrives is known not
/// to be the content. Equal Content-Length values are collapsed; different or malformed ones are an error, also in
/// answers to HEAD and in 304, where they would be handed on as metadata. Errors have status 502. HTTP/1.0 with chunked
/// is read, not reused; nor is a connection after a 1xx or 204 that speaks of content.
FramingVerdict frame_response(Method request_method, int status, Version, FieldsView raw) noexcept;

}  // namespace freshet
