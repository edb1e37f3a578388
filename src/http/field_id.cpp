#include "freshet/http/field_id.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "freshet/base/ascii.hpp"

namespace freshet {
namespace {

struct Row {
  std::string_view name;
  std::uint16_t flags;
};

constexpr auto kRows = std::to_array<Row>({
    {"", kPlain},
#define FIELD(id, name, flags) {name, flags},
#include "freshet/http/fields.def"
#undef FIELD
});

constexpr std::size_t longest_name() {
  std::size_t longest = 0;
  for (const Row& row : kRows) longest = std::max(longest, row.name.size());
  return longest;
}
constexpr std::size_t kLongest = longest_name();

// Open addressing over a table four times as large as needed: one probe for nearly every name, known or not.
constexpr std::size_t kSlots = 256;
static_assert(kRows.size() * 2 < kSlots, "the table of field names has become too full: double kSlots");

constexpr std::size_t slot_of(std::string_view name) noexcept {
  const auto byte = [name](std::size_t i) { return static_cast<std::uint32_t>(ascii::lower(name[i])); };
  const std::size_t n = name.size();
  const std::uint32_t key = byte(0) | byte(n - 1) << 8 | byte(n / 2) << 16 | static_cast<std::uint32_t>(n) << 24;
  return (key * 0x9E3779B1U) >> 24;
}

struct Table {
  std::array<std::uint8_t, kSlots> slots{};
  std::array<std::array<char, (kLongest + 7) / 8 * 8>, kRows.size()> lower{};
};

constexpr Table make_table() {
  Table table;
  for (std::size_t id = 1; id < kRows.size(); ++id) {
    const std::string_view name = kRows[id].name;
    for (std::size_t i = 0; i < name.size(); ++i) table.lower[id][i] = ascii::lower(name[i]);
    std::size_t slot = slot_of(name);
    while (table.slots[slot] != 0) slot = (slot + 1) % kSlots;
    table.slots[slot] = static_cast<std::uint8_t>(id);
  }
  return table;
}
constexpr Table kTable = make_table();
static_assert(kRows.size() <= 256, "the slots hold one byte");

template <class Word>
Word load(const char* at) noexcept {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Lower-cases every byte of a word that is an upper-case letter, and no other.
template <class Word>
constexpr Word lower_word(Word w) noexcept {
  constexpr Word kOnes = static_cast<Word>(-1) / 0xFF;
  const Word low = w & (kOnes * 0x7F);
  const Word from_a = low + kOnes * (0x80 - 'A');
  const Word past_z = low + kOnes * (0x80 - 'Z' - 1);
  const Word upper = (from_a ^ past_z) & ~w & (kOnes * 0x80);
  return w | upper >> 2;
}

// `lower` is lower-cased already; both hold `size` bytes.
bool same(const char* name, const char* lower, std::size_t size) noexcept {
  if (size >= 8) {
    for (std::size_t i = 0; i + 8 < size; i += 8)
      if (lower_word(load<std::uint64_t>(name + i)) != load<std::uint64_t>(lower + i)) return false;
    return lower_word(load<std::uint64_t>(name + size - 8)) == load<std::uint64_t>(lower + size - 8);
  }
  if (size >= 4)
    return lower_word(load<std::uint32_t>(name)) == load<std::uint32_t>(lower) &&
           lower_word(load<std::uint32_t>(name + size - 4)) == load<std::uint32_t>(lower + size - 4);
  for (std::size_t i = 0; i < size; ++i)
    if (ascii::lower(name[i]) != lower[i]) return false;
  return true;
}

}  // namespace

FieldId intern_field(std::string_view name) noexcept {
  if (name.empty() || name.size() > kLongest) return FieldId::Unknown;
  for (std::size_t slot = slot_of(name);; slot = (slot + 1) % kSlots) {
    const std::size_t id = kTable.slots[slot];
    if (id == 0) return FieldId::Unknown;
    const std::string_view known = kRows[id].name;
    if (known.size() != name.size()) continue;
    // Most write a name as its RFC does.
    if (std::memcmp(name.data(), known.data(), name.size()) == 0 ||
        same(name.data(), kTable.lower[id].data(), name.size()))
      return static_cast<FieldId>(id);
  }
}

FieldId field_mistaken_for(std::string_view name) noexcept {
  if (name.size() > kLongest || name.find('_') == std::string_view::npos) return FieldId::Unknown;
  std::array<char, kLongest> dashed{};
  std::replace_copy(name.begin(), name.end(), dashed.begin(), '_', '-');
  return intern_field({dashed.data(), name.size()});
}

std::string_view field_name(FieldId id) noexcept { return kRows[static_cast<std::size_t>(id)].name; }

std::uint16_t field_flags(FieldId id) noexcept { return kRows[static_cast<std::size_t>(id)].flags; }

}  // namespace freshet
