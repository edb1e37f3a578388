#include "strict_http1.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace freshet::fuzz {
namespace {

constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_token_char(char c) {
  const char lower = static_cast<char>(c | 0x20);
  return is_digit(c) || (lower >= 'a' && lower <= 'z') || (c != 0 && kTokenMarks.find(c) != std::string_view::npos);
}
bool is_name(std::string_view s) { return !s.empty() && std::all_of(s.begin(), s.end(), is_token_char); }
bool is_text(std::string_view s) {
  return std::all_of(s.begin(), s.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\t' || (byte >= 0x20 && byte != 0x7F);
  });
}
bool is_target(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

std::optional<std::uint64_t> number(std::string_view s, unsigned base, std::size_t most_digits) {
  if (s.empty() || s.size() > most_digits) return {};
  std::uint64_t value = 0;
  for (const char c : s) {
    const char lower = static_cast<char>(c | 0x20);
    if (!is_digit(c) && !(base == 16 && lower >= 'a' && lower <= 'f')) return {};
    value = value * base + static_cast<unsigned>(is_digit(c) ? c - '0' : lower - 'a' + 10);
  }
  return value;
}

Strict bad(StrictMessage& message, std::string why) {
  message.why = std::move(why);
  return Strict::Bad;
}

/// Takes a line that ends in CRLF; a CR or LF alone is bad.
Strict take_line(std::string_view bytes, std::size_t& at, std::string_view& line) {
  const std::size_t end = bytes.find_first_of("\r\n", at);
  if (end == std::string_view::npos || (bytes[end] == '\r' && end + 1 == bytes.size())) return Strict::NeedMore;
  if (bytes[end] != '\r' || bytes[end + 1] != '\n') return Strict::Bad;
  line = bytes.substr(at, end - at);
  at = end + 2;
  return Strict::Complete;
}

Strict take_fields(std::string_view bytes, std::size_t& at, StrictMessage& message,
                   std::vector<std::pair<std::string, std::string>>& fields) {
  for (;;) {
    std::string_view line;
    const Strict state = take_line(bytes, at, line);
    if (state == Strict::Bad) return bad(message, "a line of the head does not end in CRLF");
    if (state == Strict::NeedMore || line.empty()) return state;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_name(line.substr(0, colon)))
      return bad(message, "not a field line: " + std::string(line));
    std::string_view value = line.substr(colon + 1);
    if (!is_text(value)) return bad(message, "control bytes in a field value");
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    std::string name(line.substr(0, colon));
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    fields.emplace_back(std::move(name), std::string(value));
  }
}

Strict take_chunks(std::string_view bytes, std::size_t at, StrictMessage& message) {
  for (;;) {
    std::string_view line;
    const Strict state = take_line(bytes, at, line);
    if (state == Strict::Bad) return bad(message, "a chunk's line does not end in CRLF");
    if (state == Strict::NeedMore) return state;
    const auto size = number(line, 16, 15);
    if (!size) return bad(message, "not a chunk size: " + std::string(line));
    if (*size == 0) break;
    if (bytes.size() - at < *size + 2) return Strict::NeedMore;
    message.body += bytes.substr(at, *size);
    at += *size + 2;
    if (bytes.substr(at - 2, 2) != "\r\n") return bad(message, "a chunk does not end where it should");
  }
  std::vector<std::pair<std::string, std::string>> trailers;
  const Strict state = take_fields(bytes, at, message, trailers);
  if (state != Strict::Complete) return state;
  for (const auto& [name, value] : trailers)
    if (name == "content-length" || name == "transfer-encoding" || name == "host")
      return bad(message, "a trailer that must not be one: " + name);
  message.size = at;
  return Strict::Complete;
}

/// The body that Transfer-Encoding or Content-Length announces. `announced`: whether one of them did.
Strict take_body(std::string_view bytes, StrictMessage& message, bool& announced) {
  const std::size_t codings = message.count("transfer-encoding"), lengths = message.count("content-length");
  announced = codings + lengths > 0;
  if (codings + lengths > 1) return bad(message, "more than one word about where it ends");
  message.size = message.head_size;
  if (codings == 1) {
    if (message.only("transfer-encoding") != "chunked") return bad(message, "a transfer coding besides chunked");
    return take_chunks(bytes, message.head_size, message);
  }
  if (lengths == 0) return Strict::Complete;
  const auto length = number(message.only("content-length"), 10, 18);
  if (!length) return bad(message, "not a length: " + message.only("content-length"));
  if (bytes.size() - message.head_size < *length) return Strict::NeedMore;
  message.body = bytes.substr(message.head_size, *length);
  message.size = message.head_size + *length;
  return Strict::Complete;
}

}  // namespace

std::size_t StrictMessage::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; }));
}

std::string StrictMessage::only(std::string_view name) const {
  if (count(name) != 1) return {};
  return std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; })->second;
}

Strict read_request(std::string_view bytes, StrictMessage& message) {
  message = {};
  std::size_t at = 0;
  std::string_view line;
  const Strict state = take_line(bytes, at, line);
  if (state == Strict::Bad) return bad(message, "the request line does not end in CRLF");
  if (state == Strict::NeedMore) return state;
  const std::size_t first = line.find(' '), second = line.find(' ', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return bad(message, "not a request line");
  message.method = line.substr(0, first);
  message.target = line.substr(first + 1, second - first - 1);
  if (!is_name(message.method) || !is_target(message.target) || line.substr(second) != " HTTP/1.1")
    return bad(message, "not a request line: " + std::string(line));
  const Strict fields = take_fields(bytes, at, message, message.fields);
  if (fields != Strict::Complete) return fields;
  message.head_size = at;
  if (message.count("host") != 1) return bad(message, "not exactly one Host");
  bool announced = false;
  return take_body(bytes, message, announced);
}

Strict read_response(std::string_view bytes, const Asked& asked, StrictMessage& message) {
  message = {};
  std::size_t at = 0;
  std::string_view line;
  const Strict state = take_line(bytes, at, line);
  if (state == Strict::Bad) return bad(message, "the status line does not end in CRLF");
  if (state == Strict::NeedMore) return state;
  const bool has_form = line.size() >= 13 && line.substr(0, 9) == "HTTP/1.1 " && line[12] == ' ' && is_text(line);
  const auto status = has_form ? number(line.substr(9, 3), 10, 3) : std::nullopt;
  if (!status || *status < 100) return bad(message, "not a status line: " + std::string(line));
  message.status = static_cast<int>(*status);
  const Strict fields = take_fields(bytes, at, message, message.fields);
  if (fields != Strict::Complete) return fields;
  message.head_size = message.size = at;
  const bool tunnel = message.status == 101 || (asked.connect && message.status / 100 == 2);
  const bool bare = message.status / 100 == 1 || message.status == 204 || tunnel;
  if (bare && (message.count("transfer-encoding") > 0 || message.count("content-length") > 0))
    return bad(message, "a body is announced where there is none");
  if (message.count("transfer-encoding") > 0 && asked.http10) return bad(message, "chunked to an HTTP/1.0 client");
  if (bare || asked.head || message.status == 304) {
    if (message.count("transfer-encoding") + message.count("content-length") > 1)
      return bad(message, "more than one word about where it ends");
    return Strict::Complete;
  }
  bool announced = false;
  const Strict body = take_body(bytes, message, announced);
  if (announced || body == Strict::Bad) return body;
  if (!asked.http10) return bad(message, "no word about where it ends");
  message.body = bytes.substr(at);
  message.size = bytes.size();
  return asked.at_end ? Strict::Complete : Strict::NeedMore;
}

}  // namespace freshet::fuzz
