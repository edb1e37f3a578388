// Request heads (RFC 9112 sections 2, 3 and 5). First the bytes are scanned once, line by line, as they arrive: the
// request line is checked at once, of the field lines only number and ends. When the empty line is there, the fields
// are parsed and judged.
#include <algorithm>
#include <cstring>

#include "chars.hpp"
#include "field_lines.hpp"
#include "freshet/codec/h1_reader.hpp"
#include "freshet/http/forwarding.hpp"
#include "freshet/http/grammar.hpp"
#include "freshet/http/target.hpp"

namespace freshet {
namespace {

using State = HeadProgress::State;

// RFC 9112 2.2 asks for one; more come from clients that end a body with CRLF too many.
constexpr std::size_t kMaxEmptyLines = 4;
// Longer than any that is registered; RFC 9112 3.1 asks for 501 then.
constexpr std::size_t kMaxMethodBytes = 64;
constexpr std::size_t kVersionBytes = 8;

// HTTP-version of RFC 9112 2.3. A higher minor version of 1 is understood as 1.1.
HeadProgress read_version(std::string_view text, Version& version) noexcept {
  constexpr std::string_view kName = "HTTP/";
  if (text.size() <= kName.size() || text.substr(0, kName.size()) != kName || !ascii::is_digit(text[5]))
    return bad_head(Reason::BadRequestLine, 400);
  const char major = text[5];
  const bool has_minor = text.size() == kVersionBytes && text[6] == '.' && ascii::is_digit(text[7]);
  if (has_minor && major == '1') {
    version = text[7] == '0' ? Version::Http10 : Version::Http11;
    return {State::Complete, 0, Reason::None, 0};
  }
  // "HTTP/2" and "HTTP/3" without a minor version are not of the form, but clear enough for a clear answer.
  const bool other_version = has_minor || (text.size() == 6 && major != '1');
  return other_version ? bad_head(Reason::BadVersion, 505) : bad_head(Reason::BadRequestLine, 400);
}

// What the raw fields say beyond framing. Views point into them.
struct Survey {
  std::optional<std::string_view> host;
  std::size_t host_count = 0;
  bool nominates_upgrade = false;
  bool has_upgrade = false;
  bool expects_continue = false;
  bool expects_other = false;
  std::string_view proxy_credentials;
  std::size_t credential_lines = 0;
};

void survey_expect(std::string_view value, Survey& survey) noexcept {
  ListReader members(value);
  for (std::string_view member; members.next(member);)
    (ascii::iequals(member, "100-continue") ? survey.expects_continue : survey.expects_other) = true;
}

Survey survey_fields(FieldsView raw) noexcept {
  Survey survey;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    switch (raw.entries()[i].id) {
      case FieldId::Host:
        if (survey.host_count++ == 0) survey.host = raw[i].value;
        break;
      case FieldId::Connection:
        survey.nominates_upgrade = survey.nominates_upgrade || list_contains(raw[i].value, "upgrade");
        break;
      case FieldId::Upgrade:
        survey.has_upgrade = true;
        break;
      case FieldId::Expect:
        survey_expect(raw[i].value, survey);
        break;
      case FieldId::ProxyAuthorization:
        survey.proxy_credentials = raw[i].value;
        ++survey.credential_lines;
        break;
      default:
        break;
    }
  }
  return survey;
}

// Drops what CGI and WSGI would take for a field of ours (X_Forwarded_For). False for what they would take for framing
// or Host: such a message is not clear.
bool drop_mistakable(Fields& fields) {
  bool clear = true;
  if (!fields.view().may_hold({FieldId::Unknown})) return clear;
  fields.remove_if([&clear](const Field& field) {
    if (field.id != FieldId::Unknown) return false;
    const FieldId taken_for = field_mistaken_for(field.name);
    if (taken_for == FieldId::Unknown) return false;
    const bool is_framing = taken_for == FieldId::Host || taken_for == FieldId::ContentLength;
    if (is_framing || (field_flags(taken_for) & kHopByHop) != 0) clear = false;
    return true;
  });
  return clear;
}

// protocol-name ["/" protocol-version] (RFC 9110 7.8), and none that is not offered: see ParsedRequest::upgrade.
bool may_be_offered(std::string_view protocol) noexcept {
  const std::size_t slash = protocol.find('/');
  const std::string_view name = protocol.substr(0, slash);
  const bool versioned = slash != std::string_view::npos;
  return is_token(name) && (!versioned || is_token(protocol.substr(slash + 1))) && !ascii::iequals(name, "h2c");
}

// The protocols of all Upgrade lines. What is no protocol is dropped: a quote might hide one from us and not from the
// origin.
std::string_view offered_upgrade(FieldsView raw, Arena& arena) {
  std::string_view offered;
  for (const Field field : raw) {
    if (field.id != FieldId::Upgrade) continue;
    ListReader members(field.value);
    for (std::string_view member; members.next(member);) {
      if (!may_be_offered(member)) continue;
      offered = offered.empty() ? arena.copy(member) : arena.join({offered, ", ", member});
    }
  }
  return offered;
}

// As most requests are: one Host, origin-form, and no more to be known of it than its fields and framing.
bool is_plain(const Survey& survey, const ParsedRequest& request, std::string_view asked) noexcept {
  static constexpr FieldIdSet kSecrets = FieldIdSet::with_flags(kCredential);
  const bool has_secrets = request.head.fields.view().may_hold(kSecrets);
  const bool asks_for_more = survey.has_upgrade || survey.expects_continue || request.framing.body != BodyKind::None;
  return survey.host_count == 1 && asked.starts_with('/') && !has_secrets && !asks_for_more;
}

}  // namespace

