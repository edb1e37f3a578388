// Bodies (RFC 9112 sections 6 and 7). Life of a chunked one:
//   phase                    the next byte is
//   SizeFirst, Size          a digit of a chunk size
//   BeforeExtension ..       in a chunk extension; they are checked as they pass and dropped
//   LineFeed                 the LF of a chunk-size line; a size of 0 leads to Trailers
//   Data, DataCr, DataLf     data, and the CRLF behind it
//   Trailers                 in a trailer line; the empty one is the end
#include <algorithm>

#include "chars.hpp"
#include "field_lines.hpp"
#include "freshet/codec/h1_reader.hpp"
#include "freshet/http/forwarding.hpp"

namespace freshet {
namespace {

using State = H1BodyReader::Step::State;

// 64 bits.
constexpr std::uint8_t kMaxSizeDigits = 16;

int hex_digit(char c) noexcept {
  if (ascii::is_digit(c)) return c - '0';
  const char letter = ascii::lower(c);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

}  // namespace

void H1BodyReader::start(const FramingVerdict& framing, TrailerRules rules, std::size_t max_trailer_bytes) {
  rules_ = rules;
  kind_ = framing.body;
  phase_ = Phase::SizeFirst;
  left_ = framing.length;
  done_ = kind_ == BodyKind::None || (kind_ == BodyKind::Length && left_ == 0);
  error_ = Reason::None;
  digits_ = 0;
  line_bytes_ = 0;
  surplus_ = 0;
  trailer_room_ = max_trailer_bytes + 2;  // and the empty line
  trailer_scanned_ = 0;
  trailers_.clear();
}

H1BodyReader::Step H1BodyReader::step(std::span<const std::byte> buffered) {
  if (done_) return {State::End, 0, {}, Reason::None};
  if (kind_ == BodyKind::Chunked) return step_chunked(buffered);
  if (buffered.empty()) return {};
  if (kind_ == BodyKind::Length) {
    buffered = buffered.first(static_cast<std::size_t>(std::min<std::uint64_t>(left_, buffered.size())));
    left_ -= buffered.size();
    done_ = left_ == 0;
  }
  return {State::Data, buffered.size(), buffered, Reason::None};
}

bool H1BodyReader::end_of_input() noexcept {
  done_ = done_ || kind_ == BodyKind::UntilClose || kind_ == BodyKind::Tunnel;
  return done_;
}

H1BodyReader::Step H1BodyReader::step_chunked(std::span<const std::byte> buffered) {
  std::size_t at = 0;
  for (;;) {
    if (phase_ == Phase::Failed) return fail(error_ == Reason::None ? Reason::BadChunk : error_);
    if (phase_ == Phase::Trailers) return step_trailers(buffered, at);
    if (at == buffered.size()) return {State::NeedMore, at, {}, Reason::None};
    if (phase_ == Phase::Data) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, buffered.size() - at));
      left_ -= size;
      if (left_ == 0) phase_ = Phase::DataCr;
      return {State::Data, at + size, buffered.subspan(at, size), Reason::None};
    }
    phase_ = phase_after(static_cast<char>(buffered[at++]));
  }
}

H1BodyReader::Step H1BodyReader::fail(Reason error) noexcept {
  phase_ = Phase::Failed;
  error_ = error;
  return {State::Bad, 0, {}, error};
}

