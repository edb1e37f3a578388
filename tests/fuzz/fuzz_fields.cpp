// Field lines added, removed, compacted and stripped in any order: the index, the wire form and the sizes always agree.
#include <cstdint>
#include <string>
#include <string_view>

#include "freshet/base/check.hpp"
#include "freshet/http/fields.hpp"
#include "freshet/http/forwarding.hpp"
#include "freshet/http/grammar.hpp"

using namespace freshet;

namespace {

std::string rendered(FieldsView fields) {
  std::string out;
  for (const Field field : fields) {
    ENSURE(field.id == intern_field(field.name));
    ENSURE(fields.first(field.name).has_value());
    out.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  return out;
}

void apply(Fields& fields, char command, std::string_view name, std::string_view value) {
  switch (command) {
    case '-':
      fields.remove(name);
      ENSURE(!fields.first(name));
      break;
    case '=':
      if (const FieldId id = intern_field(name); id != FieldId::Unknown) {
        fields.set(id, value);
        ENSURE(fields.count(id) == 1);
      }
      break;
    case '!':
      fields.compact();
      ENSURE(fields.view().wire().has_value());
      break;
    case '#':
      strip_hop_by_hop(fields);
      ENSURE(!fields.contains(FieldId::Connection) && !fields.contains(FieldId::TransferEncoding));
      break;
    case '^':
      strip_forbidden_trailers(fields);
      ENSURE(!fields.contains(FieldId::ContentLength));
      break;
    case 'v':
      append_via(fields, Version::Http11, "freshet");
      ENSURE(count_in_via(fields, "freshet") > 0);
      break;
    case 'f':
      append_forwarded(fields, "192.0.2.1", "http", "example.com", {});
      ENSURE(fields.count(FieldId::Forwarded) == 1 && fields.count(FieldId::XForwardedFor) == 1);
      break;
    case 'm':
      apply_max_forwards(fields);
      break;
    default:
      fields.add(name, value);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Fields fields;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    const char command = line.front();
    line.remove_prefix(1);
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
    if (!is_token(name) || !is_field_value(value)) continue;
    apply(fields, command, name, value);
    const std::string expected = rendered(fields);
    ENSURE(fields.view().wire_size() == expected.size());
    if (const auto wire = fields.view().wire()) ENSURE(*wire == expected);
  }
  return 0;
}
