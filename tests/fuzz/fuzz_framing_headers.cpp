// Framing verdicts over arbitrary field lines: whatever comes, a request with two possible ends is never accepted.
#include <cstdint>
#include <string_view>

#include "freshet/base/ascii.hpp"
#include "freshet/base/check.hpp"
#include "freshet/http/framing.hpp"
#include "freshet/http/grammar.hpp"

using namespace freshet;

namespace {

void check_request(Method method, Version version, const Fields& fields) {
  const FramingVerdict v = frame_request(method, version, fields);
  const std::size_t lengths = fields.count(FieldId::ContentLength), codings = fields.count(FieldId::TransferEncoding);
  ENSURE((v.error == Reason::None) == (v.status == 0));
  ENSURE(v.status == 0 || v.status == 400 || v.status == 501);
  if (v.status != 0) {
    ENSURE(v.body == BodyKind::None && !v.persistent);
    return;
  }
  ENSURE(lengths + codings <= 1);
  ENSURE(v.body != BodyKind::UntilClose && v.body != BodyKind::Tunnel);
  ENSURE((v.body == BodyKind::Chunked) == (codings == 1));
  ENSURE((v.body == BodyKind::Length) == (v.length != 0));
  if (codings == 1) {
    ENSURE(version != Version::Http10 && ascii::iequals(*fields.first(FieldId::TransferEncoding), "chunked"));
  }
  if (lengths == 1) ENSURE(ascii::parse_decimal(*fields.first(FieldId::ContentLength)) == v.length);
}

void check_response(Method method, int status, Version version, const Fields& fields) {
  const FramingVerdict v = frame_response(method, status, version, fields);
  ENSURE(v.status == 0 || v.status == 502);
  if (v.body == BodyKind::UntilClose || v.body == BodyKind::Tunnel) ENSURE(!v.persistent);
  if (v.body == BodyKind::Chunked) ENSURE(fields.contains(FieldId::TransferEncoding));
  if (fields.contains(FieldId::TransferEncoding) && fields.contains(FieldId::ContentLength)) ENSURE(!v.persistent);
  if (method == Method::Head && status != 101) ENSURE(v.body == BodyKind::None);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const auto method = static_cast<Method>(data[0] % 11);
  const Version version = data[1] % 2 == 0 ? Version::Http11 : Version::Http10;
  const int status = 100 + data[2] * 4;
  std::string_view text(reinterpret_cast<const char*>(data) + 3, size - 3);
  Fields fields;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) continue;
    if (!is_field_value(line.substr(colon + 1))) continue;
    fields.add(line.substr(0, colon), line.substr(colon + 1));
  }
  check_request(method, version, fields);
  check_response(method, status, version, fields);
  return 0;
}
