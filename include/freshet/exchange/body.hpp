// Bodies are pulled: not calling read() is the back-pressure, all the way from a slow client to the origin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "freshet/async/result.hpp"
#include "freshet/async/task.hpp"
#include "freshet/base/pin.hpp"
#include "freshet/http/fields.hpp"

namespace freshet {

class PipeLease;

/// Some bytes of a body. They stay valid while the pin is held, or, with an empty pin, until the next read() of the same
/// source or its destruction.
struct Piece {
  std::span<const std::byte> bytes;
  Pin pin;
  bool last = false;  ///< nothing follows; `bytes` may be empty
  Piece() = default;
  Piece(std::span<const std::byte> b, Pin p, bool l) : bytes(b), pin(std::move(p)), last(l) {}
};

/// Where a body comes from: a request's, an origin's, a stored one, half a tunnel. One coroutine reads at a time; a Failure is final.
/// Destroying it stops it (closes, unpins), also in the middle of the body; never while a read() is under way.
class BodySource {
 public:
  virtual ~BodySource() = default;
  virtual Task<Result<Piece>> read() = 0;
  /// As read(), for one who can also take bytes out of a pipe: they are in the piece or in `pipe`, never in both. REQUIRES:
  /// `pipe` holds nothing, and lives until the read is over.
  virtual Task<Result<Piece>> read_or_pipe([[maybe_unused]] PipeLease& pipe) { return read(); }
  /// The trailer fields, once a piece with `last` has been read; null when there were none.
  virtual const Fields* trailers() const noexcept { return nullptr; }
  /// Makes a read() that is under way, and every later one, fail soon. Same thread as the reader. Idempotent.
  virtual void cancel() noexcept {}
};

/// A whole body in one piece, already in memory; or a source; or none. A piece without a pin is kept alive by that of the
/// Reply.
struct Body {
  Piece whole;                         ///< used when `source` is null; empty: no body
  std::unique_ptr<BodySource> source;
  Body() = default;
  explicit Body(Piece piece) : whole(std::move(piece)) {}
  explicit Body(std::unique_ptr<BodySource> s) : source(std::move(s)) {}
};

inline std::span<const std::byte> as_bytes(std::string_view s) noexcept {
  return std::as_bytes(std::span(s.data(), s.size()));
}
inline std::string_view as_text(std::span<const std::byte> b) noexcept {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}

}  // namespace freshet
