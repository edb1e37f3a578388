#include "local_answer.hpp"

#include <string>

#include "freshet/exchange/error_reply.hpp"
#include "freshet/http/forwarding.hpp"

namespace freshet {
namespace {

class TextReply final : public Pinned {
 public:
  Fields fields;
  std::string text;
};

/// RFC 9110 9.3.8: the request as it was received, without what must not be shown.
Reply answer_trace(const Request& request) {
  auto made = make_ref<TextReply>();
  std::string& out = made->text;
  out.append(request.head.method_name).append(" ").append(request.head.target).append(" HTTP/1.1\r\nHost: ");
  out.append(request.head.authority).append("\r\n");
  for (const Field field : request.head.fields.view()) {
    if (field_flags(field.id) & kCredential) continue;
    out.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  out.append("\r\n");
  made->fields.add(FieldId::ContentType, "message/http");
  Reply reply;
  reply.head = {200, made->fields.view()};
  reply.length = out.size();
  reply.body = Body(Piece(as_bytes(out), Pin(made), true));
  reply.pin = std::move(made);
  return reply;
}

}  // namespace

bool is_about_the_proxy(const Request& request) noexcept {
  return request.head.method == Method::Options && request.head.target == "*" && !request.absolute_form;
}

Reply answer_options() {
  auto made = make_ref<TextReply>();
  made->fields.add(FieldId::Allow, "GET, HEAD, QUERY, POST, PUT, DELETE, PATCH, OPTIONS, TRACE");
  Reply reply;
  reply.head = {200, made->fields.view()};
  reply.length = 0;
  reply.pin = std::move(made);
  return reply;
}

std::optional<Reply> answer_max_forwards(Request& request, std::string_view pseudonym) {
  if (request.head.method != Method::Trace && request.head.method != Method::Options) return {};
  const MaxForwards verdict = apply_max_forwards(request.head.fields);
  if (verdict.malformed) return make_error_reply(request, {Reason::BadField, Side::Client, 400}, pseudonym);
  if (!verdict.answer_here) return {};
  return request.head.method == Method::Trace ? answer_trace(request) : answer_options();
}

}  // namespace freshet
