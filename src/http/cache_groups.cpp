#include "freshet/http/cache_groups.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "freshet/base/ascii.hpp"
#include "freshet/http/structured.hpp"

namespace freshet {
namespace {

using Names = std::vector<std::string>;

void add_structured(FieldsView fields, std::string_view name, Names& out) {
  std::string all;
  if (!fields.join(name, all)) return;
  auto list = parse_list_of_strings(all);
  if (list) out.insert(out.end(), std::make_move_iterator(list->begin()), std::make_move_iterator(list->end()));
}

// The names in all lines of a field, with white space around them taken off.
void add_separated(FieldsView fields, FieldId id, std::string_view separators, Names& out) {
  for (const Field field : fields) {
    if (field.id != id) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      const std::size_t end = std::min(rest.find_first_of(separators), rest.size());
      const std::string_view name = ascii::trim(rest.substr(0, end));
      if (!name.empty()) out.emplace_back(name);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
}

void sort_out(Names& names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

GroupNames tidy(Names names) {
  sort_out(names);
  const bool too_many = names.size() > kMostGroups;
  if (too_many) names.resize(kMostGroups);
  return {std::move(names), too_many, false};
}

}  // namespace

bool has_private_group_fields(FieldsView response) noexcept {
  const auto entries = response.entries();
  return std::any_of(entries.begin(), entries.end(), [](const FieldEntry& entry) { return is_private_group_field(entry.id); });
}

bool has_group_fields(FieldsView response) noexcept {
  const auto entries = response.entries();
  return std::any_of(entries.begin(), entries.end(), [](const FieldEntry& entry) {
    return entry.id == FieldId::CacheGroups || is_private_group_field(entry.id);
  });
}

GroupNames read_groups(FieldsView response) {
  if (!has_group_fields(response)) return {};
  return read_groups(response, response);
}

GroupNames read_groups(FieldsView freshened, FieldsView not_modified) {
  Names names, others;
  add_structured(freshened, "cache-groups", names);
  add_separated(not_modified, FieldId::SurrogateKey, " \t", others);
  add_separated(not_modified, FieldId::CacheTag, ",", others);
  sort_out(names);
  sort_out(others);
  const std::size_t all = names.size() + others.size();
  names.insert(names.end(), std::make_move_iterator(others.begin()), std::make_move_iterator(others.end()));
  sort_out(names);
  const bool twice = names.size() < all;
  GroupNames groups = tidy(std::move(names));
  groups.twice = twice;
  return groups;
}

GroupNames read_cache_groups(FieldsView response) {
  Names names;
  add_structured(response, "cache-groups", names);
  return tidy(std::move(names));
}

GroupNames read_invalidated_groups(FieldsView response) {
  Names names;
  add_structured(response, "cache-group-invalidation", names);
  return tidy(std::move(names));
}

}  // namespace freshet
