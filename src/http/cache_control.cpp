#include "freshet/http/cache_control.hpp"

#include <algorithm>
#include <vector>

#include "freshet/base/ascii.hpp"
#include "freshet/http/grammar.hpp"
#include "freshet/http/structured.hpp"

namespace freshet {
namespace {

constexpr Seconds kNone{0};

std::string_view strip_quotes(std::string_view value) noexcept {
  const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return quoted ? value.substr(1, value.size() - 2) : value;
}

// delta-seconds (RFC 9111 1.2.2), as a token or quoted; empty when malformed.
std::optional<Seconds> parse_delta(std::string_view value) noexcept {
  value = strip_quotes(value);
  if (value.empty() || !std::all_of(value.begin(), value.end(), ascii::is_digit)) return {};
  const auto number = ascii::parse_decimal(value).value_or(UINT64_MAX);
  return Seconds(static_cast<std::int64_t>(std::min<std::uint64_t>(number, kForever.count())));
}

// Calls `use(name, value, has_value)` for every directive on every line of that field.
template <class Use>
void for_each_directive(FieldsView fields, FieldId id, Use use) noexcept {
  for (const Field field : fields) {
    if (field.id != id) continue;
    ParameterReader reader(field.value, ',');
    std::string_view name, value;
    for (bool has_value = false; reader.next(name, value, has_value);) use(name, value, has_value);
  }
}

// One directive whose first occurrence counts, malformed or not.
class FirstDelta {
 public:
  explicit FirstDelta(std::optional<Seconds>& out) noexcept : out_(out) {}
  void see(std::optional<Seconds> value, std::optional<Seconds> when_malformed) noexcept {
    if (seen_) return;
    seen_ = true;
    out_ = value ? value : when_malformed;
  }

 private:
  std::optional<Seconds>& out_;
  bool seen_ = false;
};

// no-cache and private: whole, or for some fields only. Whatever cannot be understood counts as the whole, and so do
// two lists, of which we could only keep one.
class Qualified {
 public:
  Qualified(bool& whole, std::string_view& fields) noexcept : whole_(whole), fields_(fields) {}
  void see(std::string_view value, bool has_value) noexcept {
    const std::string_view list = strip_quotes(value);
    if (!has_value || !is_list_of_names(list) || !fields_.empty()) {
      whole_ = true;
      fields_ = {};
    } else if (!whole_) {
      fields_ = list;
    }
  }

 private:
  static bool is_list_of_names(std::string_view list) noexcept {
    bool any = false;
    ListReader reader(list);
    for (std::string_view name; reader.next(name); any = true)
      if (!is_token(name)) return false;
    return any;
  }
  bool& whole_;
  std::string_view& fields_;
};

// The response directives, whichever field they come from.
class ResponseReader {
 public:
  explicit ResponseReader(ResponseDirectives& out) noexcept : out_(out) {}
  ResponseReader(const ResponseReader&) = delete;

  /// A directive of Cache-Control.
  void see(std::string_view name, std::string_view value, bool has_value) noexcept {
    see_prohibitions_in(name);
    see_prohibitions_in(value);
    if (const Delta delta = delta_of(name); delta.reader)
      return delta.reader->see(parse_delta(value), delta.when_malformed);
    if (Qualified* qualified = qualified_of(name)) return qualified->see(value, has_value);
    // An argument that should not be there does not lift a prohibition; a permission has to be well-formed.
    if (const Flag flag = flag_of(name); flag.set && (!has_value || !flag.permits)) *flag.set = true;
  }

  /// A member of a targeted field; false when a directive that we know has a value of the wrong type.
  bool see(const DictionaryMember& member) noexcept {
    using Kind = DictionaryMember::Kind;
    if (const Delta delta = delta_of(member.key); delta.reader) {
      if (member.kind != Kind::Integer) return false;
      delta.reader->see(std::clamp(Seconds(member.integer), kNone, kForever), {});
      return true;
    }
    if (Qualified* qualified = qualified_of(member.key)) {
      if (member.kind == Kind::Boolean && !member.boolean) return true;
      const bool named = member.kind == Kind::String || member.kind == Kind::Token;
      qualified->see(member.text, named);
      return true;
    }
    if (const Flag flag = flag_of(member.key); flag.set) {
      if (member.kind != Kind::Boolean) return false;
      *flag.set = member.boolean;
    }
    return true;
  }

 private:
  struct Delta {
    FirstDelta* reader = nullptr;
    std::optional<Seconds> when_malformed;
  };
  Delta delta_of(std::string_view name) noexcept {
    if (ascii::iequals(name, "max-age")) return {&max_age_, kNone};
    if (ascii::iequals(name, "s-maxage")) return {&s_maxage_, kNone};
    if (ascii::iequals(name, "stale-while-revalidate")) return {&stale_while_revalidate_, {}};
    if (ascii::iequals(name, "stale-if-error")) return {&stale_if_error_, {}};
    return {};
  }
  Qualified* qualified_of(std::string_view name) noexcept {
    if (ascii::iequals(name, "no-cache")) return &no_cache_;
    if (ascii::iequals(name, "private")) return &private_;
    return nullptr;
  }
  struct Flag {
    bool* set = nullptr;
    bool permits = false;
  };
  Flag flag_of(std::string_view name) noexcept {
    if (ascii::iequals(name, "no-store")) return {&out_.no_store, false};
    if (ascii::iequals(name, "must-revalidate")) return {&out_.must_revalidate, false};
    if (ascii::iequals(name, "proxy-revalidate")) return {&out_.proxy_revalidate, false};
    if (ascii::iequals(name, "no-transform")) return {&out_.no_transform, false};
    if (ascii::iequals(name, "public")) return {&out_.is_public, true};
    if (ascii::iequals(name, "must-understand")) return {&out_.must_understand, true};
    if (ascii::iequals(name, "immutable")) return {&out_.immutable, true};
    return {};
  }

