#include "freshet/cache/odd_request.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace freshet {
namespace {

constexpr std::size_t kManyFields = 50, kManyFieldBytes = 4096;

constexpr std::array<bool, 256> kOddBytes = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x80; c < table.size(); ++c) table[c] = true;
  for (const char c : std::string_view("\t<>{}\\|^$")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();
bool is_odd_byte(char c) noexcept { return kOddBytes[static_cast<unsigned char>(c)]; }

}  // namespace

bool is_odd(const RequestHead& request) noexcept {
  const FieldsView fields = request.fields;
  if (fields.size() > kManyFields || fields.wire_size() > kManyFieldBytes) return true;
  for (const Field field : fields)
    if (std::any_of(field.value.begin(), field.value.end(), is_odd_byte)) return true;
  return false;
}

}  // namespace freshet
