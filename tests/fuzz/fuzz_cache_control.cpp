// Cache-Control, targeted fields and Pragma with arbitrary text: numbers stay in range, views stay inside the fields.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/base/ascii.hpp"
#include "freshet/base/check.hpp"
#include "freshet/http/cache_control.hpp"
#include "freshet/http/grammar.hpp"

using namespace freshet;

namespace {

const std::vector<std::string> kTargets{"CDN-Cache-Control", "Surrogate-Control"};

void check_range(const std::optional<Seconds>& value) {
  if (value) ENSURE(*value >= Seconds(0) && *value <= kForever);
}

void check_inside(std::string_view part, const Fields& fields) {
  if (part.empty()) return;
  const std::string_view wire = *fields.view().wire();
  const std::less_equal<const char*> at_most;
  ENSURE(at_most(wire.data(), part.data()) && at_most(part.data() + part.size(), wire.data() + wire.size()));
}

// Whether the word stands in the field where nothing quotes it and nothing has it as an argument.
bool says(const Fields& fields, std::string_view word) {
  for (const Field field : fields.view()) {
    if (field.id != FieldId::CacheControl || field.value.find_first_of("\"=") != std::string_view::npos) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::string_view next = rest.substr(0, rest.find_first_of(" \t,;"));
      if (ascii::iequals(next, word)) return true;
      rest.remove_prefix(std::min(next.size() + 1, rest.size()));
    }
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Fields fields;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || !is_field_value(line.substr(1))) continue;
    const FieldId id = line[0] == 'd'   ? FieldId::CdnCacheControl
                       : line[0] == 's' ? FieldId::SurrogateControl
                       : line[0] == 'p' ? FieldId::Pragma
                                        : FieldId::CacheControl;
    fields.add(id, line.substr(1));
  }
  const ResponseDirectives response = parse_response_directives(fields, kTargets);
  for (const auto& value :
       {response.max_age, response.s_maxage, response.stale_while_revalidate, response.stale_if_error})
    check_range(value);
  check_inside(response.no_cache_fields, fields);
  check_inside(response.private_fields, fields);
  ENSURE(!response.no_cache || response.no_cache_fields.empty());
  ENSURE(!response.is_private || response.private_fields.empty());
  ENSURE(!response.targeted || fields.contains(FieldId::CdnCacheControl) || fields.contains(FieldId::SurrogateControl));
  if (!response.targeted) {
    ENSURE(response.no_store || !says(fields, "no-store"));
    ENSURE(response.is_private || !says(fields, "private"));
    ENSURE(response.no_cache || !says(fields, "no-cache"));
  }
  const RequestDirectives request = parse_request_directives(fields);
  for (const auto& value : {request.max_age, request.min_fresh, request.max_stale, request.stale_if_error})
    check_range(value);
  return 0;
}