// One byte of chunk framing (RFC 9112 7.1): no white space but before ";" and around "=", no control byte anywhere.
H1BodyReader::Phase H1BodyReader::phase_after(char c) noexcept {
  if (phase_ == Phase::DataCr) return c == '\r' ? Phase::DataLf : Phase::Failed;
  if (phase_ == Phase::DataLf) return c == '\n' ? Phase::SizeFirst : Phase::Failed;
  if (++line_bytes_ > kMaxChunkLine) return Phase::Failed;
  const bool space = ascii::is_space(c), token = is_token_char(c);
  const auto after_part = [&] {
    if (c == '\r') return Phase::LineFeed;
    if (c == ';') return Phase::ExtensionStart;
    return space ? Phase::BeforeExtension : Phase::Failed;
  };
  switch (phase_) {
    case Phase::SizeFirst:
      left_ = 0;
      digits_ = 0;
      return after_size_digit(c);
    case Phase::Size:
      return hex_digit(c) >= 0 ? after_size_digit(c) : after_part();
    case Phase::BeforeExtension:
      if (space) return phase_;
      return c == ';' ? Phase::ExtensionStart : Phase::Failed;
    case Phase::ExtensionStart:
      if (space) return phase_;
      return token ? Phase::ExtensionName : Phase::Failed;
    case Phase::ExtensionName:
      if (token) return phase_;
      if (c == '=') return Phase::ValueStart;
      return space ? Phase::AfterName : after_part();
    case Phase::AfterName:
      if (space) return phase_;
      if (c == '=') return Phase::ValueStart;
      return c == ';' ? Phase::ExtensionStart : Phase::Failed;
    case Phase::ValueStart:
      if (space) return phase_;
      if (c == '"') return Phase::Quoted;
      return token ? Phase::Value : Phase::Failed;
    case Phase::Value:
      return token ? phase_ : after_part();
    case Phase::Quoted:
      if (c == '"') return Phase::AfterQuoted;
      if (c == '\\') return Phase::QuotedPair;
      return is_control(c) ? Phase::Failed : phase_;
    case Phase::QuotedPair:
      return is_control(c) ? Phase::Failed : Phase::Quoted;
    case Phase::AfterQuoted:
      return after_part();
    case Phase::LineFeed:
      return c == '\n' ? after_size_line() : Phase::Failed;
    default:
      return Phase::Failed;
  }
}

H1BodyReader::Phase H1BodyReader::after_size_digit(char c) noexcept {
  const int digit = hex_digit(c);
  if (digit < 0 || ++digits_ > kMaxSizeDigits) return Phase::Failed;
  left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
  return Phase::Size;
}

H1BodyReader::Phase H1BodyReader::after_size_line() noexcept {
  // A size that is negative for those who count with a sign is of no use to anybody but an attacker.
  if (left_ >> 63 != 0) return Phase::Failed;
  // Extensions in proportion to the data pass, as long as the body may be; a body that is all extension does not.
  const std::uint64_t allowed = 16 + 2 * std::min<std::uint64_t>(left_, kMaxChunkSurplus);
  surplus_ += line_bytes_;
  surplus_ -= static_cast<std::size_t>(std::min<std::uint64_t>(surplus_, allowed));
  if (surplus_ > kMaxChunkSurplus) return Phase::Failed;
  line_bytes_ = 0;
  return left_ == 0 ? Phase::Trailers : Phase::Data;
}

// Consumes whole lines only; the caller keeps what is left of the last one.
H1BodyReader::Step H1BodyReader::step_trailers(std::span<const std::byte> buffered, std::size_t at) {
  const std::string_view text(reinterpret_cast<const char*>(buffered.data()), buffered.size());
  for (;;) {
    const std::size_t feed = find_line_feed(text, at + trailer_scanned_);
    if (feed == std::string_view::npos) {
      trailer_scanned_ = text.size() - at;
      if (trailer_scanned_ > trailer_room_) return fail(Reason::BadTrailer);
      return {State::NeedMore, at, {}, Reason::None};
    }
    const std::string_view line = text.substr(at, feed + 1 - at);
    if (line.size() > trailer_room_ || line.size() < 2 || line[line.size() - 2] != '\r')
      return fail(Reason::BadTrailer);
    trailer_room_ -= line.size();
    trailer_scanned_ = 0;
    at = feed + 1;
    if (line.size() == 2) break;
    if (trailers_.size() == kMaxTrailerFields) return fail(Reason::BadTrailer);
    if (parse_field_lines(line, FieldRules::Strict, trailers_) != Reason::None) return fail(Reason::BadTrailer);
  }
  const std::size_t came = trailers_.size();
  strip_forbidden_trailers(trailers_);
  if (rules_ == TrailerRules::Refuse && trailers_.size() != came) return fail(Reason::BadTrailer);
  done_ = true;
  return {State::End, at, {}, Reason::None};
}

}  // namespace freshet
