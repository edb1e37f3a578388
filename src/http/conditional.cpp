#include "freshet/http/conditional.hpp"

#include "freshet/base/ascii.hpp"
#include "freshet/http/date.hpp"

namespace freshet {
namespace {

// W/ is case-sensitive and counts only before a quote: anything else is malformed and equals nothing but itself.
std::string_view opaque_tag(std::string_view tag) noexcept { return tag.starts_with("W/\"") ? tag.substr(2) : tag; }

bool looks_weak(std::string_view tag) noexcept { return tag.starts_with("W/") || tag.starts_with("w/"); }

// Splits a list of entity tags: commas inside quotes do not count, and a backslash in an entity tag is a byte like any
// other (RFC 9110 8.8.3), so this is not the list of section 5.6.1.
bool next_tag(std::string_view& rest, std::string_view& tag) noexcept {
  while (!rest.empty()) {
    std::size_t at = 0;
    for (bool quoted = false; at < rest.size() && (quoted || rest[at] != ','); ++at)
      if (rest[at] == '"') quoted = !quoted;
    tag = ascii::trim(rest.substr(0, at));
    rest.remove_prefix(at < rest.size() ? at + 1 : at);
    if (!tag.empty()) return true;
  }
  return false;
}

bool none_match_hits(FieldsView request, std::string_view etag) noexcept {
  for (const Field field : request) {
    if (field.id != FieldId::IfNoneMatch) continue;
    if (field.value == "*") return true;
    std::string_view rest = field.value;
    for (std::string_view tag; next_tag(rest, tag);)
      if (weak_match(tag, etag)) return true;
  }
  return false;
}

}  // namespace

bool weak_match(std::string_view a, std::string_view b) noexcept {
  return !a.empty() && opaque_tag(a) == opaque_tag(b);
}

bool strong_match(std::string_view a, std::string_view b) noexcept { return !a.empty() && a == b && !looks_weak(a); }

bool is_not_modified(FieldsView request, const Validators& stored, std::int64_t now) noexcept {
  if (!request.may_hold({FieldId::IfNoneMatch, FieldId::IfModifiedSince})) return false;
  if (request.contains(FieldId::IfNoneMatch)) return none_match_hits(request, stored.etag);
  if (request.count(FieldId::IfModifiedSince) != 1) return false;
  const auto since = parse_http_date(*request.first(FieldId::IfModifiedSince), now);
  const auto changed = stored.last_modified ? stored.last_modified : stored.date;
  return since && changed && *changed <= *since;
}

bool range_applies(FieldsView request, const Validators& stored, std::int64_t now) noexcept {
  const std::size_t lines = request.count(FieldId::IfRange);
  if (lines == 0) return true;
  if (lines > 1) return false;
  const std::string_view validator = *request.first(FieldId::IfRange);
  const auto date = parse_http_date(validator, now);
  if (!date) return strong_match(validator, stored.etag);
  // A date is a strong validator only when the representation could not have changed twice in its second (8.8.2.2).
  const bool strong = stored.last_modified && stored.date && *stored.date > *stored.last_modified;
  return strong && *date == *stored.last_modified;
}

}  // namespace freshet
