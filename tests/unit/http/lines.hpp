// Fields from a list of lines, for the tests of this folder.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "freshet/http/fields.hpp"

namespace freshet {

struct Line {
  std::string_view name, value;
};

inline Fields fields_of(std::initializer_list<Line> lines) {
  Fields fields;
  for (const Line& line : lines) fields.add(line.name, line.value);
  return fields;
}

/// "Name: value|Name: value", in order: one string to compare with.
inline std::string shown(FieldsView fields) {
  std::string out;
  for (const Field field : fields) {
    if (!out.empty()) out += '|';
    out.append(field.name).append(": ").append(field.value);
  }
  return out;
}

}  // namespace freshet
