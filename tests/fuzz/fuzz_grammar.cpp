// Lists, parameters, quoted strings, weights and entity tags over arbitrary text.
#include <cstdint>
#include <string_view>

#include "freshet/base/ascii.hpp"
#include "freshet/base/check.hpp"
#include "freshet/http/conditional.hpp"
#include "freshet/http/grammar.hpp"

using namespace freshet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ListReader list(text);
  std::size_t seen = 0;
  for (std::string_view member; list.next(member);) {
    ENSURE(!member.empty() && ascii::trim(member) == member);
    seen += member.size();
    if (is_token(member)) ENSURE(list_contains(text, member));
  }
  ENSURE(seen <= size);
  for (char separator : {';', ','}) {
    ParameterReader parameters(text, separator);
    std::string_view name, value;
    for (bool has_value = false; parameters.next(name, value, has_value);)
      ENSURE(name.find('=') == std::string_view::npos && (has_value || value.empty()));
  }
  if (const auto content = unquote(text)) ENSURE(content->size() <= size);
  if (const auto weight = parse_qvalue(text)) ENSURE(*weight >= 0 && *weight <= 1000);
  if (is_token(text)) ENSURE(is_field_value(text));
  if (is_field_value(text) && !ascii::trim(text).empty()) {
    const std::string_view tag = ascii::trim(text);
    ENSURE(weak_match(tag, tag) && (!strong_match(tag, tag) || weak_match(tag, tag)));
    Fields request;
    request.add(FieldId::IfNoneMatch, tag);
    request.add(FieldId::IfRange, tag);
    is_not_modified(request, {"\"a\"", {}, {}}, 0);
    range_applies(request, {"\"a\"", 1, 2}, 0);
  }
  return 0;
}
