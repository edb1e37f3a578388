#include "freshet/http/forwarding.hpp"

#include <limits>
#include <vector>

#include "freshet/base/ascii.hpp"
#include "freshet/http/grammar.hpp"

namespace freshet {
namespace {

// Takes the next token off a list that holds tokens only. Quotes have no meaning there, so they hide nothing.
bool next_plain(std::string_view& rest, std::string_view& member) noexcept {
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    member = ascii::trim(rest.substr(0, comma));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    if (!member.empty()) return true;
  }
  return false;
}

constexpr FieldIdSet kHopByHopIds = FieldIdSet::with_flags(kHopByHop);
constexpr FieldIdSet kSteeringIds = FieldIdSet::with_flags(kOverride | kForwardedClaim);

// The fields that Connection nominates.
class Nominations {
 public:
  explicit Nominations(FieldsView fields) {
    for (const Field field : fields) {
      if (field.id != FieldId::Connection) continue;
      bool unknown = false;
      std::string_view rest = field.value;
      for (std::string_view name; next_plain(rest, name);) {
        const FieldId id = intern_field(name);
        if (id == FieldId::Unknown)
          // "close" and "keep-alive" are no fields, and all that nearly every message says.
          unknown = unknown || !ascii::iequals(name, "close");
        else if ((field_flags(id) & kProtected) == 0)
          known_.add(id);
      }
      if (unknown) lists_.push_back(field.value);
    }
  }

  const FieldIdSet& known() const noexcept { return known_; }
  bool hold_others() const noexcept { return !lists_.empty(); }
  bool hold(std::string_view unknown) const noexcept {
    for (std::string_view rest : lists_)
      for (std::string_view name; next_plain(rest, name);)
        if (ascii::iequals(name, unknown)) return true;
    return false;
  }

 private:
  FieldIdSet known_;
  std::vector<std::string_view> lists_;
};

// Makes one line of all lines of that name and the new member.
void append_member(Fields& fields, FieldId id, std::string_view member) {
  if (!fields.contains(id)) return fields.add(id, member);
  std::string line;
  if (fields.view().join(field_name(id), line) && !line.empty()) line += ", ";
  line += member;
  fields.set(id, line);
}

// A client's quote without an end would hide from us what others see.
bool has_open_quote(std::string_view list) noexcept {
  bool quoted = false;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i] == '"') quoted = !quoted;
    if (list[i] == '\\' && quoted) ++i;
  }
  return quoted;
}

