// Vary and request fields with arbitrary text: a request matches the key that it made, and normalising twice changes
// nothing.
#include <cstdint>
#include <string>
#include <string_view>

#include "freshet/base/check.hpp"
#include "freshet/cache/vary.hpp"
#include "freshet/http/grammar.hpp"

using namespace freshet;

namespace {

// "Name: value" lines; Vary and Content-Encoding are the response's, the rest the request's.
void read_lines(std::string_view text, Fields& response, Fields& request) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon), value = line.substr(colon + 1);
    if (!is_token(name) || name.size() > 100 || !is_field_value(value)) continue;
    const FieldId id = intern_field(name);
    (id == FieldId::Vary || id == FieldId::ContentEncoding ? response : request).add(name, value);
  }
}

// The request that has the normalised values themselves.
Fields normalised_request(std::string_view key) {
  Fields fields;
  while (!key.empty()) {
    const std::string_view line = key.substr(0, key.find('\n'));
    key.remove_prefix(line.size() + 1);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) fields.add(line.substr(0, colon), line.substr(colon + 1));
  }
  return fields;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Fields response, request;
  read_lines({reinterpret_cast<const char*>(data), size}, response, request);
  const auto key = make_vary_key(response, request);
  if (!key) return 0;
  ENSURE(key->size() <= kLongestVaryKey);
  ENSURE(vary_matches(*key, request));
  const Fields again = normalised_request(*key);
  ENSURE(vary_matches(*key, again));
  response.remove(FieldId::ContentEncoding);
  ENSURE(make_vary_key(response, again) == key);
  return 0;
}
