#include "freshet/http/fields.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

#include "freshet/base/ascii.hpp"
#include "freshet/base/check.hpp"

namespace freshet {
namespace {

// A name that was interned can be looked for by number; any other by its letters.
class NameMatch {
 public:
  explicit NameMatch(std::string_view name) noexcept : name_(name), id_(intern_field(name)) {}
  bool operator()(const Field& f) const noexcept {
    return id_ != FieldId::Unknown ? f.id == id_ : f.id == FieldId::Unknown && ascii::iequals(f.name, name_);
  }

 private:
  std::string_view name_;
  FieldId id_;
};

bool lies_in(std::string_view s, const std::string& block) noexcept {
  const std::less_equal<const char*> at_most;
  return !s.empty() && at_most(block.data(), s.data()) && at_most(s.data(), block.data() + block.capacity());
}

}  // namespace

std::optional<std::string_view> FieldsView::first(std::string_view name) const noexcept {
  const NameMatch matches(name);
  for (std::size_t i = 0; i < count_; ++i)
    if (const Field field = (*this)[i]; matches(field)) return field.value;
  return {};
}

std::size_t FieldsView::count(FieldId id) const noexcept {
  if (id == FieldId::Unknown || !ids_.holds(id)) return 0;
  std::size_t found = 0;
  for (std::size_t i = 0; i < count_; ++i) found += entries_[i].id == id;
  return found;
}

bool FieldsView::join(std::string_view name, std::string& out) const {
  const NameMatch matches(name);
  bool found = false;
  for (std::size_t i = 0; i < count_; ++i) {
    const Field field = (*this)[i];
    if (!matches(field)) continue;
    if (found) out += ", ";
    out += field.value;
    found = true;
  }
  return found;
}

std::size_t FieldsView::wire_size() const noexcept {
  if (size_ != kSelection) return size_;
  std::size_t size = 0;
  for (const FieldEntry& e : entries()) size += e.name_size + e.value_size + std::size_t{4};
  return size;
}

void Fields::add(std::string_view name, std::string_view value) { add_interned(intern_field(name), name, value); }

void Fields::add(FieldId id, std::string_view value) { add_interned(id, field_name(id), value); }

std::size_t Fields::remove(FieldId id) {
  return id == FieldId::Unknown ? 0 : remove(FieldIdSet{id});
}

std::size_t Fields::remove(std::string_view name) { return remove_if(NameMatch(name)); }

void Fields::compact() {
  if (contiguous_) return;
  // Entries are in the order of the block, so that lines only ever move towards its front.
  std::size_t at = 0;
  for (FieldEntry& e : entries_) {
    const std::size_t size = e.name_size + e.value_size + std::size_t{4};
    if (e.name_at != at) std::char_traits<char>::move(block_.data() + at, block_.data() + e.name_at, size);
    e.name_at = static_cast<std::uint32_t>(at);
    at += size;
  }
  block_.resize(at);
  contiguous_ = true;
}

void Fields::add_interned(FieldId id, std::string_view name, std::string_view value) {
  value = ascii::trim(value);
  if (lies_in(name, block_) || lies_in(value, block_)) {  // growing or clearing the block would pull it from under us
    const std::string own_name(name), own_value(value);
    return add_interned(id, own_name, own_value);
  }
  char* const room = add_line(id, name, value.size());
  if (!value.empty()) std::memcpy(room, value.data(), value.size());
}

void Fields::add_joined(FieldId id, std::initializer_list<std::string_view> value) {
  std::size_t size = 0;
  for (const std::string_view part : value) size += part.size();
  char* room = add_line(id, field_name(id), size);
  for (const std::string_view part : value) room = std::copy(part.begin(), part.end(), room);
}

// The line but for its value, whose place it returns.
char* Fields::add_line(FieldId id, std::string_view name, std::size_t value_size) {
  const std::size_t at = block_.size();
  const std::size_t size = name.size() + value_size + 4;
  ENSURE(!name.empty() && name.size() <= kLongestFieldName);
  ENSURE(size <= kLargestFieldBlock && at <= kLargestFieldBlock - size);
  if (block_.capacity() - at < size) block_.reserve(std::max(at + size, 2 * block_.capacity()));
  entries_.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(value_size),
                      static_cast<std::uint16_t>(name.size()), id});
  ids_.add(id);
  block_.resize(at + size);
  char* const line = block_.data() + at;
  std::memcpy(line, name.data(), name.size());
  char* const value = line + name.size() + 2;
  std::memcpy(value - 2, ": ", 2);
  std::memcpy(value + value_size, "\r\n", 2);
  return value;
}

}  // namespace freshet
