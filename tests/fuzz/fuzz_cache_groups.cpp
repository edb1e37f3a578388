// Groups from arbitrary text: bounded, sorted, and what is written as a list of strings is read back.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "freshet/base/check.hpp"
#include "freshet/http/cache_groups.hpp"
#include "freshet/http/structured.hpp"

using namespace freshet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string line(text);
  std::replace_if(line.begin(), line.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  const std::size_t half = line.size() / 2;
  Fields fields;
  fields.add("Cache-Groups", line.substr(0, half));
  fields.add("Cache-Groups", line.substr(half));
  fields.add("Surrogate-Key", line);
  fields.add("Cache-Tag", line);
  const GroupNames groups = read_groups(fields);
  ENSURE(groups.names.size() <= kMostGroups);
  ENSURE(std::is_sorted(groups.names.begin(), groups.names.end()));
  ENSURE(std::adjacent_find(groups.names.begin(), groups.names.end()) == groups.names.end());
  ENSURE(read_cache_groups(fields).names.size() <= kMostGroups);

  if (const auto list = parse_list_of_strings(line)) {
    std::string again;
    for (const std::string& item : *list) {
      if (!again.empty()) again += ", ";
      append_sf_string(again, item);
    }
    ENSURE(parse_list_of_strings(again) == list);
  }
  return 0;
}
