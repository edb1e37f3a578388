#include "hit.hpp"

#include <array>
#include <charconv>

#include "fill_reader.hpp"
#include "freshet/http/conditional.hpp"
#include "freshet/http/range.hpp"

namespace freshet {
namespace {

std::string_view decimal(std::uint64_t n, Arena& arena) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr;
  return arena.copy({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

/// The fields that a 304 carries (RFC 9110 15.4.5): those that guide caches; the client has the rest.
bool belongs_in_304(FieldId id) noexcept {
  switch (id) {
    case FieldId::CacheControl:
    case FieldId::CdnCacheControl:
    case FieldId::ContentLocation:
    case FieldId::Date:
    case FieldId::ETag:
    case FieldId::Expires:
    case FieldId::LastModified:
    case FieldId::Vary:
    case FieldId::Via: return true;
    default: return false;
  }
}

/// A view of the same block with the chosen lines only; its index lies in the arena.
FieldsView select_for_304(FieldsView fields, Arena& arena) {
  const auto all = fields.entries();
  auto* chosen = static_cast<FieldEntry*>(arena.allocate(all.size() * sizeof(FieldEntry), alignof(FieldEntry)));
  std::size_t count = 0;
  for (const FieldEntry& entry : all)
    if (belongs_in_304(entry.id)) chosen[count++] = entry;
  return fields.with_entries({chosen, count});
}

Validators validators_of(const StoredMeta& meta) noexcept { return {meta.etag, meta.last_modified, meta.date}; }

void add_lines(Reply& reply, const Request& request, const HitLines& lines) {
  reply.added.add(FieldId::Age, decimal(static_cast<std::uint64_t>(lines.age.count()), request.arena));
  reply.added.add(FieldId::CacheStatus, lines.cache_status);
}

/// "bytes 0-9/100", or "bytes */100" for 416.
std::string_view content_range(const ByteRange* range, std::uint64_t size, Arena& arena) {
  if (!range) return arena.join({"bytes */", decimal(size, arena)});
  return arena.join({"bytes ", decimal(range->first, arena), "-", decimal(range->first + range->size - 1, arena), "/",
                     decimal(size, arena)});
}

std::optional<std::uint64_t> known_size(const StoredBody& body) noexcept {
  if (body.state() == StoredBody::State::Complete) return body.size();
  return body.expected();
}

/// The range to answer with, when this request asks for one that can be served from the stored response.
std::optional<RangeVerdict> wanted_range(const Request& request, const StoredMeta& meta, std::optional<std::uint64_t> size) {
  if (request.head.method != Method::Get || meta.status != 200 || !size) return {};
  const auto field = request.head.fields.first(FieldId::Range);
  if (!field || !range_applies(request.head.fields, validators_of(meta), unix_seconds(request.received.wall))) return {};
  RangeVerdict verdict = decide_range(*field, *size, 1);
  if (verdict.kind == RangeKind::Ignore) return {};
  return verdict;
}

}  // namespace

Body make_stored_body(const Ref<StoredBody>& body, std::uint64_t from, std::optional<std::uint64_t> size) {
  if (const auto bytes = body->contiguous()) {
    const auto part = bytes->subspan(from, size ? *size : bytes->size() - from);
    return Body(Piece(part, Pin(body), true));
  }
  return Body(std::make_unique<FillReader>(body, from, size));
}

bool has_this_already(const Request& request, const StoredResponse& stored) noexcept {
  const StoredMeta& meta = stored.meta();
  return meta.status == 200 && is_not_modified(request.head.fields, validators_of(meta), unix_seconds(request.received.wall));
}

Reply make_hit(const Request& request, const Ref<StoredResponse>& stored, const HitLines& lines) {
  const StoredMeta& meta = stored->meta();
  const RequestHead& asked = request.head;
  Reply reply;
  reply.head = stored->head();
  reply.pin = Pin(stored);
  if (has_this_already(request, *stored)) {
    reply.head.status = 304;
    reply.head.fields = select_for_304(reply.head.fields, request.arena);
    add_lines(reply, request, lines);
    return reply;
  }
  const auto size = known_size(*stored->body());
  const auto range = wanted_range(request, meta, size);
  add_lines(reply, request, lines);
  if (range && range->kind == RangeKind::Unsatisfiable) {
    reply.head.status = 416;
    reply.head.fields = select_for_304(reply.head.fields, request.arena);
    reply.added.add(FieldId::ContentRange, content_range(nullptr, *size, request.arena));
    reply.length = 0;
    return reply;
  }
  if (range) {
    const ByteRange& part = range->parts.front();
    reply.head.status = 206;
    reply.added.add(FieldId::ContentRange, content_range(&part, *size, request.arena));
    reply.length = part.size;
    reply.body = make_stored_body(stored->body(), part.first, part.size);
    return reply;
  }
  reply.length = size;
  if (asked.method != Method::Head) reply.body = make_stored_body(stored->body(), 0, {});
  return reply;
}

}  // namespace freshet
