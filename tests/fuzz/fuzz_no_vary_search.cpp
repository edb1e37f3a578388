// No-Vary-Search with two arbitrary queries: rules stay within their bounds, what is canonical stays as it is, and what
// does not matter changes nothing.
#include <cstdint>
#include <string>
#include <string_view>

#include "freshet/base/check.hpp"
#include "freshet/http/grammar.hpp"
#include "freshet/http/no_vary_search.hpp"

using namespace freshet;

namespace {

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

// Every byte as "%xx".
std::string encode(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += '%';
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view value = take_line(text);
  const std::string_view query = take_line(text);
  if (!is_field_value(value)) return 0;
  Fields fields;
  fields.add(FieldId::NoVarySearch, value);
  const UrlVariation rule = parse_no_vary_search(fields);
  if (rule.is_default()) return 0;
  ENSURE(rule.names.size() <= UrlVariation::kMostNames);
  const auto canonical = canonical_query(query, rule);
  if (!canonical) return 0;
  ENSURE(canonical->size() <= 9 * query.size() + kMostParameters);
  ENSURE(canonical_query(*canonical, rule) == canonical);
  for (const char c : *canonical) ENSURE(c > 0x20 && c < 0x7F && c != '?' && c != '#');
  const auto with_more = canonical_query(std::string(query) + "&&", rule);
  ENSURE(!with_more || with_more == canonical);
  if (!rule.only_named && !rule.names.empty()) {
    const auto again = canonical_query(*canonical + "&" + encode(rule.names.front()) + "=1", rule);
    ENSURE(!again || again == canonical);
  }
  return 0;
}
