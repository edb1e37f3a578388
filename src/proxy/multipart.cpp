#include "multipart.hpp"

#include <array>
#include <charconv>
#include <random>
#include <string>
#include <utility>

#include "content_range.hpp"
#include "sequence.hpp"

namespace freshet {
namespace {

/// 128 random bits: nobody can prepare a body that contains them (RFC 2046 5.1.1).
std::string make_boundary() {
  thread_local std::random_device random;
  std::string text;
  for (int i = 0; i < 4; ++i) {
    std::array<char, 8> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), random(), 16).ptr;
    text.append(digits.data(), end);
  }
  return text;
}

FieldsView without_content_type(FieldsView fields, Arena& arena) {
  const auto all = fields.entries();
  auto* chosen = static_cast<FieldEntry*>(arena.allocate(all.size() * sizeof(FieldEntry), alignof(FieldEntry)));
  std::size_t count = 0;
  for (const FieldEntry& entry : all)
    if (entry.id != FieldId::ContentType) chosen[count++] = entry;
  return fields.with_entries({chosen, count});
}

}  // namespace

Reply make_multipart(const Request& request, Reply reply, const std::vector<RangeContent>& ranges, std::uint64_t size) {
  const std::string boundary = make_boundary();
  const auto type = reply.head.fields.first(FieldId::ContentType);
  auto sequence = std::make_unique<SequenceSource>();
  std::uint64_t length = 0;
  const auto add_text = [&](std::string text) {
    length += text.size();
    sequence->add(std::move(text));
  };
  for (const auto& [range, slices] : ranges) {
    std::string text = (length == 0 ? "--" : "\r\n--") + boundary + "\r\n";
    if (type) text.append("Content-Type: ").append(*type).append("\r\n");
    text.append("Content-Range: ").append(content_range(&range, size, request.arena)).append("\r\n\r\n");
    add_text(std::move(text));
    length += range.size;
    for (const PartSlice& slice : slices) sequence->add(slice);
  }
  add_text("\r\n--" + boundary + "--\r\n");

  reply.head.status = 206;
  reply.head.fields = without_content_type(reply.head.fields, request.arena);
  reply.added.add(FieldId::ContentType, request.arena.join({"multipart/byteranges; boundary=", boundary}));
  reply.length = length;
  reply.body = Body(std::move(sequence));
  return reply;
}

}  // namespace freshet
