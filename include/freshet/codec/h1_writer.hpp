// HTTP/1 heads and chunk framing to bytes (RFC 9112): no I/O. Everything is written anew from what was understood.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "freshet/base/arena.hpp"
#include "freshet/http/message.hpp"

namespace freshet {

/// How the head describes body and connection.
struct OutgoingFraming {
  std::optional<std::uint64_t> length;  ///< Content-Length to send
  bool chunked = false;                 ///< Transfer-Encoding: chunked
  bool close = false;                   ///< Connection: close
  bool keep_alive = false;              ///< Connection: keep-alive, for HTTP/1.0 clients
  std::string_view upgrade;             ///< Connection: upgrade and Upgrade: this
};

/// A response head as at most three pieces for a gather write: status line, the fields' own block (not copied when it
/// is contiguous), and the lines made now with the empty line. What is made lies in `arena`; no heap allocation beyond
/// that.
struct RenderedHead {
  std::array<std::string_view, 3> pieces;
  std::size_t count = 0;
  std::size_t size() const noexcept {
    std::size_t total = 0;
    for (std::size_t i = 0; i < count; ++i) total += pieces[i].size();
    return total;
  }
};
/// The version written is always HTTP/1.1 (RFC 9112 2.3); 1xx heads are rendered with an empty OutgoingFraming.
RenderedHead render_response_head(const ResponseHead&, std::span<const AddedField> added, const OutgoingFraming&,
                                  Arena& arena);

/// Appends a whole request head to `out`: request line (origin-form, or `target` as given for CONNECT and "*"), Host,
/// fields, framing, empty line. With `absolute_form`, the target is scheme://authority + target (for a parent proxy).
void render_request_head(const RequestHead&, const OutgoingFraming&, bool absolute_form, std::string& out);

/// "<hex size>\r\n" into `room`; the data and "\r\n" follow.
std::string_view render_chunk_start(std::uint64_t size, std::span<char, 20> room) noexcept;
/// Appends "0\r\n", the trailer fields if any, "\r\n".
void render_last_chunk(const Fields* trailers, std::string& out);

}  // namespace freshet
