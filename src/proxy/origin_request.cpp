#include "origin_request.hpp"

#include <array>
#include <memory>
#include <new>

#include "content_range.hpp"
#include "freshet/base/ascii.hpp"
#include "freshet/cache/stored_response.hpp"
#include "freshet/http/forwarding.hpp"
#include "freshet/http/range.hpp"
#include "parts_fit.hpp"

namespace freshet {
namespace {

/// For Via, Forwarded and the like, mostly.
constexpr std::size_t kAddedBytes = 256, kAddedLines = 6;

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

/// Beyond so many bytes the memory of fields is given back.
constexpr std::size_t kLargeFields = 2048;
constexpr std::size_t kSpare = 64;

struct SpareRequests {
  std::array<void*, kSpare> blocks;
  std::array<Fields, kSpare> fields;
  std::size_t count = 0;
  std::size_t room = kSpare;
  ~SpareRequests() {
    room = 0;  // what comes later, while the thread ends, is not kept
    while (count > 0) ::operator delete(blocks[--count]);
  }
};

SpareRequests& spare_requests() noexcept {
  thread_local SpareRequests own;
  return own;
}

SentRequest make_request(Request& from, Interim& interim) {
  SpareRequests& spare = spare_requests();
  if (spare.count == 0) return SentRequest(new (::operator new(sizeof(Request))) Request(from.arena, *from.peer, interim));
  --spare.count;
  SentRequest made(new (spare.blocks[spare.count]) Request(from.arena, *from.peer, interim));
  made->head.fields = std::move(spare.fields[spare.count]);
  return made;
}

}  // namespace

void RecycleRequest::operator()(Request* request) const noexcept {
  SpareRequests& spare = spare_requests();
  Fields fields = std::move(request->head.fields);
  std::destroy_at(request);
  if (spare.count >= spare.room || fields.view().wire_size() > kLargeFields) return ::operator delete(request);
  spare.fields[spare.count] = std::move(fields);
  spare.blocks[spare.count++] = request;
}

SentRequest make_origin_request(Request& from, Interim& interim, const ListenerRules& rules, std::string_view loop_token,
                                Preconditions preconditions, const StoredResponse* stored, ByteRange missing) {
  SentRequest made = make_request(from, interim);
  made->head.method = from.head.method;
  made->head.version = from.head.version;
  made->head.method_name = from.head.method_name;
  made->head.scheme = from.head.scheme;
  made->head.authority = from.head.authority;
  made->head.target = from.head.target;
  made->head.fields.copy(from.head.fields, kAddedBytes, kAddedLines);
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
    fields.add(FieldId::IfRange, stored->etag());
  }
  append_via(fields, from.head.version, loop_token);
  if (!rules.forward)
    append_forwarded(fields, from.peer->address, from.peer->tls ? "https" : "http", from.head.authority, rules.forwarded);
  return made;
}

DetachedRequest::DetachedRequest(const Request& from)
    : peer_(*from.peer), request_(arena_, peer_, interim_) {
  copy_head(from.head, request_.head, arena_);
  request_.absolute_form = from.absolute_form;
  request_.destination = from.destination;
  request_.listener = from.listener;
  request_.received = from.received;
}

}  // namespace freshet