// A node or host of Forwarded: a token as it is, anything else quoted (RFC 7239 section 4).
void append_value(std::string& out, std::string_view value) {
  if (is_token(value)) {
    out += value;
    return;
  }
  out += '"';
  if (value.find('"') == std::string_view::npos && value.find('\\') == std::string_view::npos) {
    out += value;
  } else {
    for (char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  out += '"';
}

// What came before us in Forwarded, without what could steer an origin: host, proto and by. Quotes that are not closed
// end what is taken.
void append_earlier_clients(std::string& kept, FieldsView fields) {
  for (const Field field : fields) {
    if (field.id != FieldId::Forwarded || has_open_quote(field.value)) continue;
    ListReader members(field.value);
    for (std::string_view member; members.next(member);) {
      ParameterReader pairs(member, ';');
      std::string_view name, value;
      for (bool has_value = false; pairs.next(name, value, has_value);) {
        if (!has_value || !ascii::iequals(name, "for") || !unquote(value)) continue;
        kept.append(kept.empty() ? "for=" : ", for=").append(value);
        break;
      }
    }
  }
}

// X-Forwarded-Something that fields.def does not know.
bool is_unknown_x_forwarded(const Field& field) noexcept {
  constexpr std::string_view kFamily = "X-Forwarded-";
  return field.id == FieldId::Unknown && ascii::iequals(field.name.substr(0, kFamily.size()), kFamily);
}

// Whether a claim about an earlier connection says something else than the request itself.
bool contradicts(const RequestHead& head, const Field& claim, bool of_client) noexcept {
  if (claim.id == FieldId::XForwardedHost) return !ascii::iequals(claim.value, head.authority);
  if (claim.id == FieldId::XForwardedProto) return of_client && !ascii::iequals(claim.value, head.scheme);
  if (claim.id != FieldId::Forwarded) return of_client;
  ListReader members(claim.value);
  for (std::string_view member; members.next(member);) {
    ParameterReader pairs(member, ';');
    std::string_view name, value;
    for (bool has_value = false; pairs.next(name, value, has_value);) {
      if (value.size() >= 2 && value.front() == '"') value = value.substr(1, value.size() - 2);
      if (ascii::iequals(name, "host") && !ascii::iequals(value, head.authority)) return true;
      if (of_client && ascii::iequals(name, "proto") && !ascii::iequals(value, head.scheme)) return true;
    }
  }
  return false;
}

void append_forwarded_member(std::string& member, std::string_view client, std::string_view scheme,
                             std::string_view host) {
  member += "for=";
  if (client.empty()) {
    member += "unknown";
  } else if (client.find(':') != std::string_view::npos) {
    member.append("\"[").append(client).append("]\"");
  } else {
    append_value(member, client);
  }
  if (!host.empty()) append_value(member += ";host=", host);
  if (!scheme.empty()) append_value(member += ";proto=", scheme);
}

}  // namespace

void strip_hop_by_hop(Fields& fields) {
  if (!fields.view().may_hold({FieldId::Connection})) {  // nobody nominates others
    fields.remove(kHopByHopIds);
    return;
  }
  const Nominations nominated(fields);
  if (nominated.hold_others())  // first: the lists lie in these very fields
    fields.remove_if(
        [&nominated](const Field& field) { return field.id == FieldId::Unknown && nominated.hold(field.name); });
  fields.remove(kHopByHopIds | nominated.known());
}

void strip_forbidden_trailers(Fields& fields) {
  fields.remove_if([](const Field& field) { return (field_flags(field.id) & (kHopByHop | kForbiddenTrailer)) != 0; });
}

std::string_view version_token(Version version) noexcept {
  switch (version) {
    case Version::Http10:
      return "1.0";
    case Version::Http11:
      return "1.1";
    case Version::Http2:
      return "2";
    case Version::Http3:
      return "3";
  }
  return "1.1";
}

void append_via(Fields& fields, Version received, std::string_view pseudonym) {
  if (!fields.contains(FieldId::Via)) return fields.add_joined(FieldId::Via, {version_token(received), " ", pseudonym});
  std::string member(version_token(received));
  member.append(" ").append(pseudonym);
  append_member(fields, FieldId::Via, member);
}

std::size_t count_in_via(FieldsView fields, std::string_view pseudonym) noexcept {
  std::size_t found = 0;
  for (const Field field : fields) {
    if (field.id != FieldId::Via) continue;
    // Comments and quotes are not looked at: an unclosed one in front of our member would hide a loop.
    std::string_view rest = field.value;
    for (std::string_view member; next_plain(rest, member);) {
      const std::size_t space = member.find_first_of(" \t");
      if (space == std::string_view::npos) continue;
      const std::string_view by = ascii::trim(member.substr(space));
      found += ascii::iequals(by.substr(0, by.find_first_of(" \t(")), pseudonym);
    }
  }
  return found;
}

void append_forwarded(Fields& fields, std::string_view client, std::string_view scheme, std::string_view host,
                      const ForwardedOptions& options) {
  if (options.x_forwarded) {
    fields.remove_if([](const Field& f) {
      return f.id != FieldId::Forwarded && ((field_flags(f.id) & kForwardedClaim) != 0 || is_unknown_x_forwarded(f));
    });
    append_member(fields, FieldId::XForwardedFor, client.empty() ? "unknown" : client);
    if (!scheme.empty()) fields.add(FieldId::XForwardedProto, scheme);
    if (!host.empty()) fields.add(FieldId::XForwardedHost, host);
  }
  if (!options.forwarded) return;
  std::string line;
  line.reserve(client.size() + scheme.size() + host.size() + 32);
  const bool is_first = !fields.contains(FieldId::Forwarded);
  if (!is_first) append_earlier_clients(line, fields);
  if (!line.empty()) line += ", ";
  append_forwarded_member(line, client, scheme, host);
  if (is_first) return fields.add(FieldId::Forwarded, line);
  fields.set(FieldId::Forwarded, line);
}

bool may_steer_origin(const RequestHead& head, const ForwardedOptions& replaced, bool of_client) noexcept {
  const FieldsView fields = head.fields;
  if (!fields.may_hold(kSteeringIds)) return false;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const FieldId id = fields.entries()[i].id;
    if (id == FieldId::Unknown) continue;
    const std::uint16_t flags = field_flags(id);
    if ((flags & kOverride) != 0) return true;
    if ((flags & kForwardedClaim) == 0) continue;
    const bool is_replaced = id == FieldId::Forwarded ? replaced.forwarded : replaced.x_forwarded;
    if ((of_client || !is_replaced) && contradicts(head, fields[i], of_client)) return true;
  }
  return false;
}

MaxForwards apply_max_forwards(Fields& fields) {
  MaxForwards verdict;
  const std::size_t lines = fields.count(FieldId::MaxForwards);
  if (lines == 0) return verdict;
  const std::string_view text = *fields.first(FieldId::MaxForwards);
  verdict.malformed = lines > 1 || text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos;
  if (verdict.malformed) return verdict;
  const std::uint64_t hops = ascii::parse_decimal(text).value_or(std::numeric_limits<std::uint64_t>::max());
  verdict.answer_here = hops == 0;
  if (hops > 0) fields.set(FieldId::MaxForwards, std::to_string(hops - 1));
  return verdict;
}

}  // namespace freshet
