// No-Vary-Search (draft-ietf-httpbis-no-vary-search): which differences between the queries of two URLs do not matter.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/http/fields.hpp"

namespace freshet {

/// What a response says about its URL's query ("URL variation config"; earlier drafts: "URL search variance").
struct UrlVariation {
  /// More is taken for the default.
  static constexpr std::size_t kMostNames = 64, kLongestNames = 2048;

  bool any_order = false;          ///< the order of parameters with different names does not matter
  bool only_named = false;         ///< only the parameters in `names` matter; otherwise all but these
  std::vector<std::string> names;  ///< decoded, in UTF-8; sorted, each once

  /// Every difference matters, even one of spelling.
  bool is_default() const noexcept { return !any_order && !only_named && names.empty(); }
  bool matters(std::string_view name) const;
  bool operator==(const UrlVariation&) const = default;
};

/// A name or value of a query as application/x-www-form-urlencoded means it, byte by byte: "+" is a space, "%41" is "A".
std::string decode_parameter(std::string_view text);

/// From all No-Vary-Search lines. The default when there is none, and for whatever is not well-formed. Both spellings
/// that are in use are read: `params, except=("a")` (to draft 04, and in browsers) and `except=("a")`.
UrlVariation parse_no_vary_search(FieldsView response);

/// What is left of a query (without "?") once all that does not matter is gone: parameters that do not matter, their
/// order, percent-encoding, empty parts. Two queries are equivalent when the results are equal. REQUIRES:
/// !variation.is_default(). Empty optional for more than kMostParameters.
std::optional<std::string> canonical_query(std::string_view query, const UrlVariation& variation);
inline constexpr std::size_t kMostParameters = 512;

}  // namespace freshet
