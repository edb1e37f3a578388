// Structured dictionaries from arbitrary text, and strings that we write: what is written is read back.
#include <cstdint>
#include <string>
#include <string_view>

#include "freshet/base/check.hpp"
#include "freshet/http/structured.hpp"

using namespace freshet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto members = parse_dictionary(text)) {
    for (std::size_t i = 0; i < members->size(); ++i) {
      const DictionaryMember& member = (*members)[i];
      ENSURE(!member.key.empty());
      ENSURE(member.integer >= -999'999'999'999'999 && member.integer <= 999'999'999'999'999);
      if (member.kind == DictionaryMember::Kind::Token) ENSURE(is_sf_token(member.text));
    }
    ENSURE(members->size() <= 1024);
  }
  std::string written = "a=";
  append_sf_string(written, text);
  const auto again = parse_dictionary(written);
  ENSURE(again && again->size() == 1 && again->front().kind == DictionaryMember::Kind::String);
  is_sf_token(text);
  return 0;
}
