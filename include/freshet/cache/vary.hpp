// Which of several stored responses a request selects (RFC 9111 4.1).
//
// A vary key is a text of lines, one for each field that Vary names, sorted by name:
//   "name:normalised value\n"   the field is there
//   "name\n"                    it is not (which differs from an empty value)
#pragma once

#include <array>
#include <cstddef>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>

#include "freshet/http/fields.hpp"

namespace freshet {

/// What a Vary may ask for: beyond, it counts as "*".
inline constexpr std::size_t kMostVaryNames = 16;
inline constexpr std::size_t kLongestVaryKey = 8192;

/// The request fields that a response's Vary names, with their normalised values, as one comparable text; empty text
/// when there is no Vary. Empty optional for "*", for names that are no tokens, and beyond the limits. Normalised:
/// lines joined, white space around commas dropped; Accept-Encoding and Accept-Language further, where the meaning
/// stays the same:
///   Accept-Encoding: the set of acceptable codings that we know, in order of their names; weights other than 0 do not
///   count (whatever the choice, the client can decode it). Empty optional when a dropped member may have led to the
///   response's Content-Encoding. Accept-Language: in lower case, sorted by falling weight, then name.
std::optional<std::string> make_vary_key(FieldsView response, FieldsView request);

/// "Vary: *": no request selects the response again.
bool says_vary_star(FieldsView response) noexcept;

/// True when `request` has the same normalised values for the fields that `vary_key` names. No allocation when fields
/// are equal byte for byte.
bool vary_matches(std::string_view vary_key, FieldsView request);

/// The vary key of `request` by the names of another one's: what a response that varies like that one would be stored
/// under for this request. Empty when there are no names, and beyond kLongestVaryKey.
std::string make_vary_key_like(std::string_view vary_key, FieldsView request);

/// vary_matches() for one request against many keys: a value is normalised once. One thread; no heap for values up to
/// about 1 KiB.
class VaryMatcher {
 public:
  explicit VaryMatcher(FieldsView request) noexcept : request_(request) {}
  VaryMatcher(const VaryMatcher&) = delete;
  VaryMatcher& operator=(const VaryMatcher&) = delete;
  bool matches(std::string_view vary_key);

 private:
  /// The line of a vary key that this request makes for `name` (lower case), without its end.
  std::string_view line_for(std::string_view name);
  bool matches_line(std::string_view line);

  /// The lines made last. Few requests need any.
  struct Known {
    Known() noexcept {}  // so that the buffer is not filled
    alignas(std::max_align_t) std::array<std::byte, 2048> buffer;
    std::pmr::monotonic_buffer_resource memory{buffer.data(), buffer.size()};
    std::array<std::pmr::string, 4> lines{std::pmr::string(&memory), std::pmr::string(&memory), std::pmr::string(&memory),
                                          std::pmr::string(&memory)};
    std::size_t next = 0;
  };

  FieldsView request_;
  std::optional<Known> known_;
};

}  // namespace freshet
