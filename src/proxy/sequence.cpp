#include "sequence.hpp"

#include <algorithm>
#include <utility>

#include "fill_reader.hpp"

namespace freshet {

void SequenceSource::add(std::string text) { segments_.push_back({std::move(text), {}, nullptr}); }

void SequenceSource::add(const PartSlice& slice) {
  const bool known = std::any_of(segments_.begin(), segments_.end(), [&](const Segment& other) { return other.slice.body == slice.body; });
  segments_.push_back({{}, slice, nullptr});
  if (!known) begin(segments_.back());
}

void SequenceSource::begin(Segment& segment) {
  segment.source = std::make_unique<FillReader>(segment.slice.body, segment.slice.from, segment.slice.size);
}

/// The next segment with the body that the one before `next_` had; null: none.
SequenceSource::Segment* SequenceSource::following_of_same_body() noexcept {
  for (std::size_t i = next_; i < segments_.size(); ++i)
    if (segments_[i].slice.body == segments_[next_ - 1].slice.body) return &segments_[i];
  return nullptr;
}

Task<Result<Piece>> SequenceSource::read() {
  while (next_ < segments_.size()) {
    if (cancelled_) break;
    if (is_over_) {  // its last piece is not needed any more; the new reader comes before the old one goes
      if (Segment* const following = following_of_same_body()) begin(*following);
      segments_[next_ - 1].source.reset();
      is_over_ = false;
    }
    Segment& segment = segments_[next_];
    const bool last = next_ + 1 == segments_.size();
    if (!segment.slice.body) {
      ++next_;
      co_return Piece(as_bytes(segment.text), nullptr, last);
    }
    Result<Piece> piece = co_await segment.source->read();
    if (!piece) co_return piece;
    if (piece->last) {
      ++next_;
      is_over_ = !last;
      piece->last = last;
    }
    if (last || !piece->bytes.empty()) co_return piece;
  }
  if (cancelled_) co_return Failure(Reason::ClientClosed, Side::Client, 0);
  co_return Piece({}, nullptr, true);
}

void SequenceSource::cancel() noexcept {
  cancelled_ = true;
  for (Segment& segment : segments_)
    if (segment.source) segment.source->cancel();
}

}  // namespace freshet
