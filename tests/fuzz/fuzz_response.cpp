// Response heads: the first byte chooses how the rest is cut into reads and what the request was. The cut must not
// matter, and the head must be understood the same when it is written and read again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "freshet/codec/h1_reader.hpp"
#include "freshet/codec/h1_writer.hpp"

using namespace freshet;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

bool same(const Fields& a, const Fields& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a.view()[i].name != b.view()[i].name || a.view()[i].value != b.view()[i].value) return false;
  return true;
}

HeadProgress read(std::string_view text, std::size_t step, const HeadLimits& limits, Method method,
                  ParsedResponse& parsed) {
  H1ResponseReader reader(limits);
  for (std::size_t end = step; end < text.size(); end += step) {
    const std::string exact(text.substr(0, end));
    const HeadProgress progress = reader.read_head(exact, method, parsed);
    if (progress.state != HeadProgress::State::NeedMore) return progress;
  }
  return reader.read_head(text, method, parsed);
}

void check_round_trip(const ParsedResponse& parsed, Method method) {
  OutgoingFraming framing;
  framing.chunked = parsed.framing.body == BodyKind::Chunked;
  if (!framing.chunked) framing.length = parsed.content_length;
  Arena arena;
  const RenderedHead head = render_response_head({parsed.status, parsed.fields}, {}, framing, arena);
  std::string text;
  for (std::size_t i = 0; i < head.count; ++i) text += head.pieces[i];
  const HeadLimits limits{text.size(), text.size(), 1000};  // lines and spaces may have been added
  ParsedResponse again;
  const HeadProgress progress = read(text, text.size(), limits, method, again);
  require(progress.state == HeadProgress::State::Complete && progress.consumed == text.size());
  require(again.status == parsed.status && again.content_length == parsed.content_length);
  require(again.framing.body == parsed.framing.body && again.framing.length == parsed.framing.length);
  require(same(again.fields, parsed.fields));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  HeadLimits limits;
  if ((data[0] & 0x80) != 0) limits = {200, 40, 5};
  constexpr Method kMethods[] = {Method::Get, Method::Head, Method::Connect, Method::Post};
  const Method method = kMethods[data[0] >> 5 & 3];
  ParsedResponse whole, cut;
  const HeadProgress a = read(text, text.size() + 1, limits, method, whole);
  const HeadProgress b = read(text, 1 + (data[0] & 0x1f), limits, method, cut);
  require(a.state == b.state && a.consumed == b.consumed && a.error == b.error && a.status == b.status);
  require(a.status == (a.state == HeadProgress::State::Bad ? 502 : 0) && a.consumed <= text.size());
  require(a.state != HeadProgress::State::NeedMore || text.size() < limits.bytes);
  if (a.state == HeadProgress::State::Complete) {
    require(whole.status == cut.status && same(whole.fields, cut.fields));
    check_round_trip(whole, method);
  }
  return 0;
}
