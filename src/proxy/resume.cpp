#include "resume.hpp"

#include <string>

#include "freshet/http/conditional.hpp"
#include "freshet/http/range.hpp"
#include "origin_request.hpp"

namespace freshet {

bool is_resumable(const StoredResponse& stored) noexcept {
  const std::string_view etag = stored.etag();
  const StoredBody& body = *stored.body();
  return (stored.meta().status == 200 || stored.parts()) && strong_match(etag, etag) && etag.starts_with('"') &&
         body.state() == StoredBody::State::Filling;
}

ResumingBody::ResumingBody(std::unique_ptr<BodySource> shared, Ref<StoredResponse> stored, ByteRange sent, std::uint64_t whole,
                           const ResumeFrom& from)
    : shared_(std::move(shared)), stored_(std::move(stored)), from_(from), at_(sent.first), end_(sent.first + sent.size), whole_(whole) {}

Task<Result<Piece>> ResumingBody::read() {
  if (shared_) {
    Result<Piece> piece = co_await shared_->read();
    if (piece || piece.error().reason != Reason::ClientTooSlow) {
      if (piece) at_ += piece->bytes.size();
      co_return piece;
    }
    shared_.reset();
    const bool found = co_await ask_for_rest();
    if (!found) co_return piece;
  }
  co_return co_await read_rest();
}

Task<bool> ResumingBody::ask_for_rest() {
  const SentRequest sent =
      make_origin_request(from_.client, from_.client.interim, from_.rules, from_.loop_token, Preconditions::Drop, nullptr);
  sent->head.fields.set(FieldId::Range, "bytes=" + std::to_string(at_) + "-" + (end_ == whole_ ? std::string() : std::to_string(end_ - 1)));
  sent->head.fields.set(FieldId::IfRange, stored_->etag());
  Reply reply = co_await from_.origin.serve(*sent);
  if (cancelled_ || !is_the_rest(reply)) co_return false;
  rest_ = std::move(reply);
  co_return true;
}

bool ResumingBody::is_the_rest(const Reply& reply) const noexcept {
  const FieldsView fields = reply.head.fields;
  if (reply.head.status != 206 || fields.count(FieldId::ContentRange) != 1) return false;
  const auto range = parse_content_range(*fields.first(FieldId::ContentRange));
  const bool exact = range && range->first == at_ && range->last == end_ - 1 && range->complete == whole_;
  const auto etag = fields.first(FieldId::ETag);
  return exact && reply.length.value_or(end_ - at_) == end_ - at_ && etag && strong_match(*etag, stored_->etag());
}

Task<Result<Piece>> ResumingBody::read_rest() {
  Result<Piece> piece = Piece(rest_.body.whole.bytes, rest_.body.whole.pin, true);
  if (rest_.body.source) piece = co_await rest_.body.source->read();
  if (!piece) co_return piece;
  if (piece->bytes.size() > end_ - at_)
    co_return Failure(Reason::BadResponse, Side::Origin, 502);
  at_ += piece->bytes.size();
  co_return piece;
}

void ResumingBody::cancel() noexcept {
  cancelled_ = true;
  if (shared_) shared_->cancel();
  if (rest_.body.source) rest_.body.source->cancel();
}

}  // namespace freshet
