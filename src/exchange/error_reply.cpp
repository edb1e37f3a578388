#include "freshet/exchange/error_reply.hpp"

#include <string>

#include "freshet/base/ascii.hpp"
#include "freshet/http/grammar.hpp"
#include "freshet/http/structured.hpp"

namespace freshet {
namespace {

/// Head and page of one error answer.
class ErrorPage final : public Pinned {
 public:
  Fields fields;
  std::string page;
};

bool accepts_html(const Request& request) {
  const auto accept = request.head.fields.first(FieldId::Accept);
  if (!accept) return false;
  ListReader members(*accept);
  for (std::string_view member; members.next(member);)
    if (ascii::iequals(ascii::trim(member.substr(0, member.find(';'))), "text/html")) return true;
  return false;
}

std::string sentence(Reason reason) {
  std::string out(text(reason));
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 32);
  return out + '.';
}

/// Text for HTML: our reasons hold no markup, but the rule should not depend on that.
void append_html(std::string& out, std::string_view s) {
  for (char c : s) {
    if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '&') out += "&amp;";
    else out += c;
  }
}

std::string html_page(int status, std::string_view phrase, std::string_view why, std::string_view pseudonym) {
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>";
  out += std::to_string(status);
  out += ' ';
  append_html(out, phrase);
  out += "</title></head>\n<body><h1>";
  out += std::to_string(status);
  out += ' ';
  append_html(out, phrase);
  out += "</h1>\n<p>";
  append_html(out, why);
  out += "</p>\n<hr><p>";
  append_html(out, pseudonym);
  out += "</p></body></html>\n";
  return out;
}

std::string text_page(int status, std::string_view phrase, std::string_view why) {
  return std::to_string(status) + ' ' + std::string(phrase) + "\n\n" + std::string(why) + '\n';
}

Reply make_reply(const Failure& failure, std::string_view pseudonym, bool html, bool head_only, std::uint32_t retry_after = 0) {
  const int status = failure.status ? failure.status : 500;
  auto made = make_ref<ErrorPage>();
  const std::string_view phrase = reason_phrase(status);
  const std::string why = sentence(failure.reason);
  made->page = html ? html_page(status, phrase, why, pseudonym) : text_page(status, phrase, why);
  made->fields.add(FieldId::ContentType, html ? "text/html; charset=utf-8" : "text/plain; charset=utf-8");
  made->fields.add(FieldId::CacheControl, "no-store");
  if (retry_after == 0 && (status == 429 || status == 503)) retry_after = 1;
  if (retry_after > 0) made->fields.add(FieldId::RetryAfter, std::to_string(retry_after));
  if (const auto error = proxy_status_error(failure.reason); !error.empty()) {
    std::string value(pseudonym);
    value += "; error=";
    value += error;
    value += "; details=";
    append_sf_string(value, text(failure.reason));
    made->fields.add(FieldId::ProxyStatus, value);
  }
  Reply reply;
  reply.head = {status, made->fields.view()};
  reply.length = made->page.size();
  if (!head_only) reply.body = Body(Piece(as_bytes(made->page), Pin(made), true));
  reply.outcome.reason = failure.reason;
  reply.pin = std::move(made);
  return reply;
}

}  // namespace

Reply make_error_reply(const Request& request, const Failure& failure, std::string_view pseudonym,
                       std::uint32_t retry_after) {
  Reply reply = make_reply(failure, pseudonym, accepts_html(request), request.head.method == Method::Head, retry_after);
  if (request.head.method == Method::Connect) reply.close = true;
  return reply;
}

Reply make_error_reply(const Failure& failure, std::string_view pseudonym) {
  Reply reply = make_reply(failure, pseudonym, false, false);
  reply.close = true;
  return reply;
}

std::string_view proxy_status_error(Reason reason) noexcept {
  switch (reason) {
    case Reason::DnsFailed: return "dns_error";
    case Reason::DnsTimeout: return "dns_timeout";
    case Reason::ConnectionRefused: return "connection_refused";
    case Reason::ConnectTimeout: return "connection_timeout";
    case Reason::Unreachable: return "destination_ip_unroutable";
    case Reason::ConnectionReset: return "connection_terminated";
    case Reason::FirstByteTimeout: return "http_response_timeout";
    case Reason::BetweenBytesTimeout: return "connection_read_timeout";
    case Reason::BadResponse:
    case Reason::UnexpectedNotModified:
    case Reason::TooManyInterim: return "http_protocol_error";
    case Reason::ResponseFieldsTooLarge: return "http_response_header_section_size";
    case Reason::ResponseCutShort: return "http_response_incomplete";
    case Reason::UpstreamBusy:
    case Reason::QueueFull:
    case Reason::QueueTimeout: return "connection_limit_reached";
    case Reason::AddressDenied:
    case Reason::PrivateAddress: return "destination_ip_prohibited";
    case Reason::AccessDenied:
    case Reason::PortRefused:
    case Reason::ConnectRefused: return "http_request_denied";
    case Reason::Loop: return "proxy_loop_detected";
    case Reason::TlsUnsupported: return "proxy_configuration_error";
    case Reason::Internal: return "proxy_internal_error";
    default: return {};
  }
}

}  // namespace freshet
