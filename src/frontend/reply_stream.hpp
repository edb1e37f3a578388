// Writes a reply's body from its source: piece by piece, at the client's pace.
#pragma once

#include <cstdint>
#include <optional>

#include "connection.hpp"
#include "freshet/exchange/body.hpp"
#include "reply_plan.hpp"

namespace freshet {

/// How the writing of a body ended.
struct StreamEnd {
  enum class Kind : std::uint8_t {
    Complete,
    ClientGone,
    SourceFailed,  ///< `failure` says why
    TooShort,      ///< the source ended before the announced length
    TooLong,       ///< the announced length was written, and the source has more
  } kind = Kind::Complete;
  bool nothing_written =
      false;  ///< not even the head, which is still in the connection's out(): another reply can take its place
  std::optional<Failure> failure;
  StreamEnd() = default;
  explicit StreamEnd(Kind k) : kind(k) {}
};

/// The head lies in connection->out() and leaves together with the first piece if that is there at once. `form`:
/// Length, Chunked or UntilClose. `body_bytes` counts what was written of the body.
Task<StreamEnd> stream_body(Ref<Connection> connection, BodySource& source, BodyForm form, std::uint64_t length,
                            std::uint64_t& body_bytes);

}  // namespace freshet
