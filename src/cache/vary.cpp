#include "freshet/cache/vary.hpp"

#include <algorithm>
#include <vector>

#include "freshet/base/ascii.hpp"
#include "freshet/http/grammar.hpp"
#include "vary_value.hpp"

namespace freshet {
namespace {

constexpr std::string_view kAcceptEncoding = "accept-encoding";
constexpr std::string_view kAcceptLanguage = "accept-language";

// The lines of one name, looked for by number where it has one.
class Lines {
 public:
  Lines(FieldsView fields, std::string_view name) noexcept : fields_(fields), name_(name), id_(intern_field(name)) {}
  /// The next value; false at the end.
  bool next(std::string_view& value) noexcept {
    while (at_ < fields_.size()) {
      const Field field = fields_[at_++];
      if (field.id != id_ || (id_ == FieldId::Unknown && !ascii::iequals(field.name, name_))) continue;
      value = field.value;
      return true;
    }
    return false;
  }

 private:
  FieldsView fields_;
  std::string_view name_;
  FieldId id_;
  std::size_t at_ = 0;
};

// All lines of that name as one value; false when there is none. One line is not copied.
bool read_value(FieldsView request, std::string_view name, std::pmr::string& joined, std::string_view& value) {
  Lines lines(request, name);
  if (!lines.next(value)) return false;
  for (std::string_view more; lines.next(more); value = joined) {
    if (joined.empty()) joined = value;
    joined += ',';
    joined += more;
  }
  return true;
}

// "name" or "name:value".
void append_line(FieldsView request, std::string_view name, std::pmr::string& out) {
  out += name;
  std::pmr::string joined(out.get_allocator());
  std::string_view value;
  if (!read_value(request, name, joined, value)) return;
  out += ':';
  if (name == kAcceptEncoding) return append_accept_encoding(value, out);
  if (name == kAcceptLanguage) return append_accept_language(value, out);
  append_list(value, out);
}

// The names in Vary, in lower case, sorted, each once; empty optional for "*" and what cannot be a name.
std::optional<std::vector<std::string>> read_names(FieldsView response) {
  std::vector<std::string> names;
  for (const Field field : response) {
    if (field.id != FieldId::Vary) continue;
    ListReader members(field.value);
    for (std::string_view member; members.next(member);) {
      if (member == "*" || !is_token(member)) return {};
      std::string name(member);
      std::transform(name.begin(), name.end(), name.begin(), ascii::lower);
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      if (names.size() == kMostVaryNames) return {};
      names.push_back(std::move(name));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A coding that only a dropped member can have asked for would be given to clients that never did.
bool hides_coding(FieldsView response, FieldsView request) {
  std::string accepted, coding;
  if (!response.join("content-encoding", coding) || !request.join(kAcceptEncoding, accepted)) return false;
  return !explains_coding(accepted, coding);
}

}  // namespace

std::optional<std::string> make_vary_key(FieldsView response, FieldsView request) {
  const auto names = read_names(response);
  if (!names) return {};
  std::pmr::string key(std::pmr::new_delete_resource());
  for (const std::string& name : *names) {
    append_line(request, name, key);
    key += '\n';
    if (key.size() > kLongestVaryKey) return {};
    if (name == kAcceptEncoding && hides_coding(response, request)) return {};
  }
  return std::string(key);
}

bool says_vary_star(FieldsView response) noexcept {
  for (const Field field : response)
    if (field.id == FieldId::Vary && list_contains(field.value, "*")) return true;
  return false;
}

std::string make_vary_key_like(std::string_view vary_key, FieldsView request) {
  std::pmr::string key(std::pmr::new_delete_resource());
  for (std::string_view rest = vary_key; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
    append_line(request, rest.substr(0, rest.find_first_of(":\n")), key);
    key += '\n';
    if (key.size() > kLongestVaryKey) return {};
    rest.remove_prefix(end + 1);
  }
  return std::string(key);
}

bool vary_matches(std::string_view vary_key, FieldsView request) {
  return vary_key.empty() || VaryMatcher(request).matches(vary_key);
}

bool VaryMatcher::matches(std::string_view vary_key) {
  while (!vary_key.empty()) {
    const std::size_t end = vary_key.find('\n');
    if (!matches_line(vary_key.substr(0, end))) return false;
    vary_key.remove_prefix(std::min(end, vary_key.size() - 1) + 1);
  }
  return true;
}

bool VaryMatcher::matches_line(std::string_view line) {
  const std::string_view name = line.substr(0, line.find(':'));
  const bool wants_value = name.size() != line.size();
  Lines lines(request_, name);
  std::string_view value, more;
  if (lines.next(value) != wants_value) return false;
  if (!wants_value) return true;
  if (value == line.substr(name.size() + 1) && !lines.next(more)) return true;  // normalising is idempotent
  return line_for(name) == line;
}

std::string_view VaryMatcher::line_for(std::string_view name) {
  if (!known_) known_.emplace();
  for (const std::pmr::string& line : known_->lines)
    if (line.starts_with(name) && (line.size() == name.size() || line[name.size()] == ':')) return line;
  std::pmr::string& line = known_->lines[known_->next++ % known_->lines.size()];
  line.clear();
  append_line(request_, name, line);
  return line;
}

}  // namespace freshet
