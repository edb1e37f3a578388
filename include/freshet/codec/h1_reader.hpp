// HTTP/1 message heads and bodies from bytes (RFC 9112): strict, incremental, no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "freshet/base/arena.hpp"
#include "freshet/base/reason.hpp"
#include "freshet/http/framing.hpp"
#include "freshet/http/message.hpp"

namespace freshet {

struct HeadLimits {
  std::size_t bytes = 32 * 1024;        ///< request or status line and all field lines together
  std::size_t target_bytes = 8 * 1024;
  std::size_t fields = 128;
};

/// What a look at the buffered bytes gave.
struct HeadProgress {
  enum class State : std::uint8_t { NeedMore, Complete, Bad } state = State::NeedMore;
  std::size_t consumed = 0;  ///< Complete: bytes of the head, and of empty lines before it
  Reason error = Reason::None;
  int status = 0;            ///< Bad: what to answer (400, 414, 431, 501, 505; for responses 502)
};

/// A parsed request head.
struct ParsedRequest {
  RequestHead head;          ///< hop-by-hop fields, Host, Content-Length and Expect: 100-continue taken out
  FramingVerdict framing;
  bool expects_continue = false;
  bool absolute_form = false;
  std::string_view upgrade;  ///< Upgrade's value when Connection nominates it on HTTP/1.1; else empty
};

/// Looks at `buffered` (all bytes received and not yet consumed). NeedMore keeps only a scan position, so the caller may move the
/// bytes; Complete fills `out`, whose views lie in `arena` (nothing points into `buffered` any more).
class H1RequestReader {
 public:
  explicit H1RequestReader(const HeadLimits& limits, std::string_view default_scheme = "http") noexcept
      : limits_(limits), default_scheme_(default_scheme) {}
  HeadProgress read_head(std::string_view buffered, ParsedRequest& out, Arena& arena);
  /// For the next message.
  void reset() noexcept { scanned_ = 0; }

 private:
  HeadLimits limits_;
  std::string_view default_scheme_;
  std::size_t scanned_ = 0;
};

struct ParsedResponse {
  int status = 0;
  Version version = Version::Http11;
  Fields fields;             ///< hop-by-hop fields and Content-Length taken out
  FramingVerdict framing;
  std::optional<std::uint64_t> content_length;  ///< as declared, also where there is no body (HEAD, 304)
  bool upgrade = false;      ///< 101 only
  std::string upgrade_value;
};

class H1ResponseReader {
 public:
  explicit H1ResponseReader(const HeadLimits& limits) noexcept : limits_(limits) {}
  /// `request_method` decides whether there is a body. 1xx heads are Complete too: the caller reads on.
  HeadProgress read_head(std::string_view buffered, Method request_method, ParsedResponse& out);
  void reset() noexcept { scanned_ = 0; }

 private:
  HeadLimits limits_;
  std::size_t scanned_ = 0;
};

/// Cuts a body out of the bytes that follow a head.
class H1BodyReader {
 public:
  H1BodyReader() = default;
  /// Starts a body. `max_trailer_bytes` bounds the trailer section.
  void start(const FramingVerdict&, std::size_t max_trailer_bytes = 8 * 1024);

  struct Step {
    enum class State : std::uint8_t { NeedMore, Data, End, Bad } state = State::NeedMore;
    std::size_t consumed = 0;          ///< bytes of `buffered` used up by this step, `data` included
    std::span<const std::byte> data;   ///< points into `buffered`
    Reason error = Reason::None;       ///< BadChunk, BadTrailer
  };
  /// Looks at `buffered`. Call again with what is left until NeedMore or End. Chunk extensions are checked and dropped.
  Step step(std::span<const std::byte> buffered);
  /// The connection ended: true when that is where the body ends (UntilClose, Tunnel), false when it was cut short.
  bool end_of_input() noexcept;
  bool done() const noexcept { return done_; }
  /// Trailer fields (forbidden ones taken out) after End; null when there were none.
  const Fields* trailers() const noexcept { return trailers_.empty() ? nullptr : &trailers_; }

 private:
  enum class Phase : std::uint8_t { Size, Data, DataEnd, Trailers };
  Step step_chunked(std::span<const std::byte> buffered);
  BodyKind kind_ = BodyKind::None;
  Phase phase_ = Phase::Size;
  bool done_ = true;
  std::uint64_t left_ = 0;
  std::size_t max_trailer_bytes_ = 0;
  Fields trailers_;
};

}  // namespace freshet
