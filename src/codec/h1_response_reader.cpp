// Response heads (RFC 9112 sections 4 and 5), scanned and parsed in the same two steps as request heads.
#include <optional>

#include "chars.hpp"
#include "field_lines.hpp"
#include "freshet/codec/h1_reader.hpp"
#include "freshet/http/forwarding.hpp"
#include "freshet/http/grammar.hpp"

namespace freshet {
namespace {

using State = HeadProgress::State;

constexpr std::string_view kVersionStart = "HTTP/1.";
// "HTTP/1.1 200"
constexpr std::size_t kCodeAt = 9, kCodeEnd = 12;

HeadProgress bad_response() noexcept { return bad_head(Reason::BadResponse, 502); }

bool is_status_line(std::string_view line) noexcept {
  if (line.size() < kCodeEnd || line.substr(0, kVersionStart.size()) != kVersionStart) return false;
  if (!ascii::is_digit(line[7]) || line[8] != ' ') return false;
  for (std::size_t i = kCodeAt; i < kCodeEnd; ++i)
    if (!ascii::is_digit(line[i])) return false;
  if (line[kCodeAt] == '0') return false;
  // Some servers leave out the space before an empty reason.
  if (line.size() > kCodeEnd && line[kCodeEnd] != ' ') return false;
  return find_control(line.data(), line.data() + line.size()) == line.data() + line.size();
}

// The one number that all Content-Length lines agree on (RFC 9110 8.6).
std::optional<std::uint64_t> declared_length(FieldsView raw) noexcept {
  std::optional<std::uint64_t> length;
  for (const Field field : raw) {
    if (field.id != FieldId::ContentLength) continue;
    ListReader members(field.value);
    for (std::string_view member; members.next(member);) {
      const auto number = ascii::parse_decimal(member);
      if (!number || (length && *length != *number)) return {};
      length = number;
    }
  }
  return length;
}

bool length_means_nothing(Method request_method, int status, FieldsView raw) noexcept {
  return status < 200 || status == 204 || (request_method == Method::Connect && status < 300) ||
         raw.contains(FieldId::TransferEncoding);
}

}  // namespace

HeadProgress H1ResponseReader::read_head(std::string_view buffered, Method request_method, ParsedResponse& out) {
  const std::string_view window = buffered.substr(0, limits_.bytes);
  if (window.size() < scan_.at) scan_ = {};  // not the buffer that we have looked at
  HeadProgress progress{State::Complete, 0, Reason::None, 0};
  if (scan_.fields_at == 0) progress = scan_status_line(window);
  if (progress.state == State::Complete) progress = scan_field_lines(window, limits_, scan_);
  if (progress.state == State::Complete) progress = finish(window.substr(0, progress.consumed), request_method, out);
  if (progress.state != State::NeedMore) scan_ = {};
  if (progress.state == State::Bad) {
    const bool size = progress.error == Reason::FieldsTooLarge || progress.error == Reason::TooManyFields;
    return bad_head(size ? Reason::ResponseFieldsTooLarge : Reason::BadResponse, 502);
  }
  return progress;
}

HeadProgress H1ResponseReader::scan_status_line(std::string_view window) {
  // What is not HTTP at all is found out at the first byte.
  const std::string_view start = window.substr(0, kVersionStart.size());
  if (start != kVersionStart.substr(0, start.size())) return bad_response();
  const std::size_t feed = find_line_feed(window, scan_.at);
  if (feed == std::string_view::npos) {
    scan_.at = window.size();
    return window.size() < limits_.bytes ? HeadProgress{} : bad_head(Reason::FieldsTooLarge, 502);
  }
  if (feed == 0 || window[feed - 1] != '\r' || !is_status_line(window.substr(0, feed - 1))) return bad_response();
  scan_.line = scan_.at = scan_.fields_at = feed + 1;
  return {State::Complete, 0, Reason::None, 0};
}

HeadProgress H1ResponseReader::finish(std::string_view head, Method request_method, ParsedResponse& out) const {
  out.status = (head[kCodeAt] - '0') * 100 + (head[kCodeAt + 1] - '0') * 10 + (head[kCodeAt + 2] - '0');
  out.version = head[kVersionStart.size()] == '0' ? Version::Http10 : Version::Http11;
  Fields& fields = out.fields;
  fields.clear();
  const std::string_view lines = head.substr(scan_.fields_at, head.size() - 2 - scan_.fields_at);
  fields.reserve(lines.size(), scan_.field_lines);
  if (parse_field_lines(lines, FieldRules::Response, fields) != Reason::None) return bad_response();
  out.framing = frame_response(request_method, out.status, out.version, fields);
  if (out.framing.error != Reason::None) return bad_response();

  out.content_length.reset();
  if (!length_means_nothing(request_method, out.status, fields)) out.content_length = declared_length(fields);
  out.upgrade = out.status == 101;
  out.upgrade_value.clear();
  if (out.upgrade) fields.view().join("Upgrade", out.upgrade_value);

  strip_hop_by_hop(fields);
  fields.remove(FieldId::ContentLength);
  return {State::Complete, head.size(), Reason::None, 0};
}

}  // namespace freshet