HeadProgress H1RequestReader::read_head(std::string_view buffered, ParsedRequest& out, Arena& arena) {
  const std::string_view window = buffered.substr(0, limits_.bytes);
  if (window.size() < scan_.at) scan_ = {};  // not the buffer that we have looked at
  HeadProgress progress{State::Complete, 0, Reason::None, 0};
  if (scan_.fields_at == 0) progress = scan_request_line(window);
  if (progress.state == State::Complete) progress = read_section(window, out, arena);
  if (progress.state != State::NeedMore) scan_ = {};
  return progress;
}

// What follows the request line.
HeadProgress H1RequestReader::read_section(std::string_view window, ParsedRequest& out, Arena& arena) {
  const Method method = parse_method(method_name(window));
  const std::size_t known = out.known_section.size_in(window.substr(scan_.fields_at), method, version_);
  // It may have come to a listener that has other limits.
  if (known != 0 && known <= limits_.field_bytes && out.known_section.meaning().lines <= limits_.fields)
    return finish_known(window.substr(0, scan_.fields_at + known), method, out, arena);
  const HeadProgress progress = scan_field_lines(window, limits_, scan_);
  if (progress.state != State::Complete) return progress;
  return finish(window.substr(0, progress.consumed), method, out, arena);
}

std::string_view H1RequestReader::method_name(std::string_view window) const noexcept {
  const std::size_t at = 2 * scan_.empty_lines;
  return window.substr(at, scan_.method_end - at);
}

std::string_view H1RequestReader::target(std::string_view buffered) {
  if (buffered.size() < scan_.at) return {};
  if (scan_.fields_at == 0) {
    const HeadProgress progress = scan_request_line(buffered.substr(0, limits_.bytes));
    if (progress.state == State::Bad) scan_ = {};  // read_head() finds it out again
    if (progress.state != State::Complete) return {};
  }
  return buffered.substr(scan_.method_end + 1, scan_.target_end - scan_.method_end - 1);
}

