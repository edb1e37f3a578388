// Header fields: one flat block of lines in their HTTP/1 form ("Name: value\r\n"), or two, and an index into it.
// The block can be written to a socket as it is; HTTP/2 and HTTP/3 walk the index instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "freshet/http/field_id.hpp"

namespace freshet {

/// What a Fields can hold: bytes of one name, and of all lines together. Parsers refuse a message long before.
inline constexpr std::size_t kLongestFieldName = 0xFFFF;
inline constexpr std::size_t kLargestFieldBlock = 0x7FFF'FFFF;

/// Where one field line lies in its block. The value follows the name after ": ".
struct FieldEntry {
  static constexpr std::uint32_t kInSecond = 0x8000'0000;  ///< in `name_at`: the line lies in the view's second block
  std::uint32_t name_at;
  std::uint32_t value_size;
  std::uint16_t name_size;
  FieldId id;
};

/// One field line, seen.
struct Field {
  FieldId id;
  std::string_view name;   ///< with the spelling it came with
  std::string_view value;  ///< without surrounding white space
};

/// A look at field lines that somebody else keeps alive. Three pointers, two sizes and a set: pass it by value.
class FieldsView {
 public:
  FieldsView() = default;
  /// `ids`: of the lines, and maybe others.
  FieldsView(const char* block, std::uint32_t block_size, std::span<const FieldEntry> entries, bool contiguous,
             const FieldIdSet& ids = FieldIdSet::all()) noexcept
      : blocks_{block, nullptr},
        entries_(entries.data()),
        ids_(ids),
        count_(static_cast<std::uint32_t>(entries.size())),
        size_(contiguous ? block_size : kSelection) {}
  /// Lines that lie in two blocks. REQUIRES: the entries are about all that is in them, `size` bytes together.
  FieldsView(const char* block, const char* second, std::uint32_t size, std::span<const FieldEntry> entries) noexcept
      : blocks_{block, second},
        entries_(entries.data()),
        ids_(FieldIdSet::all()),
        count_(static_cast<std::uint32_t>(entries.size())),
        size_(size) {}

  std::size_t size() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }
  Field operator[](std::size_t i) const noexcept {
    const FieldEntry& e = entries_[i];
    const char* const name = place(e.name_at);
    return {e.id, {name, e.name_size}, {name + e.name_size + 2, e.value_size}};
  }

  class Iterator {
   public:
    using difference_type = std::ptrdiff_t;
    using value_type = Field;
    Iterator(const FieldsView* view, std::size_t i) noexcept : view_(view), i_(i) {}
    Field operator*() const noexcept { return (*view_)[i_]; }
    Iterator& operator++() noexcept {
      ++i_;
      return *this;
    }
    bool operator!=(const Iterator& other) const noexcept { return i_ != other.i_; }

   private:
    const FieldsView* view_;
    std::size_t i_;
  };
  Iterator begin() const noexcept { return {this, 0}; }
  Iterator end() const noexcept { return {this, count_}; }

  /// The value of the first line with this id. FieldId::Unknown matches nothing, here and below.
  std::optional<std::string_view> first(FieldId id) const noexcept {
    for (std::size_t i = 0; ids_.holds(id) && i < count_; ++i)
      if (entries_[i].id == id && id != FieldId::Unknown) return (*this)[i].value;
    return {};
  }
  /// The same by name, in any case, for names that are not in fields.def too.
  std::optional<std::string_view> first(std::string_view name) const noexcept;
  bool contains(FieldId id) const noexcept { return first(id).has_value(); }
  std::size_t count(FieldId) const noexcept;
  /// False: there is none of them. At once, but true does not say that there is one.
  bool may_hold(const FieldIdSet& ids) const noexcept { return ids_.meets(ids); }
  /// All lines of this name (any case) joined by ", " (RFC 9110 5.3), appended to `out`. False when there is none.
  bool join(std::string_view name, std::string& out) const;

  /// All lines in their HTTP/1 form when they lie next to each other with no hole; empty optional otherwise.
  std::optional<std::string_view> wire() const noexcept {
    if (size_ == kSelection || blocks_[1] != nullptr) return {};
    return std::string_view(blocks_[0], size_);
  }
  /// Bytes that the lines take in their HTTP/1 form.
  std::size_t wire_size() const noexcept;
  /// All lines in that form: `each` is called with every run of them that lie next to each other.
  template <class Each>
  void each_run(Each each) const {
    for (std::size_t i = 0; i < count_;) {
      const std::uint32_t from = entries_[i].name_at;
      std::size_t to = from;
      for (; i < count_ && entries_[i].name_at == to; ++i)
        to += entries_[i].name_size + entries_[i].value_size + std::size_t{4};
      each(std::string_view(place(from), to - from));
    }
  }
  std::span<const FieldEntry> entries() const noexcept { return {entries_, count_}; }
  /// The same lines seen through another index: a selection of them. `entries` must outlive the view.
  FieldsView with_entries(std::span<const FieldEntry> entries) const noexcept {
    FieldsView view(blocks_[0], blocks_[1], kSelection, entries);
    view.ids_ = ids_;
    return view;
  }

