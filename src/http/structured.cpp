#include "freshet/http/structured.hpp"

#include <algorithm>

#include "freshet/base/ascii.hpp"
#include "freshet/http/grammar.hpp"

namespace freshet {
namespace {

// RFC 9651 3.2 asks for at least this many members; the limit keeps the search for repeated keys cheap.
constexpr std::size_t kMostMembers = 1024;

bool is_key_start(char c) noexcept { return (c >= 'a' && c <= 'z') || c == '*'; }
bool is_key_char(char c) noexcept { return is_key_start(c) || ascii::is_digit(c) || c == '_' || c == '-' || c == '.'; }
bool is_token_start(char c) noexcept { return ascii::is_alpha(c) || c == '*'; }
bool is_token_char(char c) noexcept { return is_tchar(c) || c == ':' || c == '/'; }
bool is_lower_hex(char c) noexcept { return ascii::is_digit(c) || (c >= 'a' && c <= 'f'); }

// The bytes that a Display String stands for have to be UTF-8 (RFC 9651 4.2.10); fed one at a time.
class Utf8Check {
 public:
  bool feed(unsigned byte) noexcept {
    if (pending_ == 0) return start(byte);
    if (byte < low_ || byte > high_) return false;
    low_ = 0x80;
    high_ = 0xBF;
    --pending_;
    return true;
  }
  bool complete() const noexcept { return pending_ == 0; }

 private:
  bool start(unsigned byte) noexcept {
    if (byte < 0x80) return true;
    if (byte < 0xC2 || byte > 0xF4) return false;
    pending_ = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    // The second byte excludes overlong forms, surrogates and what lies past U+10FFFF.
    low_ = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
    high_ = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
    return true;
  }
  int pending_ = 0;
  unsigned low_ = 0x80, high_ = 0xBF;
};

// The parsing algorithms of RFC 9651 4.2, one function each. Each takes what it reads off the front and says whether it
// could.
class Reader {
 public:
  using Member = DictionaryMember;
  using Kind = Member::Kind;

  explicit Reader(std::string_view text) noexcept : rest_(text) {}

  bool dictionary(std::vector<Member>& members) {
    skip(' ');
    while (!rest_.empty()) {
      Member member;
      if (!dictionary_member(member)) return false;
      if (!keep(members, member)) return false;
      skip_ows();
      if (rest_.empty()) return true;
      if (!take(',')) return false;
      skip_ows();
      if (rest_.empty()) return false;
    }
    return true;
  }

  bool string_list(std::vector<std::string>& out) {
    if (!take('(')) return false;
    for (;;) {
      skip(' ');
      if (take(')')) return rest_.empty();
      if (!string_item(out)) return false;
    }
  }

  bool list_of_strings(std::vector<std::string>& out) {
    skip(' ');
    while (!rest_.empty()) {
      if (out.size() == kMostMembers || !string_item(out)) return false;
      skip_ows();
      if (rest_.empty()) return true;
      if (!take(',')) return false;
      skip_ows();
      if (rest_.empty()) return false;
    }
    return true;
  }

 private:
  bool string_item(std::vector<std::string>& out) {
    Member item;
    if (!bare_item(item) || item.kind != Kind::String || !parameters()) return false;
    std::string& text = out.emplace_back();
    for (std::size_t i = 0; i < item.text.size(); ++i) {
      if (item.text[i] == '\\') ++i;
      text += item.text[i];
    }
    return true;
  }

  static bool keep(std::vector<Member>& members, const Member& member) {
    const auto same_key = [&member](const Member& other) { return other.key == member.key; };
    if (const auto at = std::find_if(members.begin(), members.end(), same_key); at != members.end()) {
      *at = member;
      return true;
    }
    if (members.size() == kMostMembers) return false;
    members.push_back(member);
    return true;
  }

  bool dictionary_member(Member& member) noexcept {
    if (!key(member.key)) return false;
    if (take('=')) {
      const bool good = !rest_.empty() && rest_.front() == '(' ? inner_list(member) : bare_item(member);
      if (!good) return false;
    }
    return parameters();
  }

  bool parameters() noexcept {
    while (take(';')) {
      skip(' ');
      std::string_view name;
      Member ignored;
      if (!key(name)) return false;
      if (take('=') && !bare_item(ignored)) return false;
    }
    return true;
  }

  bool key(std::string_view& out) noexcept {
    if (rest_.empty() || !is_key_start(rest_.front())) return false;
    out = take_while(is_key_char);
    return true;
  }

  bool inner_list(Member& out) noexcept {
    const std::string_view start = rest_;
    take('(');
    for (;;) {
      skip(' ');
      if (take(')')) break;
      Member item;
      if (!bare_item(item) || !parameters()) return false;
      if (rest_.empty() || (rest_.front() != ' ' && rest_.front() != ')')) return false;
    }
    out.kind = Kind::InnerList;
    out.text = start.substr(0, start.size() - rest_.size());
    return true;
  }