// The line that nearly everybody sends, come in one piece: what scan_request_line() makes of it. False: it has to look.
bool H1RequestReader::scan_plain_line(std::string_view window) noexcept {
  constexpr std::string_view kBefore = "GET ", kBehind = " HTTP/1.1\r\n";
  if (scan_.at != 0 || !window.starts_with(kBefore)) return false;
  const char* const end = find_blank(window.data() + kBefore.size(), window.data() + window.size());
  const auto target_end = static_cast<std::size_t>(end - window.data()), target_bytes = target_end - kBefore.size();
  if (target_bytes == 0 || target_bytes > limits_.target_bytes || !window.substr(target_end).starts_with(kBehind)) return false;
  scan_.method_end = kBefore.size() - 1;
  scan_.target_end = target_end;
  scan_.line = scan_.at = scan_.fields_at = target_end + kBehind.size();
  version_ = Version::Http11;
  return true;
}

// Whatever is decided here is decided by the same bytes in the same order, however they are cut into reads.
HeadProgress H1RequestReader::scan_request_line(std::string_view window) {
  if (scan_plain_line(window)) return {State::Complete, 0, Reason::None, 0};
  const auto wait = [&] {
    return window.size() < limits_.bytes ? HeadProgress{} : bad_head(Reason::TargetTooLong, 414);
  };
  for (; scan_.line < window.size() && (window[scan_.line] == '\r' || window[scan_.line] == '\n');
       scan_.at = scan_.line += 2) {
    if (window[scan_.line] == '\r' && scan_.line + 1 == window.size()) return wait();
    if (window[scan_.line] == '\n' || window[scan_.line + 1] != '\n') return bad_head(Reason::BareLineEnd, 400);
    if (++scan_.empty_lines > kMaxEmptyLines) return bad_head(Reason::BadRequestLine, 400);
  }
  const std::size_t feed = find_line_feed(window, scan_.at);
  const bool whole = feed != std::string_view::npos;
  const std::size_t end = whole ? feed : window.size();

  if (scan_.method_end == 0) {
    std::size_t at = scan_.at;
    while (at < end && is_token_char(window[at])) ++at;
    if (at - scan_.line > kMaxMethodBytes) return bad_head(Reason::BadMethod, 501);
    if (at < end && window[at] == ' ' && at != scan_.line)
      scan_.method_end = at;
    else if (at < end && window[at] != '\r')
      return bad_head(Reason::BadMethod, 400);
    else if (at < end || whole)
      return bad_head(Reason::BadRequestLine, 400);
  }
  if (scan_.method_end != 0 && scan_.target_end == 0) {
    const std::size_t target = scan_.method_end + 1;
    const std::size_t from = std::max(scan_.at, target);
    const void* space = from < end ? std::memchr(window.data() + from, ' ', end - from) : nullptr;
    if (space) scan_.target_end = static_cast<std::size_t>(static_cast<const char*>(space) - window.data());
    const std::size_t target_bytes = (space ? scan_.target_end : std::max(end, target)) - target;
    if (target_bytes > limits_.target_bytes) return bad_head(Reason::TargetTooLong, 414);
    if (space && target_bytes == 0) return bad_head(Reason::BadRequestLine, 400);
  }
  if (scan_.target_end != 0 && end - (scan_.target_end + 1) > kVersionBytes + 1)
    return bad_head(Reason::BadRequestLine, 400);
  scan_.at = end;
  if (!whole) return wait();

  if (window[feed - 1] != '\r') return bad_head(Reason::BareLineEnd, 400);
  const std::string_view line = window.substr(scan_.line, feed - 1 - scan_.line);
  if (line.find('\r') != std::string_view::npos) return bad_head(Reason::BareLineEnd, 400);
  if (scan_.target_end == 0) return bad_head(Reason::BadRequestLine, 400);  // HTTP/0.9, or "GET /" cut off
  scan_.line = scan_.at = scan_.fields_at = feed + 1;
  return read_version(window.substr(scan_.target_end + 1, feed - 1 - (scan_.target_end + 1)), version_);
}

