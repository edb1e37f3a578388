// Request heads: the first byte chooses how the rest is cut into reads. The cut must not matter, and what was
// understood must be understood the same when it is written and read again.
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

void require_same(const ParsedRequest& a, const ParsedRequest& b) {
  require(same(a.head.fields, b.head.fields) && a.head.method == b.head.method && a.head.method_name == b.head.method_name);
  require(a.head.scheme == b.head.scheme && a.head.authority == b.head.authority && a.head.target == b.head.target);
  require(a.head.version == b.head.version && a.absolute_form == b.absolute_form);
  require(a.framing.body == b.framing.body && a.framing.length == b.framing.length && a.framing.persistent == b.framing.persistent);
  require(a.expects_continue == b.expects_continue && a.upgrade == b.upgrade && a.proxy_credentials == b.proxy_credentials);
}

HeadProgress read(std::string_view text, std::size_t step, const HeadLimits& limits, ParsedRequest& parsed,
                  Arena& arena) {
  H1RequestReader reader(limits);
  for (std::size_t end = step; end < text.size(); end += step) {
    const std::string exact(text.substr(0, end));
    const HeadProgress progress = reader.read_head(exact, parsed, arena);
    if (progress.state != HeadProgress::State::NeedMore) return progress;
  }
  return reader.read_head(text, parsed, arena);
}

void check_round_trip(const ParsedRequest& parsed) {
  OutgoingFraming framing;
  framing.chunked = parsed.framing.body == BodyKind::Chunked;
  if (parsed.framing.body == BodyKind::Length) framing.length = parsed.framing.length;
  framing.upgrade = parsed.upgrade;
  std::string text;
  render_request_head(parsed.head, framing, parsed.absolute_form, text);
  const HeadLimits limits{text.size(), text.size(), 1000};  // lines and spaces may have been added
  ParsedRequest again;
  Arena arena;
  const HeadProgress progress = read(text, text.size(), limits, again, arena);
  // HTTP/1.0 may do without Host, which cannot be said in HTTP/1.1.
  if (parsed.head.authority.empty()) return;
  require(progress.state == HeadProgress::State::Complete && progress.consumed == text.size());
  require(again.head.method_name == parsed.head.method_name && again.head.target == parsed.head.target);
  require(again.head.authority == parsed.head.authority && again.head.scheme == parsed.head.scheme);
  require(again.framing.body == parsed.framing.body && again.framing.length == parsed.framing.length);
  require(again.upgrade == parsed.upgrade && same(again.head.fields, parsed.head.fields));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  HeadLimits limits;
  if ((data[0] & 0x80) != 0) limits = {200, 40, 5};
  ParsedRequest whole, cut;
  Arena whole_arena, cut_arena;
  const HeadProgress a = read(text, text.size() + 1, limits, whole, whole_arena);
  const HeadProgress b = read(text, 1 + (data[0] & 0x7f), limits, cut, cut_arena);
  require(a.state == b.state && a.consumed == b.consumed && a.error == b.error && a.status == b.status);
  require((a.state == HeadProgress::State::Bad) == (a.error != Reason::None) && a.consumed <= text.size());
  require(a.state != HeadProgress::State::NeedMore || text.size() < limits.bytes);
  if (a.state == HeadProgress::State::Complete) {
    require_same(whole, cut);
    check_round_trip(whole);
  }
  // A section that is known means what it meant, and to ask for the target first changes nothing.
  H1RequestReader again(limits);
  again.target(text);
  Arena again_arena;
  const HeadProgress c = again.read_head(text, cut, again_arena);
  require(a.state == c.state && a.consumed == c.consumed && a.error == c.error && a.status == c.status);
  if (a.state == HeadProgress::State::Complete) require_same(whole, cut);
  return 0;
}
