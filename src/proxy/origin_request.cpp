#include "origin_request.hpp"

#include "content_range.hpp"
#include "freshet/base/ascii.hpp"
#include "freshet/cache/stored_response.hpp"
#include "freshet/http/forwarding.hpp"
#include "freshet/http/range.hpp"
#include "parts_fit.hpp"

namespace freshet {
namespace {

void drop_preconditions(Fields& fields) {
  for (const FieldId id : {FieldId::IfNoneMatch, FieldId::IfModifiedSince, FieldId::IfMatch, FieldId::IfUnmodifiedSince,
                           FieldId::IfRange, FieldId::Range})
    fields.remove(id);
}

// RFC 9110 14.2 lets a server ignore ranges that overlap or are many; here that spares the origin the work. Other units
// are its own business.
void drop_excessive_range(Fields& fields) {
  const auto range = fields.first(FieldId::Range);
  if (!range) return;
  const bool bytes = ascii::iequals(range->substr(0, 6), "bytes=");
  if (fields.count(FieldId::Range) == 1 && (!bytes || decide_range(*range, UINT64_MAX, kMostRanges).kind != RangeKind::Ignore)) return;
  fields.remove(FieldId::Range);
  fields.remove(FieldId::IfRange);
}

void copy_head(const RequestHead& from, RequestHead& to, Arena& arena) {
  to.method = from.method;
  to.version = from.version;
  to.method_name = arena.copy(from.method_name);
  to.scheme = arena.copy(from.scheme);
  to.authority = arena.copy(from.authority);
  to.target = arena.copy(from.target);
  to.fields = from.fields;
}

}  // namespace

std::unique_ptr<Request> make_origin_request(Request& from, Interim& interim, const ListenerRules& rules,
                                             std::string_view loop_token, Preconditions preconditions,
                                             const StoredMeta* stored, ByteRange missing) {
  auto made = std::make_unique<Request>(from.arena, from.peer, interim);
  made->head = from.head;
  made->body = std::move(from.body);
  made->body_length = from.body_length;
  made->expects_continue = from.expects_continue;
  made->absolute_form = from.absolute_form;
  made->upgrade = from.upgrade;
  made->destination = from.destination;
  made->listener = from.listener;
  made->received = from.received;
  Fields& fields = made->head.fields;
  if (preconditions != Preconditions::Keep) drop_preconditions(fields);
  drop_excessive_range(fields);
  if (stored && (preconditions == Preconditions::Stored || preconditions == Preconditions::StoredPart)) add_stored_validators(*stored, fields);
  if (preconditions == Preconditions::StoredPart)
    for (const FieldId id : {FieldId::Range, FieldId::IfRange})
      if (const auto value = from.head.fields.first(id)) fields.add(id, *value);
  if (stored && preconditions == Preconditions::Gap) {
    const std::string_view first = decimal(missing.first, from.arena), last = decimal(missing.first + missing.size - 1, from.arena);
    fields.add(FieldId::Range, from.arena.join({"bytes=", first, "-", last}));
    fields.add(FieldId::IfRange, stored->etag);
  }
  append_via(fields, from.head.version, loop_token);
  if (!rules.forward)
    append_forwarded(fields, from.peer.address, from.peer.tls ? "https" : "http", from.head.authority, rules.forwarded);
  return made;
}

DetachedRequest::DetachedRequest(const Request& from)
    : peer_(from.peer), request_(arena_, peer_, interim_) {
  copy_head(from.head, request_.head, arena_);
  request_.absolute_form = from.absolute_form;
  request_.destination = from.destination;
  request_.listener = from.listener;
  request_.received = from.received;
}

}  // namespace freshet