HeadProgress H1RequestReader::finish(std::string_view head, Method method, ParsedRequest& out, Arena& arena) const {
  Fields& fields = out.head.fields;
  fields.clear();
  const std::string_view section = head.substr(scan_.fields_at), lines = section.substr(0, section.size() - 2);
  if (const Reason error = parse_field_lines(lines, FieldRules::Strict, fields); error != Reason::None)
    return bad_head(error, 400);

  if (!drop_mistakable(fields)) return bad_head(Reason::BadField, 400);

  out.framing = frame_request(method, version_, fields);
  if (out.framing.error != Reason::None) return bad_head(out.framing.error, out.framing.status);

  Survey survey = survey_fields(fields);
  // Two parsers could take different ones of them.
  if (survey.credential_lines > 1) return bad_head(Reason::BadField, 400);
  if (survey.host) survey.host = arena.copy(*survey.host);
  out.proxy_credentials = survey.proxy_credentials.empty() ? std::string_view() : arena.copy(survey.proxy_credentials);
  const std::string_view asked = take_request_line(head, method, out.head, arena);
  const HeadProgress progress = take_target(head.size(), asked, survey.host, survey.host_count, out, arena);
  if (progress.state != State::Complete) return progress;

  if (survey.expects_other) return bad_head(Reason::BadExpectation, 417);
  out.expects_continue = survey.expects_continue && version_ == Version::Http11 && out.framing.body != BodyKind::None;
  out.upgrade = {};
  if (survey.has_upgrade && survey.nominates_upgrade && version_ == Version::Http11)
    out.upgrade = offered_upgrade(fields, arena);

  const bool worth_remembering = is_plain(survey, out, asked);
  strip_hop_by_hop(fields);
  fields.remove(FieldIdSet{FieldId::Host, FieldId::ContentLength, FieldId::Expect});
  if (worth_remembering) {
    const KnownSection::Meaning meaning{method, version_, scan_.field_lines, out.framing, default_scheme_};
    out.known_section.remember(section, meaning, *survey.host, out.head.authority, fields);
  }
  return progress;
}

HeadProgress H1RequestReader::finish_known(std::string_view head, Method method, ParsedRequest& out, Arena& arena) const {
  const KnownSection& known = out.known_section;
  out.head.fields.copy(known.fields(), 0, 0);
  out.framing = known.meaning().framing;
  out.proxy_credentials = out.upgrade = {};
  out.expects_continue = false;
  const std::string_view asked = take_request_line(head, method, out.head, arena);
  if (known.meaning().scheme != default_scheme_ || !is_origin_form(asked))
    return take_target(head.size(), asked, arena.copy(known.host()), 1, out, arena);
  out.head.scheme = default_scheme_;
  out.head.authority = arena.copy(known.authority());
  out.head.target = asked;
  out.absolute_form = false;
  return {State::Complete, head.size(), Reason::None, 0};
}

// Method, target and version of the request line; returns the target as it came.
std::string_view H1RequestReader::take_request_line(std::string_view head, Method method, RequestHead& out, Arena& arena) const {
  const std::size_t method_at = 2 * scan_.empty_lines, method_size = scan_.method_end - method_at;
  const std::string_view asked = arena.copy(head.substr(method_at, scan_.target_end - method_at));
  out.method_name = asked.substr(0, method_size);
  out.method = method;
  out.version = version_;
  return asked.substr(method_size + 1);
}

HeadProgress H1RequestReader::take_target(std::size_t head_bytes, std::string_view asked, std::optional<std::string_view> host,
                                          std::size_t host_count, ParsedRequest& out, Arena& arena) const {
  RequestHead& request = out.head;
  const TargetVerdict target =
      decide_target(request.method, asked, host, host_count, version_, default_scheme_, arena, &out.known_host);
  if (target.error != Reason::None) return bad_head(target.error, target.status);
  request.scheme = target.scheme;
  request.authority = target.authority;
  request.target = target.target;
  out.absolute_form = target.absolute;
  return {State::Complete, head_bytes, Reason::None, 0};
}

}  // namespace freshet