  ResponseDirectives& out_;
  // "private max-age=60" and "max-age=60; private" are met in the wild. They are no directives, so they permit nothing;
  // but what was meant as a prohibition had better be one.
  void see_prohibitions_in(std::string_view text) noexcept {
    constexpr std::string_view kDividers = " \t;";
    if (text.starts_with('"') || text.find_first_of(kDividers) == std::string_view::npos) return;
    while (!text.empty()) {
      const std::string_view word = text.substr(0, text.find_first_of(kDividers));
      text.remove_prefix(std::min(word.size() + 1, text.size()));
      const std::string_view name = word.substr(0, word.find('='));
      if (Qualified* qualified = qualified_of(name)) qualified->see({}, false);
      if (const Flag flag = flag_of(name); flag.set && !flag.permits) *flag.set = true;
    }
  }

  FirstDelta max_age_{out_.max_age}, s_maxage_{out_.s_maxage};
  FirstDelta stale_while_revalidate_{out_.stale_while_revalidate}, stale_if_error_{out_.stale_if_error};
  Qualified no_cache_{out_.no_cache, out_.no_cache_fields}, private_{out_.is_private, out_.private_fields};
};

// Of all lines together: members are compared with one another.
constexpr std::size_t kMostMembers = 1024;

// The members of all lines of that name; empty when the field is empty or any part of it invalid. The lines are read
// one by one, so that what is found points into them; only a member cut in two by a line end would be read otherwise if
// joined, and RFC 9651 4.2 lets that fail.
std::vector<DictionaryMember> read_targeted(FieldsView fields, std::string_view name) {
  std::vector<DictionaryMember> all;
  for (const Field field : fields) {
    if (!ascii::iequals(field.name, name)) continue;
    const auto line = parse_dictionary(field.value);
    if (!line || line->empty() || all.size() + line->size() > kMostMembers) return {};
    for (const DictionaryMember& member : *line) {
      const auto same_key = [&member](const DictionaryMember& other) { return other.key == member.key; };
      const auto at = std::find_if(all.begin(), all.end(), same_key);
      if (at != all.end()) {
        *at = member;
      } else {
        all.push_back(member);
      }
    }
  }
  return all;
}

// The directives of a targeted field; empty when it is not there or has to be ignored (RFC 9213 2.1).
std::optional<ResponseDirectives> parse_targeted(FieldsView fields, std::string_view name) {
  const std::vector<DictionaryMember> members = read_targeted(fields, name);
  if (members.empty()) return {};
  ResponseDirectives directives;
  ResponseReader reader(directives);
  for (const DictionaryMember& member : members)
    if (!reader.see(member)) return {};
  directives.targeted = true;
  return directives;
}

}  // namespace

RequestDirectives parse_request_directives(FieldsView fields) noexcept {
  RequestDirectives out;
  if (!fields.may_hold({FieldId::CacheControl, FieldId::Pragma})) return out;
  FirstDelta max_age(out.max_age), min_fresh(out.min_fresh), max_stale(out.max_stale),
      stale_if_error(out.stale_if_error);
  for_each_directive(fields, FieldId::CacheControl, [&](std::string_view name, std::string_view value, bool has_value) {
    if (ascii::iequals(name, "max-age")) {
      max_age.see(parse_delta(value), kNone);
    } else if (ascii::iequals(name, "min-fresh")) {
      min_fresh.see(parse_delta(value), kForever);
    } else if (ascii::iequals(name, "max-stale")) {
      max_stale.see(has_value ? parse_delta(value) : kForever, {});
    } else if (ascii::iequals(name, "stale-if-error")) {
      stale_if_error.see(parse_delta(value), {});
    } else if (ascii::iequals(name, "no-cache")) {
      out.no_cache = true;
    } else if (ascii::iequals(name, "no-store")) {
      out.no_store = true;
    } else if (ascii::iequals(name, "only-if-cached")) {
      out.only_if_cached = true;
    } else if (ascii::iequals(name, "no-transform")) {
      out.no_transform = true;
    }
  });
  if (!fields.contains(FieldId::CacheControl))
    for_each_directive(fields, FieldId::Pragma, [&out](std::string_view name, std::string_view, bool) {
      if (ascii::iequals(name, "no-cache")) out.no_cache = true;
    });
  return out;
}

ResponseDirectives parse_response_directives(FieldsView fields, std::span<const std::string> targets) noexcept {
  for (const std::string& name : targets)
    if (const auto targeted = parse_targeted(fields, name)) return *targeted;
  ResponseDirectives out;
  ResponseReader reader(out);
  for_each_directive(
      fields, FieldId::CacheControl,
      [&reader](std::string_view name, std::string_view value, bool has_value) { reader.see(name, value, has_value); });
  return out;
}

}  // namespace freshet
