#include "freshet/http/credentials.hpp"

#include <algorithm>

#include "freshet/base/ascii.hpp"
#include "freshet/http/grammar.hpp"

namespace freshet {
namespace {

using Step = AuthParameterReader::Step;

bool is_token68_char(char c) noexcept {
  return ascii::is_alpha(c) || ascii::is_digit(c) || std::string_view("-._~+/").find(c) != std::string_view::npos;
}

bool is_token68(std::string_view text) noexcept {
  while (text.ends_with('=')) text.remove_suffix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token68_char);
}

void skip_space(std::string_view& rest) noexcept {
  while (!rest.empty() && ascii::is_space(rest.front())) rest.remove_prefix(1);
}

std::string_view take(std::string_view& rest, std::size_t size) noexcept {
  const std::string_view taken = rest.substr(0, size);
  rest.remove_prefix(size);
  return taken;
}

std::string_view take_token(std::string_view& rest) noexcept {
  const auto end = std::find_if_not(rest.begin(), rest.end(), is_tchar);
  return take(rest, static_cast<std::size_t>(end - rest.begin()));
}

/// Empty when the text does not begin with a whole one.
std::string_view take_quoted(std::string_view& rest) noexcept {
  for (std::size_t at = 1; at < rest.size(); ++at) {
    if (rest[at] == '\\')
      ++at;
    else if (rest[at] == '"')
      return take(rest, at + 1);
  }
  return {};
}

int hex_value(char c) noexcept {
  if (ascii::is_digit(c)) return c - '0';
  return ascii::is_hex(c) ? ascii::lower(c) - 'a' + 10 : -1;
}

}  // namespace

std::optional<Credentials> parse_credentials(std::string_view value) noexcept {
  Credentials found;
  std::string_view rest = ascii::trim(value);
  found.scheme = take_token(rest);
  if (found.scheme.empty() || !is_field_value(rest)) return {};
  if (rest.empty()) return found;
  if (rest.front() != ' ') return {};
  rest = ascii::trim(rest);
  if (is_token68(rest)) {
    found.token68 = rest;
    return found;
  }
  found.parameters = rest;
  AuthParameterReader reader(rest);
  std::string_view name, text;
  Step step = Step::Parameter;
  while (step == Step::Parameter) step = reader.next(name, text);
  if (step == Step::Malformed) return {};
  return found;
}

Step AuthParameterReader::next(std::string_view& name, std::string_view& value) noexcept {
  while (!rest_.empty() && (ascii::is_space(rest_.front()) || rest_.front() == ',')) rest_.remove_prefix(1);
  if (rest_.empty()) return Step::End;
  name = take_token(rest_);
  skip_space(rest_);
  if (name.empty() || !rest_.starts_with('=')) return Step::Malformed;
  rest_.remove_prefix(1);
  skip_space(rest_);
  value = rest_.starts_with('"') ? take_quoted(rest_) : take_token(rest_);
  skip_space(rest_);
  if (value.empty() || (!rest_.empty() && rest_.front() != ',')) return Step::Malformed;
  return Step::Parameter;
}

std::string_view unquoted(std::string_view value, Arena& arena) {
  if (!value.starts_with('"')) return value;
  value = value.substr(1, value.size() - 2);
  if (value.find('\\') == std::string_view::npos) return value;
  const std::span<char> room = arena.text(value.size());
  std::size_t size = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\') ++i;
    room[size++] = value[i];
  }
  return {room.data(), size};
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

std::optional<std::string_view> decode_extended_value(std::string_view value, Arena& arena) {
  constexpr std::string_view kCharset = "UTF-8'";
  if (value.size() < kCharset.size() || !ascii::iequals(value.substr(0, kCharset.size()), kCharset)) return {};
  value.remove_prefix(kCharset.size());
  const std::size_t quote = value.find('\'');
  if (quote == std::string_view::npos) return {};
  value.remove_prefix(quote + 1);
  const std::span<char> room = arena.text(value.size());
  std::size_t size = 0;
  while (!value.empty()) {
    if (value.front() != '%') {
      room[size++] = value.front();
      value.remove_prefix(1);
      continue;
    }
    const int high = value.size() < 3 ? -1 : hex_value(value[1]), low = value.size() < 3 ? -1 : hex_value(value[2]);
    if (high < 0 || low < 0) return {};
    room[size++] = static_cast<char>(high * 16 + low);
    value.remove_prefix(3);
  }
  return std::string_view(room.data(), size);
}

}  // namespace freshet
