// The field names Freshet knows, interned to small numbers with flags: the rows of fields.def.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace freshet {

enum class FieldId : std::uint16_t {
  Unknown,
#define FIELD(id, name, flags) id,
#include "freshet/http/fields.def"
#undef FIELD
};

/// What a known field is; combined with |.
enum FieldFlags : std::uint16_t {
  kPlain = 0,
  kHopByHop = 1 << 0,   ///< concerns one connection only (RFC 9110 7.6.1); never stored, never forwarded
  kList = 1 << 1,       ///< a #list: several lines mean the same as one joined by commas (RFC 9110 5.3)
  kSingleton = 1 << 2,  ///< may appear once; more is an error or makes it invalid
  kProtected = 1 << 3,  ///< a Connection nomination cannot remove it
  kForbiddenTrailer =
      1 << 4,            ///< ignored in trailer sections: framing, routing, authentication, caching (RFC 9110 6.5.1)
  kFixedOn304 = 1 << 5,  ///< a 304 must not change the stored value (RFC 9111 3.2)
  kCredential = 1 << 6,  ///< never logged
  kOverride = 1 << 7,    ///< some origins take another method, URL or host from it than the request line and Host say
  kForwardedClaim = 1 << 8,  ///< says what an earlier connection was like; some origins believe it
};

/// The id of a field name in any case; FieldId::Unknown when it is not in the table. No allocation.
FieldId intern_field(std::string_view name) noexcept;
/// The known field that CGI, WSGI and their kin would take `name` for, as they read '_' and '-' alike: of
/// Content_Length that is Content-Length. Unknown for all others, and for names that are known themselves.
FieldId field_mistaken_for(std::string_view name) noexcept;
/// The name with its usual spelling; empty for Unknown.
std::string_view field_name(FieldId) noexcept;
/// The same with ": " behind it, as a line begins.
std::string_view field_line_start(FieldId) noexcept;

inline constexpr auto kFieldFlags = std::to_array<std::uint16_t>({
    kPlain,
#define FIELD(id, name, flags) flags,
#include "freshet/http/fields.def"
#undef FIELD
});
constexpr std::uint16_t field_flags(FieldId id) noexcept { return kFieldFlags[static_cast<std::size_t>(id)]; }

/// Which field names there are, Unknown being one of them.
class FieldIdSet {
 public:
  constexpr FieldIdSet() = default;
  constexpr FieldIdSet(std::initializer_list<FieldId> ids) noexcept {
    for (const FieldId id : ids) add(id);
  }
  /// Everything.
  static constexpr FieldIdSet all() noexcept {
    FieldIdSet set;
    for (std::uint64_t& word : set.words_) word = ~std::uint64_t{0};
    return set;
  }
  /// All known fields that have one of these flags.
  static constexpr FieldIdSet with_flags(unsigned flags) noexcept {
    FieldIdSet set;
    for (std::size_t id = 1; id < kFieldFlags.size(); ++id)
      if ((kFieldFlags[id] & flags) != 0) set.add(static_cast<FieldId>(id));
    return set;
  }
  constexpr void add(FieldId id) noexcept {
    const auto at = static_cast<unsigned>(id);
    words_[at / 64] |= std::uint64_t{1} << at % 64;
  }
  constexpr FieldIdSet& operator|=(const FieldIdSet& other) noexcept {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
    return *this;
  }
  friend constexpr FieldIdSet operator|(FieldIdSet a, const FieldIdSet& b) noexcept { return a |= b; }
  constexpr bool holds(FieldId id) const noexcept {
    const auto at = static_cast<unsigned>(id);
    return (words_[at / 64] >> at % 64 & 1) != 0;
  }
  constexpr bool meets(const FieldIdSet& other) const noexcept {
    std::uint64_t common = 0;
    for (std::size_t i = 0; i < words_.size(); ++i) common |= words_[i] & other.words_[i];
    return common != 0;
  }

 private:
  static constexpr std::size_t kWords = (kFieldFlags.size() + 63) / 64;
  std::array<std::uint64_t, kWords> words_{};
};

}  // namespace freshet
