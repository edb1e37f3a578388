#include "log_text.hpp"

#include <algorithm>
#include <cstdint>

namespace freshet {
namespace {

constexpr char kUpperHex[] = "0123456789ABCDEF";
constexpr char kLowerHex[] = "0123456789abcdef";

bool is_plain(unsigned char c, LogPlace place) noexcept {
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && !(c == ' ' && place == LogPlace::Bare);
}

/// One character of UTF-8 at the beginning of `text` (RFC 3629: shortest form, no surrogates); size 0 when there is none.
struct Utf8Char {
  std::size_t size;
  char32_t value;
};

Utf8Char first_char(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, lead};
  std::size_t size = 0;
  char32_t value = 0, lowest = 0;
  if (lead >= 0xc2 && lead <= 0xdf) size = 2, value = lead & 0x1fu, lowest = 0x80;
  else if (lead >= 0xe0 && lead <= 0xef) size = 3, value = lead & 0x0fu, lowest = 0x800;
  else if (lead >= 0xf0 && lead <= 0xf4) size = 4, value = lead & 0x07u, lowest = 0x10000;
  if (size == 0 || text.size() < size) return {0, 0};
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {0, 0};
    value = value << 6 | (byte(i) & 0x3fu);
  }
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < lowest || surrogate || value > 0x10ffff) return {0, 0};
  return {size, value};
}

void append_json_escape(std::string& out, char32_t c) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kLowerHex[c >> shift & 0xf];
}

}  // namespace

void append_log_text(std::string& out, std::string_view text, LogPlace place) {
  if (text.empty()) {
    out += '-';
    return;
  }
  while (!text.empty()) {
    const auto stop = std::find_if_not(text.begin(), text.end(),
                                       [place](char c) { return is_plain(static_cast<unsigned char>(c), place); });
    const auto plain = static_cast<std::size_t>(stop - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) return;
    const auto c = static_cast<unsigned char>(text.front());
    out += {'\\', 'x', kUpperHex[c >> 4], kUpperHex[c & 0xf]};
    text.remove_prefix(1);
  }
}

void append_json_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto stop = std::find_if(text.begin(), text.end(), [](char c) {
      const auto u = static_cast<unsigned char>(c);
      return u < 0x20 || u >= 0x7f || c == '"' || c == '\\';
    });
    const auto plain = static_cast<std::size_t>(stop - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) return;
    const Utf8Char c = first_char(text);
    const bool printable = c.value >= 0xa0 && c.value != 0x2028 && c.value != 0x2029;
    if (c.size == 0) out += "\\ufffd";
    else if (printable) out += text.substr(0, c.size);
    else append_json_escape(out, c.value);
    text.remove_prefix(std::max<std::size_t>(c.size, 1));
  }
}

UrlParts without_userinfo(std::string_view url) noexcept {
  if (url.starts_with('/') && !url.starts_with("//")) return {{}, url};
  const auto path_marks = std::string_view("/?#");
  std::size_t begin = 0;
  if (const auto scheme = url.find("//"); scheme != url.npos && url.find_first_of(path_marks) == scheme) begin = scheme + 2;
  // Some clients and attackers write more slashes than two; the authority is what follows them.
  begin = std::min(url.find_first_not_of('/', begin), url.size());
  const auto end = std::min(url.find_first_of(path_marks, begin), url.size());
  const auto at = url.substr(begin, end - begin).rfind('@');
  if (at == std::string_view::npos) return {{}, url};
  return {url.substr(0, begin), url.substr(begin + at + 1)};
}

}  // namespace freshet
