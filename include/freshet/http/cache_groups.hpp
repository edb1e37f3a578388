// Groups of responses that are invalidated together: Cache-Groups (RFC 9875), and the two older fields that say the same.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "freshet/http/fields.hpp"

namespace freshet {

/// So many groups a response may be in, and may invalidate (RFC 9875 2 and 3 ask for 32 at least).
inline constexpr std::size_t kMostGroups = 128;

/// Surrogate-Key and Cache-Tag are for us alone, and go no further.
constexpr bool is_private_group_field(FieldId id) noexcept { return id == FieldId::SurrogateKey || id == FieldId::CacheTag; }
bool has_group_fields(FieldsView response) noexcept;
bool has_private_group_fields(FieldsView response) noexcept;

/// Names are compared byte for byte (RFC 9875 2.1).
struct GroupNames {
  std::vector<std::string> names;  ///< sorted, each once; at most kMostGroups of them
  bool too_many = false;           ///< there were more
  bool twice = false;              ///< one of them in Cache-Groups, and in another field too
};

/// What a response says it belongs to: Cache-Groups, a List of Strings of which a mistake makes the whole field count for
/// nothing; Surrogate-Key, names between spaces; Cache-Tag, names between commas.
GroupNames read_groups(FieldsView response);
/// The same once a 304 has come: Cache-Groups of the stored response as it is now, and the other two fields of the 304.
GroupNames read_groups(FieldsView freshened, FieldsView not_modified);
/// Those in Cache-Groups alone.
GroupNames read_cache_groups(FieldsView response);
/// Those that a response to an unsafe request invalidates: Cache-Group-Invalidation (RFC 9875 3).
GroupNames read_invalidated_groups(FieldsView response);

}  // namespace freshet
