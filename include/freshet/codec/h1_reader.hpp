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
#include "freshet/codec/known_section.hpp"
#include "freshet/http/framing.hpp"
#include "freshet/http/known_host.hpp"
#include "freshet/http/message.hpp"

namespace freshet {

/// Each is decided as soon as it is exceeded, whether or not the head is complete: a caller that has room for `bytes`
/// never runs out of room by waiting for more.
struct HeadLimits {
  std::size_t bytes = 32 * 1024;  ///< the whole head: empty lines before it, start line, field lines, empty line
  std::size_t target_bytes = 8 * 1024;
  std::size_t fields = 128;           ///< field lines, before any are taken out
  std::size_t field_bytes = 1 << 20;  ///< one field line with its end; only of requests is it less than `bytes`
};

/// What a look at the buffered bytes gave.
struct HeadProgress {
  enum class State : std::uint8_t { NeedMore, Complete, Bad } state = State::NeedMore;
  std::size_t consumed = 0;  ///< Complete: bytes of the head, and of empty lines before it
  Reason error = Reason::None;
  int status = 0;  ///< Bad: what to answer (400, 414, 417, 431, 501, 505; for responses 502)
};

/// How far a reader has looked into a head that is not complete. Positions count from the start of the buffer.
struct HeadScan {
  std::size_t at = 0;           ///< where to look on for the end of the line
  std::size_t line = 0;         ///< where the line begins that `at` lies in
  std::size_t empty_lines = 0;  ///< skipped before the request line
  std::size_t method_end = 0;   ///< the first space of the request line; 0: not there yet
  std::size_t target_end = 0;   ///< the second one
  std::size_t fields_at = 0;    ///< where the field lines begin; 0: the start line is not complete
  std::size_t field_lines = 0;
};

/// A parsed request head.
struct ParsedRequest {
  RequestHead head;  ///< hop-by-hop fields, Host, Content-Length and Expect: 100-continue taken out
  FramingVerdict framing;
  bool expects_continue = false;  ///< HTTP/1.1 with a body to come; others' is ignored (RFC 9110 10.1.1)
  bool absolute_form = false;
  /// Upgrade's value when Connection nominates it on HTTP/1.1; else empty. Only well-formed protocols, and never
  /// "h2c": a tunnel of requests that this proxy does not see would pass by all its rules (RFC 9113 3.1 has made it
  /// obsolete).
  std::string_view upgrade;
  /// The value of Proxy-Authorization, which is for this hop alone and never among the fields; empty: none.
  std::string_view proxy_credentials;
  KnownHost known_host;        ///< of a message before
  KnownSection known_section;  ///< the same
};

/// Looks at `buffered` (all bytes received and not yet consumed). NeedMore keeps only a scan position, so the caller
/// may move the bytes; Complete fills `out`, whose views lie in `arena` (nothing points into `buffered` any more).
/// Complete and Bad make the reader ready for the next message. `out` of the message before may be given again: then
/// its fields' memory is used again. One thread.
class H1RequestReader {
 public:
  explicit H1RequestReader(const HeadLimits& limits, std::string_view default_scheme = "http") noexcept
      : limits_(limits), default_scheme_(default_scheme) {}
  HeadProgress read_head(std::string_view buffered, ParsedRequest& out, Arena& arena);
  /// The target of the request that is being read, as it came, once its request line is whole and well-formed; else empty. What
  /// read_head() says of the same bytes is the same afterwards.
  std::string_view target(std::string_view buffered);
  /// Forgets a head that was begun.
  void reset() noexcept { scan_ = {}; }

 private:
  HeadProgress scan_request_line(std::string_view window);
  bool scan_plain_line(std::string_view window) noexcept;
  HeadProgress read_section(std::string_view window, ParsedRequest& out, Arena& arena);
  HeadProgress finish(std::string_view head, Method method, ParsedRequest& out, Arena& arena) const;
  HeadProgress finish_known(std::string_view head, Method method, ParsedRequest& out, Arena& arena) const;
  std::string_view take_request_line(std::string_view head, Method method, RequestHead& out, Arena& arena) const;
  HeadProgress take_target(std::size_t head_bytes, std::string_view asked, std::optional<std::string_view> host,
                           std::size_t host_count, ParsedRequest& out, Arena& arena) const;
  std::string_view method_name(std::string_view window) const noexcept;
  HeadLimits limits_;
  std::string_view default_scheme_;
  HeadScan scan_;
  Version version_ = Version::Http11;
};

struct ParsedResponse {
  int status = 0;
  Version version = Version::Http11;
  Fields fields;  ///< hop-by-hop fields and Content-Length taken out
  FramingVerdict framing;
  /// As declared, also where there is no body (HEAD, 304). Empty where it means nothing: with Transfer-Encoding, 1xx,
  /// 204.
  std::optional<std::uint64_t> content_length;
  bool upgrade = false;  ///< 101 only
  std::string upgrade_value;
};

/// The same for responses. A folded line is joined by a space and white space before a colon is dropped, as RFC
/// 9112 5.1 and 5.2 demand of a proxy; everything else that is wrong is Bad with BadResponse or ResponseFieldsTooLarge.
class H1ResponseReader {
 public:
  explicit H1ResponseReader(const HeadLimits& limits) noexcept : limits_(limits) {}
  /// `request_method` decides whether there is a body. 1xx heads are Complete too: the caller reads on.
  HeadProgress read_head(std::string_view buffered, Method request_method, ParsedResponse& out);
  void reset() noexcept { scan_ = {}; }

