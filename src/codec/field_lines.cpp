#include "field_lines.hpp"

#include <cstring>
#include <string>

#include "chars.hpp"
#include "freshet/base/ascii.hpp"

namespace freshet {
namespace {

const char* skip_spaces(const char* at) noexcept {
  while (ascii::is_space(*at)) ++at;
  return at;
}

// Reads from `at` to the end of the line and leaves `at` behind it. The value comes without surrounding white space.
Reason read_value(const char*& at, const char* end, std::string_view& value) noexcept {
  const char* first = skip_spaces(at);
  const char* last = find_control(first, end);
  at = last + 2;
  if (*last != '\r') return Reason::BadField;
  if (last[1] != '\n') return Reason::BareLineEnd;
  while (last != first && ascii::is_space(last[-1])) --last;
  value = {first, static_cast<std::size_t>(last - first)};
  return Reason::None;
}

// The field `name` whose value goes on in folded lines (RFC 9112 5.2).
Reason add_folded(std::string_view name, std::string_view first_part, const char*& at, const char* end, Fields& out) {
  std::string joined(first_part);
  while (at != end && ascii::is_space(*at)) {
    std::string_view part;
    if (const Reason error = read_value(at, end, part); error != Reason::None) return error;
    joined += ' ';
    joined += part;
  }
  out.add(name, joined);
  return Reason::None;
}

// A token, not too long. One that was interned is one.
bool is_plain_name(const char* at, const char* end) noexcept {
  if (at == end || static_cast<std::size_t>(end - at) > kLongestFieldName) return false;
  while (at != end && is_token_char(*at)) ++at;
  return at == end;
}

// Lines that are written as nearly everybody writes them can be taken as they are. False: one of them is not.
bool take_plain_lines(std::string_view lines, Fields& out) {
  if (!out.empty() || lines.size() > kLargestFieldBlock) return false;
  out.adopt(lines);
  const char* const begin = lines.data();
  const char* const end = begin + lines.size();
  for (const char* at = begin; at != end;) {
    const char* const line = at;
    at = find_colon(at, end);
    if (at == end) return false;
    const auto name_size = static_cast<std::size_t>(at - line);
    const FieldId id = intern_field({line, name_size});
    if (id == FieldId::Unknown && !is_plain_name(line, at)) return false;
    if (at[1] != ' ') return false;
    const char* const value = at + 2;
    const char* const last = find_control(value, end);
    if (last == end || last[0] != '\r' || last[1] != '\n') return false;
    if (last != value && (ascii::is_space(value[0]) || ascii::is_space(last[-1]))) return false;
    out.add_in_place(id, static_cast<std::size_t>(line - begin), name_size,
                     static_cast<std::size_t>(last - value));
    at = last + 2;
  }
  return true;
}

Reason error_in_name(const char* line, const char* at) noexcept {
  if (at == line && ascii::is_space(*line)) return Reason::ObsoleteFold;
  return *at == '\r' && at[1] != '\n' ? Reason::BareLineEnd : Reason::BadField;
}

}  // namespace

std::size_t find_line_feed(std::string_view text, std::size_t from) noexcept {
  if (from >= text.size()) return std::string_view::npos;
  const void* found = std::memchr(text.data() + from, '\n', text.size() - from);
  return found ? static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) : std::string_view::npos;
}

HeadProgress scan_field_lines(std::string_view window, const HeadLimits& limits, HeadScan& scan) noexcept {
  HeadProgress progress;
  const auto end_of_line = [&](std::size_t feed) {
    if (feed + 1 - scan.line > limits.field_bytes)
      progress = bad_head(Reason::FieldsTooLarge, 431);
    else if (feed == scan.line || window[feed - 1] != '\r')
      progress = bad_head(Reason::BareLineEnd, 400);
    else if (feed - scan.line == 1)
      progress = {HeadProgress::State::Complete, feed + 1, Reason::None, 0};
    else if (++scan.field_lines > limits.fields)
      progress = bad_head(Reason::TooManyFields, 431);
    else
      scan.line = feed + 1;
    return progress.state == HeadProgress::State::NeedMore;
  };
  if (!each_line_feed(window, scan.at, end_of_line)) return progress;
  scan.at = window.size();
  const bool fits = window.size() < limits.bytes && window.size() - scan.line <= limits.field_bytes;
  return fits ? progress : bad_head(Reason::FieldsTooLarge, 431);
}

Reason parse_field_lines(std::string_view lines, FieldRules rules, Fields& out) {
  const bool was_empty = out.empty();
  if (take_plain_lines(lines, out)) return Reason::None;
  if (was_empty) out.clear();
  const char* at = lines.data();
  const char* const end = at + lines.size();
  while (at != end) {
    const char* const line = at;
    while (is_token_char(*at)) ++at;  // stops at the line end at the latest
    const std::string_view name(line, static_cast<std::size_t>(at - line));
    if (rules == FieldRules::Response && !name.empty()) at = skip_spaces(at);
    if (name.empty() || *at != ':') return error_in_name(line, at);
    if (name.size() > kLongestFieldName) return Reason::BadField;
    std::string_view value;
    if (const Reason error = read_value(++at, end, value); error != Reason::None) return error;
    if (rules == FieldRules::Response && at != end && ascii::is_space(*at)) {
      if (const Reason error = add_folded(name, value, at, end, out); error != Reason::None) return error;
    } else {
      out.add(name, value);
    }
  }
  return Reason::None;
}

}  // namespace freshet