 private:
  static constexpr std::uint32_t kSelection = UINT32_MAX;
  const char* place(std::uint32_t name_at) const noexcept {
    return blocks_[name_at / FieldEntry::kInSecond] + name_at % FieldEntry::kInSecond;
  }

  const char* blocks_[2] = {nullptr, nullptr};
  const FieldEntry* entries_ = nullptr;
  FieldIdSet ids_;
  std::uint32_t count_ = 0;
  std::uint32_t size_ = 0;  // bytes of all lines; kSelection: not all that is in the blocks
};

/// Field lines that it owns. clear() keeps the memory, so a connection that reuses one allocates nothing.
/// REQUIRES: names are tokens of at most kLongestFieldName bytes, values hold no CR, LF or NUL, and all lines fit
/// kLargestFieldBlock (the parser and our own code see to it).
class Fields {
 public:
  /// Appends a line. The value's surrounding white space is dropped. Name and value may lie in this very object.
  void add(std::string_view name, std::string_view value);
  void add(FieldId, std::string_view value);
  /// Removes all lines of that name and appends this one.
  void set(FieldId id, std::string_view value) {
    remove(id);
    add(id, value);
  }
  /// Each removes all lines that match and returns how many there were.
  std::size_t remove(FieldId);
  std::size_t remove(std::string_view name);
  template <class Predicate>  // bool(const Field&)
  std::size_t remove_if(Predicate predicate) {
    const FieldsView before = view();
    std::size_t kept = 0;
    const std::size_t all = entries_.size();
    for (std::size_t i = 0; i < all; ++i)
      if (!predicate(before[i])) entries_[kept++] = entries_[i];
    entries_.resize(kept);
    return note_removal(all);
  }
  /// REQUIRES: Unknown is not among them.
  std::size_t remove(const FieldIdSet& ids) {
    const std::size_t all = entries_.size();
    if (ids_.meets(ids)) std::erase_if(entries_, [&ids](const FieldEntry& entry) { return ids.holds(entry.id); });
    return note_removal(all);
  }
  /// The value in parts, without white space around it. None of them lies in this object.
  void add_joined(FieldId, std::initializer_list<std::string_view> value);
  /// Becomes a copy of lines in their HTTP/1 form, whose places are then told one by one with add_in_place().
  /// REQUIRES: every line is told, or everything cleared.
  void adopt(std::string_view lines) {
    clear();
    block_.assign(lines);
  }
  void add_in_place(FieldId id, std::size_t name_at, std::size_t name_size, std::size_t value_size) {
    entries_.push_back({static_cast<std::uint32_t>(name_at), static_cast<std::uint32_t>(value_size),
                        static_cast<std::uint16_t>(name_size), id});
    ids_.add(id);
  }
  void append(FieldsView other) {
    for (Field f : other) add_interned(f.id, f.name, f.value);
  }

  /// Becomes a copy of `other`, with room for so many bytes and lines more.
  void copy(const Fields& other, std::size_t bytes, std::size_t lines) {
    reserve(other.block_.size() + bytes, other.size() + lines);
    block_.assign(other.block_);
    entries_.assign(other.entries_.begin(), other.entries_.end());
    contiguous_ = other.contiguous_;
    ids_ = other.ids_;
  }
  void swap(Fields& other) noexcept {
    block_.swap(other.block_);
    entries_.swap(other.entries_);
    std::swap(ids_, other.ids_);
    std::swap(contiguous_, other.contiguous_);
  }
  /// Room for so many bytes and lines in all.
  void reserve(std::size_t bytes, std::size_t lines) {
    block_.reserve(bytes);
    entries_.reserve(lines);
  }
  void clear() noexcept {
    block_.clear();
    entries_.clear();
    contiguous_ = true;
    ids_ = {};
  }
  /// Gives the memory back.
  void release() noexcept {
    std::string().swap(block_);  // "= {}" would keep it
    std::vector<FieldEntry>().swap(entries_);
    contiguous_ = true;
    ids_ = {};
  }
  /// Closes the holes that removals left, so that wire() works.
  void compact();

  FieldsView view() const noexcept {
    return {block_.data(), static_cast<std::uint32_t>(block_.size()), entries_, contiguous_, ids_};
  }
  operator FieldsView() const noexcept { return view(); }
  std::size_t size() const noexcept { return entries_.size(); }
  bool empty() const noexcept { return entries_.empty(); }
  std::optional<std::string_view> first(FieldId id) const noexcept { return view().first(id); }
  std::optional<std::string_view> first(std::string_view name) const noexcept { return view().first(name); }
  bool contains(FieldId id) const noexcept { return view().contains(id); }
  std::size_t count(FieldId id) const noexcept { return view().count(id); }

 private:
  void add_interned(FieldId, std::string_view name, std::string_view value);
  char* add_line(FieldId, std::string_view name, std::size_t value_size);
  std::size_t note_removal(std::size_t before) noexcept {
    if (entries_.empty())
      clear();
    else if (entries_.size() != before)
      contiguous_ = false;
    return before - entries_.size();
  }
  std::string block_;
  std::vector<FieldEntry> entries_;
  FieldIdSet ids_;  // of the lines, and of some that were removed
  bool contiguous_ = true;
};

}  // namespace freshet
