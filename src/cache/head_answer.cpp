#include "freshet/cache/head_answer.hpp"

#include <string>

#include "freshet/http/date.hpp"

namespace freshet {
namespace {

bool is_strong(std::string_view etag) noexcept { return !etag.starts_with("W/"); }

// Empty: the answer has no validator.
std::optional<bool> same_validators(const StoredResponse& stored, FieldsView answer, std::int64_t received) noexcept {
  const auto etag = answer.first(FieldId::ETag);
  if (etag && *etag != stored.etag()) return false;
  if (etag && is_strong(*etag)) return true;
  const auto text = answer.first(FieldId::LastModified);
  const auto modified = text ? parse_http_date(*text, received) : std::nullopt;
  if (modified) return modified == stored.validators(received).last_modified;
  if (etag) return true;
  return {};
}

bool same_coding(FieldsView stored, FieldsView answer) {
  std::string before, now;
  stored.join("content-encoding", before);
  answer.join("content-encoding", now);
  return before == now;
}

std::optional<std::uint64_t> length_of(const StoredBody& body) noexcept {
  return body.state() == StoredBody::State::Complete ? std::optional(body.size()) : body.expected();
}

}  // namespace

HeadVerdict compare_with_head(const StoredResponse& stored, const ResponseHead& answer,
                              std::optional<std::uint64_t> length, std::int64_t received) {
  if (answer.status != 200 || stored.meta().status != 200 || stored.parts()) return HeadVerdict::Nothing;
  const auto same = same_validators(stored, answer.fields, received);
  const auto stored_length = length_of(*stored.body());
  if (!same || !stored_length) return HeadVerdict::Nothing;
  const bool fits = !length || *length == *stored_length;
  return *same && fits && same_coding(stored.head().fields, answer.fields) ? HeadVerdict::Same : HeadVerdict::Different;
}

}  // namespace freshet
