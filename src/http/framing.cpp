#include "freshet/http/framing.hpp"

#include <optional>

#include "freshet/base/ascii.hpp"
#include "freshet/http/grammar.hpp"

namespace freshet {
namespace {

// Everything that decides about framing and persistence, gathered in one walk over the fields.
struct Facts {
  std::size_t length_lines = 0, coding_lines = 0;
  std::string_view length, coding;  // of the first line
  bool close = false, keep_alive = false;
  std::size_t options = 0;  // in Connection and Proxy-Connection
};

// Each option may nominate a field, and each field has to be compared with all of them: nobody needs many, but who
// wants to keep us busy.
constexpr std::size_t kMaxOptions = 64;

// Connection holds tokens only, so a quote must not hide anything: split at every comma.
void read_connection(std::string_view list, Facts& facts) noexcept {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view option = ascii::trim(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    ++facts.options;
    facts.close = facts.close || ascii::iequals(option, "close");
    facts.keep_alive = facts.keep_alive || ascii::iequals(option, "keep-alive");
  }
}

// Proxy-Connection is what old clients say to a proxy instead of Connection; in a response it means nothing.
Facts gather(FieldsView raw, bool of_request) noexcept {
  Facts facts;
  constexpr FieldIdSet kDeciding = {FieldId::ContentLength, FieldId::TransferEncoding, FieldId::Connection,
                                    FieldId::ProxyConnection};
  if (!raw.may_hold(kDeciding)) return facts;
  for (const Field field : raw) {
    switch (field.id) {
      case FieldId::ContentLength:
        if (facts.length_lines++ == 0) facts.length = field.value;
        break;
      case FieldId::TransferEncoding:
        if (facts.coding_lines++ == 0) facts.coding = field.value;
        break;
      case FieldId::Connection:
        read_connection(field.value, facts);
        break;
      case FieldId::ProxyConnection:
        if (of_request) read_connection(field.value, facts);
        break;
      default:
        break;
    }
  }
  return facts;
}

bool wants_to_go_on(Version version, const Facts& facts) noexcept {
  if (facts.close) return false;
  return version != Version::Http10 || facts.keep_alive;
}

FramingVerdict refuse(Reason error, int status) noexcept {
  FramingVerdict verdict;
  verdict.error = error;
  verdict.status = status;
  return verdict;
}

// Methods in whose requests content has no meaning (RFC 9110 9.3.6 and 9.3.8).
bool takes_no_content(Method method) noexcept { return method == Method::Connect || method == Method::Trace; }

// As many digits as 2^63 has; who pads with more zeros tries what another parser makes of them.
constexpr std::size_t kMaxLengthDigits = 19;

// One length. What does not fit a signed 64-bit offset would overflow somewhere down the line.
std::optional<std::uint64_t> parse_length(std::string_view text) noexcept {
  if (text.size() > kMaxLengthDigits) return {};
  const auto length = ascii::parse_decimal(text);
  if (length && *length > static_cast<std::uint64_t>(INT64_MAX)) return {};
  return length;
}

// transfer-coding: token *( OWS ";" OWS token BWS "=" BWS ( token / quoted-string ) ), RFC 9112 section 7.
bool is_transfer_coding(std::string_view coding) noexcept {
  const std::size_t semicolon = coding.find(';');
  if (!is_token(ascii::trim(coding.substr(0, semicolon)))) return false;
  if (semicolon == std::string_view::npos) return true;
  ParameterReader parameters(coding.substr(semicolon + 1), ';');
  std::string_view name, value;
  for (bool has_value = false; parameters.next(name, value, has_value);) {
    const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
    if (!is_token(name) || !has_value || !(quoted || is_token(value))) return false;
  }
  return true;
}

// A request's Transfer-Encoding other than "chunked" is refused; this says how. 501 is kept for a list that could be
// framed (chunked last, and only there) but needs a coding that we do not have.
int refusal_of(std::string_view codings) noexcept {
  ListReader list(codings);
  bool chunked_last = false;
  for (std::string_view coding; list.next(coding);) {
    if (chunked_last || !is_transfer_coding(coding)) return 400;
    chunked_last = ascii::iequals(coding, "chunked");
  }
  return chunked_last ? 501 : 400;
}

FramingVerdict frame_coded_request(Method method, Version version, const Facts& facts) noexcept {
  if (facts.length_lines != 0) return refuse(Reason::LengthConflict, 400);
  if (facts.coding_lines != 1 || version == Version::Http10) return refuse(Reason::BadTransferEncoding, 400);
  if (!ascii::iequals(facts.coding, "chunked")) return refuse(Reason::BadTransferEncoding, refusal_of(facts.coding));
  if (takes_no_content(method)) return refuse(Reason::BadTransferEncoding, 400);
  FramingVerdict verdict;
  verdict.body = BodyKind::Chunked;
  verdict.persistent = wants_to_go_on(version, facts);
  return verdict;
}

// The codings of a response over all its lines.
struct Codings {
  bool only_chunked = false;
  bool chunked_among_others = false;
};
Codings read_codings(FieldsView raw) noexcept {
  std::size_t codings = 0, chunked = 0, exactly_chunked = 0;
  for (const Field field : raw) {
    if (field.id != FieldId::TransferEncoding) continue;
    ListReader list(field.value);
    for (std::string_view coding; list.next(coding); ++codings) {
      chunked += ascii::iequals(ascii::trim(coding.substr(0, coding.find(';'))), "chunked");
      exactly_chunked += ascii::iequals(coding, "chunked");
    }
  }
  const bool only = codings == 1 && exactly_chunked == 1;
  return {only, chunked != 0 && !only};
}

// Several equal lengths count as one (RFC 9112 6.3 rule 5); empty when they differ or one of them is malformed.
std::optional<std::uint64_t> read_response_length(FieldsView raw) noexcept {
  std::optional<std::uint64_t> agreed;
  for (const Field field : raw) {
    if (field.id != FieldId::ContentLength) continue;
    std::string_view rest = field.value;
    for (bool more = true; more;) {
      const std::size_t comma = rest.find(',');
      more = comma != std::string_view::npos;
      const auto length = parse_length(ascii::trim(rest.substr(0, comma)));
      if (!length || (agreed && *agreed != *length)) return {};
      agreed = length;
      if (more) rest.remove_prefix(comma + 1);
    }
  }
  return agreed;
}

// A Content-Length other than 0.
bool says_content(const Facts& facts) noexcept {
  return facts.length_lines > 1 || (facts.length_lines == 1 && facts.length != "0");
}

bool never_has_body(Method request_method, int status) noexcept {
  return request_method == Method::Head || (status >= 100 && status < 200) || status == 204 || status == 304;
}

}  // namespace

FramingVerdict frame_request(Method method, Version version, FieldsView raw) noexcept {
  const Facts facts = gather(raw, true);
  if (facts.options > kMaxOptions) return refuse(Reason::BadField, 400);
  if (facts.coding_lines != 0) return frame_coded_request(method, version, facts);
  FramingVerdict verdict;
  verdict.persistent = wants_to_go_on(version, facts);
  if (facts.length_lines == 0) return verdict;
  const auto length = parse_length(facts.length);
  if (facts.length_lines > 1 || !length) return refuse(Reason::BadContentLength, 400);
  // What follows a CONNECT belongs to the tunnel; content before it means different things to different recipients.
  if (takes_no_content(method) && *length != 0) return refuse(Reason::BadContentLength, 400);
  verdict.body = *length != 0 ? BodyKind::Length : BodyKind::None;
  verdict.length = *length;
  return verdict;
}

FramingVerdict frame_response(Method request_method, int status, Version version, FieldsView raw) noexcept {
  FramingVerdict verdict;
  if (status == 101 || (request_method == Method::Connect && status >= 200 && status < 300)) {
    verdict.body = BodyKind::Tunnel;
    return verdict;
  }
  const Facts facts = gather(raw, false);
  if (facts.options > kMaxOptions) return refuse(Reason::BadField, 502);
  const bool both = facts.coding_lines != 0 && facts.length_lines != 0;
  verdict.persistent = wants_to_go_on(version, facts) && !both;
  const bool empty = never_has_body(request_method, status);
  // RFC 9110 8.6 and RFC 9112 6.1 forbid both here: who says them may mean to send content all the same.
  if ((status < 200 || status == 204) && (facts.coding_lines != 0 || says_content(facts))) verdict.persistent = false;
  if (both && !empty) return refuse(Reason::LengthConflict, 502);
  if (facts.coding_lines != 0 && !empty) {
    const Codings codings = read_codings(raw);
    if (codings.chunked_among_others) return refuse(Reason::BadTransferEncoding, 502);
    verdict.body = codings.only_chunked ? BodyKind::Chunked : BodyKind::UntilClose;
    verdict.persistent = verdict.persistent && codings.only_chunked && version != Version::Http10;
    return verdict;
  }
  if (facts.length_lines != 0 && status >= 200 && status != 204) {
    const auto length = read_response_length(raw);
    if (!length) return refuse(Reason::BadContentLength, 502);
    if (empty) return verdict;
    verdict.body = *length != 0 ? BodyKind::Length : BodyKind::None;
    verdict.length = *length;
    return verdict;
  }
  if (empty) return verdict;
  verdict.body = BodyKind::UntilClose;
  verdict.persistent = false;
  return verdict;
}

}  // namespace freshet
