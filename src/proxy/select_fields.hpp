// A look at some of the lines of a head.
#pragma once

#include <cstddef>

#include "freshet/base/arena.hpp"
#include "freshet/http/fields.hpp"

namespace freshet {

/// A view of the same block with the lines alone of which `wanted(FieldId)` is true; its index lies in the arena.
template <class Wanted>
FieldsView select_fields(FieldsView fields, Arena& arena, Wanted wanted) {
  const auto all = fields.entries();
  auto* const chosen = static_cast<FieldEntry*>(arena.allocate(all.size() * sizeof(FieldEntry), alignof(FieldEntry)));
  std::size_t count = 0;
  for (const FieldEntry& entry : all)
    if (wanted(entry.id)) chosen[count++] = entry;
  return fields.with_entries({chosen, count});
}

}  // namespace freshet