 private:
  HeadProgress scan_status_line(std::string_view window);
  HeadProgress finish(std::string_view head, Method request_method, ParsedResponse& out) const;
  HeadLimits limits_;
  HeadScan scan_;
};

/// What becomes of trailer fields that may not be there (RFC 9110 6.5.1): framing, routing, credentials ...
enum class TrailerRules : std::uint8_t {
  Refuse,  ///< of requests: the whole message is refused
  Drop,    ///< of responses
};

/// Cuts a body out of the bytes that follow a head. Of an unfinished chunk-size line it keeps what it has understood;
/// of an unfinished trailer line only a scan position, so at most `max_trailer_bytes` + 2 bytes stay unconsumed. One
/// thread.
class H1BodyReader {
 public:
  /// Field lines in a trailer section, and bytes in a chunk-size line.
  static constexpr std::size_t kMaxTrailerFields = 64;
  static constexpr std::size_t kMaxChunkLine = 4 * 1024;
  /// How many bytes of chunk-size lines a body may have beyond 16 for each chunk and two for each byte of data.
  static constexpr std::size_t kMaxChunkSurplus = 16 * 1024;

  H1BodyReader() = default;
  /// Starts a body. `max_trailer_bytes` bounds the lines of the trailer section.
  void start(const FramingVerdict&, TrailerRules, std::size_t max_trailer_bytes = 8 * 1024);

  struct Step {
    enum class State : std::uint8_t { NeedMore, Data, End, Bad } state = State::NeedMore;
    std::size_t consumed = 0;         ///< bytes of `buffered` used up by this step, `data` included
    std::span<const std::byte> data;  ///< points into `buffered`
    Reason error = Reason::None;      ///< BadChunk, BadTrailer
  };
  /// Looks at `buffered`. Call again with what is left until NeedMore or End. Chunk extensions are checked and dropped
  /// (RFC 9112 7.1.1). After End it says End again, after Bad it says Bad.
  Step step(std::span<const std::byte> buffered);
  /// The connection ended: true when that is where the body ends (UntilClose, Tunnel) or it had ended before, false
  /// when it was cut short.
  bool end_of_input() noexcept;
  /// Nothing of the body is to come: with BodyKind::Length already after the last byte's Data.
  bool done() const noexcept { return done_; }
  /// Trailer fields (none that are forbidden) after End; null when there were none.
  const Fields* trailers() const noexcept { return !done_ || trailers_.empty() ? nullptr : &trailers_; }

 private:
  /// Where in a chunked body the next byte stands.
  enum class Phase : std::uint8_t {
    SizeFirst,
    Size,
    BeforeExtension,
    ExtensionStart,
    ExtensionName,
    AfterName,
    ValueStart,
    Value,
    Quoted,
    QuotedPair,
    AfterQuoted,
    LineFeed,
    Data,
    DataCr,
    DataLf,
    Trailers,
    Failed
  };
  Step step_chunked(std::span<const std::byte> buffered);
  Step step_trailers(std::span<const std::byte> buffered, std::size_t at);
  Step fail(Reason) noexcept;
  Phase phase_after(char c) noexcept;
  Phase after_size_digit(char c) noexcept;
  Phase after_size_line() noexcept;

  BodyKind kind_ = BodyKind::None;
  Phase phase_ = Phase::SizeFirst;
  TrailerRules rules_ = TrailerRules::Refuse;
  bool done_ = true;
  Reason error_ = Reason::None;
  std::uint8_t digits_ = 0;
  std::uint64_t left_ = 0;
  std::size_t line_bytes_ = 0;       ///< of the chunk-size line so far
  std::size_t surplus_ = 0;          ///< see kMaxChunkSurplus
  std::size_t trailer_room_ = 0;     ///< bytes that the trailer section may still take
  std::size_t trailer_scanned_ = 0;  ///< bytes of the unfinished trailer line that hold no line end
  Fields trailers_;
};

}  // namespace freshet
