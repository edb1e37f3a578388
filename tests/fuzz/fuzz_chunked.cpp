// Chunked bodies: the first byte chooses how the rest is cut into reads. The cut must not matter, and the body must be
// understood the same when it is framed and read again.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "freshet/codec/h1_reader.hpp"
#include "freshet/codec/h1_writer.hpp"

using namespace freshet;

namespace {

using State = H1BodyReader::Step::State;
constexpr std::size_t kMaxTrailerBytes = 200;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Body {
  State state = State::NeedMore;
  Reason error = Reason::None;
  std::size_t consumed = 0;
  std::string data;
  Fields trailers;
};

Body read(std::string_view text, std::size_t piece) {
  FramingVerdict framing;
  framing.body = BodyKind::Chunked;
  H1BodyReader reader;
  reader.start(framing, TrailerRules::Drop, kMaxTrailerBytes);
  Body body;
  for (std::size_t end = 0; end < text.size() && body.state == State::NeedMore;) {
    end = text.size() - end > piece ? end + piece : text.size();
    do {
      const std::string exact(text.substr(body.consumed, end - body.consumed));
      const H1BodyReader::Step step = reader.step(std::as_bytes(std::span(exact)));
      require(step.consumed <= exact.size());
      body.state = step.state;
      body.error = step.error;
      body.consumed += step.consumed;
      body.data.append(reinterpret_cast<const char*>(step.data.data()), step.data.size());
    } while (body.state == State::Data);
    if (body.state == State::NeedMore) require(end - body.consumed <= kMaxTrailerBytes + 2);
  }
  if (reader.trailers()) body.trailers.append(*reader.trailers());
  return body;
}

bool same(const Body& a, const Body& b) {
  if (a.state != b.state || a.error != b.error || a.data != b.data || a.trailers.size() != b.trailers.size())
    return false;
  for (std::size_t i = 0; i < a.trailers.size(); ++i)
    if (a.trailers.view()[i].name != b.trailers.view()[i].name ||
        a.trailers.view()[i].value != b.trailers.view()[i].value)
      return false;
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Body whole = read(text, text.size() + 1);
  const Body cut = read(text, 1 + data[0] % 32);
  require(same(whole, cut));
  require((whole.state == State::Bad) == (whole.error != Reason::None));
  if (whole.state != State::End) return 0;
  require(whole.consumed == cut.consumed);
  std::string framed;
  if (!whole.data.empty()) {
    std::array<char, 20> room;
    framed.append(render_chunk_start(whole.data.size(), room)).append(whole.data).append("\r\n");
  }
  render_last_chunk(&whole.trailers, framed);
  // Lines may have grown by the space behind each colon.
  const Body again = read(framed, framed.size());
  require(again.state == State::Bad ? again.error == Reason::BadTrailer : same(whole, again));
  return 0;
}
