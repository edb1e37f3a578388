// Taking stored responses out on an operator's word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/cache/store.hpp"
#include "freshet/proxy/caching_proxy.hpp"

namespace freshet {

/// Removes all that is stored for an absolute http or https URL: every variant (Vary), every part, in every upstream's and forward listener's share of the
/// store; fetches that are under way are not stored. Returns how many responses went; empty when the URL cannot be one of a request
/// (RFC 9112 3.2.2). Any thread.
std::optional<std::size_t> purge(Store&, const ProxyOptions&, std::string_view url);

/// One URL a line; white space around it and empty lines do not count. All of them, or none when one cannot be read.
struct PurgeVerdict {
  std::size_t urls = 0, responses = 0;
  std::string refused;  ///< the line that cannot be read; empty: none
};
PurgeVerdict purge_list(Store&, const ProxyOptions&, std::string_view lines);

struct GroupPurgeVerdict {
  std::size_t groups = 0;
  std::uint64_t responses = 0;  ///< that were in them
  std::string refused;          ///< the origin that cannot be read; empty: none
};
/// Purges groups (RFC 9875), one a line, of every upstream and forward listener. `origin`: "http://HOST[:PORT]" whose groups are meant;
/// empty: those of all origins. Responses of theirs that are under way are not stored. Costs the same however many responses are in a
/// group. Any thread.
GroupPurgeVerdict purge_groups(Store&, const ProxyOptions&, std::string_view lines, std::string_view origin, Purge);

}  // namespace freshet
