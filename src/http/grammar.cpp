#include "freshet/http/grammar.hpp"

#include <algorithm>
#include <array>

#include "freshet/base/ascii.hpp"

namespace freshet {
namespace {

constexpr std::array<bool, 256> kTchar = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 128; ++c)
    table[static_cast<std::size_t>(c)] = ascii::is_alpha(static_cast<char>(c)) || ascii::is_digit(static_cast<char>(c));
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

// The end of the quoted-string that starts at `at`, one past its closing quote; npos when it is not closed.
std::size_t quoted_end(std::string_view text, std::size_t at) noexcept {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

// Takes the part before the next separator off `rest`. Once a quoted-string has no end, quotes stop to count: what
// follows is seen rather than swallowed, and the walk over the whole text stays linear.
std::string_view take_part(std::string_view& rest, char separator, bool& plain) noexcept {
  std::size_t at = 0;
  while (at < rest.size() && rest[at] != separator) {
    if (rest[at] == '"' && !plain) {
      const std::size_t end = quoted_end(rest, at);
      plain = end == std::string_view::npos;
      at = plain ? at + 1 : end;
    } else {
      ++at;
    }
  }
  const std::string_view part = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return ascii::trim(part);
}

}  // namespace

bool is_tchar(char c) noexcept { return kTchar[static_cast<unsigned char>(c)]; }

bool is_token(std::string_view s) noexcept { return !s.empty() && std::all_of(s.begin(), s.end(), is_tchar); }

bool is_field_value(std::string_view s) noexcept {
  return std::all_of(s.begin(), s.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7F) || c == '\t';
  });
}

bool ListReader::next(std::string_view& member) noexcept {
  while (!rest_.empty()) {
    member = take_part(rest_, ',', plain_);
    if (!member.empty()) return true;
  }
  return false;
}

bool ParameterReader::next(std::string_view& name, std::string_view& value, bool& has_value) noexcept {
  while (!rest_.empty()) {
    const std::string_view part = take_part(rest_, separator_, plain_);
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    has_value = equals != std::string_view::npos;
    name = ascii::trim(part.substr(0, equals));
    value = has_value ? ascii::trim(part.substr(equals + 1)) : std::string_view{};
    return true;
  }
  return false;
}

std::optional<std::string> unquote(std::string_view s) {
  if (is_token(s)) return std::string(s);
  if (s.size() < 2 || s.front() != '"' || quoted_end(s, 0) != s.size()) return {};
  s = s.substr(1, s.size() - 2);
  if (!is_field_value(s)) return {};
  std::string content;
  content.reserve(s.size());
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '\\') ++i;
    content += s[i];
  }
  return content;
}

std::optional<int> parse_qvalue(std::string_view s) noexcept {
  if (s.empty() || s.size() > 5 || (s[0] != '0' && s[0] != '1')) return {};
  if (s.size() > 1 && s[1] != '.') return {};
  int value = (s[0] - '0') * 1000;
  int weight = 100;
  for (char c : s.substr(std::min<std::size_t>(2, s.size()))) {
    if (!ascii::is_digit(c)) return {};
    value += (c - '0') * weight;
    weight /= 10;
  }
  if (value > 1000) return {};
  return value;
}

bool list_contains(std::string_view list, std::string_view member) noexcept {
  ListReader reader(list);
  for (std::string_view candidate; reader.next(candidate);)
    if (ascii::iequals(candidate, member)) return true;
  return false;
}

}  // namespace freshet
