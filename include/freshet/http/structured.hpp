// Structured Fields (RFC 9651): the strict reader for dictionaries (RFC 9213) and the items that we write.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace freshet {

/// A bare item of a dictionary member; parameters are checked and dropped.
struct DictionaryMember {
  std::string_view key;
  enum class Kind : std::uint8_t {
    Boolean,
    Integer,
    Decimal,
    String,
    Token,
    Bytes,
    InnerList,
    Date,
    Display
  } kind = Kind::Boolean;
  bool boolean = true;
  std::int64_t integer = 0;  ///< Integer, Date; of a Decimal the whole part
  std::string_view
      text;  ///< token, number, inner list, or what stands between quotes or colons, as it came (escapes kept)
};

/// Parses a whole dictionary; empty optional when any part is invalid, as RFC 9651 4.2 demands. A later key replaces an
/// earlier one. An empty text is an empty dictionary. More than 1024 members are refused. Views point into the text.
std::optional<std::vector<DictionaryMember>> parse_dictionary(std::string_view);

/// The items of an inner list (DictionaryMember::text of one) without their escapes; empty optional when one of them is
/// not a String.
std::optional<std::vector<std::string>> parse_string_list(std::string_view inner_list);

/// The same for a whole field that is a List of Strings (RFC 9651 3.1): parameters are checked and dropped. Empty optional
/// also for more than 1024 members. An empty text is an empty list.
std::optional<std::vector<std::string>> parse_list_of_strings(std::string_view field);

/// Appends an sf-string, quoted and escaped; bytes that it cannot hold become '?'.
void append_sf_string(std::string& out, std::string_view text);
/// True when `text` is a valid sf-token.
bool is_sf_token(std::string_view text) noexcept;

}  // namespace freshet
