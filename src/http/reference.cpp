#include "freshet/http/reference.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>

#include "freshet/http/target.hpp"

namespace freshet {

std::optional<std::string> resolve_same_origin(std::string_view scheme, std::string_view authority,
                                               std::string_view target, std::string_view reference) {
  std::string text;
  text.append(scheme).append("://").append(authority).append(target);
  const auto base = boost::urls::parse_uri(text);
  const auto given = boost::urls::parse_uri_reference(reference);
  if (!base || !given) return {};
  boost::urls::url resolved;
  if (boost::urls::resolve(*base, *given, resolved).has_error()) return {};
  if (std::string_view(resolved.scheme()) != scheme) return {};
  Arena arena;
  const auto there = normalise_authority(std::string_view(resolved.encoded_authority()), scheme, arena);
  if (!there || *there != authority) return {};
  std::string out(resolved.encoded_path());
  if (out.empty()) out.push_back('/');
  if (resolved.has_query()) out.append("?").append(std::string_view(resolved.encoded_query()));
  return out;
}

}  // namespace freshet