  bool bare_item(Member& out) noexcept {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    if (c == '-' || ascii::is_digit(c)) return number(out);
    if (c == '"') return string(out);
    if (c == ':') return bytes(out);
    if (c == '?') return boolean(out);
    if (c == '@') return date(out);
    if (c == '%') return display_string(out);
    if (!is_token_start(c)) return false;
    out.kind = Kind::Token;
    out.text = take_while(is_token_char);
    return true;
  }

  bool number(Member& out) noexcept {
    const std::string_view start = rest_;
    const bool negative = take('-');
    const std::string_view whole = take_while(ascii::is_digit);
    if (whole.empty() || whole.size() > 15) return false;
    out.kind = Kind::Integer;
    if (take('.')) {
      const std::string_view fraction = take_while(ascii::is_digit);
      if (whole.size() > 12 || fraction.empty() || fraction.size() > 3) return false;
      out.kind = Kind::Decimal;
    }
    const auto value = static_cast<std::int64_t>(*ascii::parse_decimal(whole));
    out.integer = negative ? -value : value;
    out.text = start.substr(0, start.size() - rest_.size());
    return true;
  }

  bool string(Member& out) noexcept {
    const std::string_view start = rest_.substr(1);
    take('"');
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '\\') {
        if (!take('"') && !take('\\')) return false;
      } else if (c == '"') {
        out.kind = Kind::String;
        out.text = start.substr(0, start.size() - rest_.size() - 1);
        return true;
      } else if (c < 0x20 || c > 0x7E) {
        return false;
      }
    }
    return false;
  }

  bool bytes(Member& out) noexcept {
    take(':');
    const std::size_t end = rest_.find(':');
    if (end == std::string_view::npos) return false;
    out.kind = Kind::Bytes;
    out.text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    // Padding may be missing (RFC 9651 4.2.7), but what is there has to decode.
    std::string_view digits = out.text;
    std::size_t padding = 0;
    for (; !digits.empty() && digits.back() == '='; ++padding) digits.remove_suffix(1);
    const auto is_base64 = [](char c) { return ascii::is_alpha(c) || ascii::is_digit(c) || c == '+' || c == '/'; };
    if (!std::all_of(digits.begin(), digits.end(), is_base64) || digits.size() % 4 == 1) return false;
    return padding == 0 || (padding <= 2 && (digits.size() + padding) % 4 == 0);
  }

  bool boolean(Member& out) noexcept {
    take('?');
    if (rest_.empty() || (rest_.front() != '0' && rest_.front() != '1')) return false;
    out.kind = Kind::Boolean;
    out.boolean = rest_.front() == '1';
    rest_.remove_prefix(1);
    return true;
  }

  bool date(Member& out) noexcept {
    take('@');
    if (!number(out) || out.kind != Kind::Integer) return false;
    out.kind = Kind::Date;
    return true;
  }

  bool display_string(Member& out) noexcept {
    take('%');
    if (!take('"')) return false;
    const std::string_view start = rest_;
    Utf8Check utf8;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c < 0x20 || c > 0x7E) return false;
      if (c == '"') {
        out.kind = Kind::Display;
        out.text = start.substr(0, start.size() - rest_.size() - 1);
        return utf8.complete();
      }
      unsigned byte = static_cast<unsigned char>(c);
      if (c == '%' && !escaped_byte(byte)) return false;
      if (!utf8.feed(byte)) return false;
    }
    return false;
  }

  bool escaped_byte(unsigned& byte) noexcept {
    if (rest_.size() < 2 || !is_lower_hex(rest_[0]) || !is_lower_hex(rest_[1])) return false;
    const auto value = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
    byte = value(rest_[0]) * 16 + value(rest_[1]);
    rest_.remove_prefix(2);
    return true;
  }

  bool take(char c) noexcept {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  template <class Predicate>
  std::string_view take_while(Predicate predicate) noexcept {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), predicate);
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(taken.size());
    return taken;
  }
  void skip(char c) noexcept {
    while (take(c)) {
    }
  }
  void skip_ows() noexcept { take_while(ascii::is_space); }

  std::string_view rest_;
};

}  // namespace

std::optional<std::vector<DictionaryMember>> parse_dictionary(std::string_view text) {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  std::vector<DictionaryMember> members;
  if (!Reader(text).dictionary(members)) return {};
  return members;
}

std::optional<std::vector<std::string>> parse_string_list(std::string_view inner_list) {
  std::vector<std::string> items;
  if (!Reader(inner_list).string_list(items)) return {};
  return items;
}

std::optional<std::vector<std::string>> parse_list_of_strings(std::string_view field) {
  while (!field.empty() && field.back() == ' ') field.remove_suffix(1);
  std::vector<std::string> items;
  if (!Reader(field).list_of_strings(items)) return {};
  return items;
}

void append_sf_string(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c < 0x20 || c > 0x7E ? '?' : c;
  }
  out += '"';
}

bool is_sf_token(std::string_view text) noexcept {
  return !text.empty() && is_token_start(text.front()) && std::all_of(text.begin(), text.end(), is_token_char);
}

}  // namespace freshet
