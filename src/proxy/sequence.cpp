#include "sequence.hpp"

#include <utility>

#include "fill_reader.hpp"

namespace freshet {

void SequenceSource::add(std::string text) { segments_.push_back({std::move(text), nullptr}); }

void SequenceSource::add(const PartSlice& slice) {
  segments_.push_back({{}, std::make_unique<FillReader>(slice.body, slice.from, slice.size)});
}

Task<Result<Piece>> SequenceSource::read() {
  while (next_ < segments_.size()) {
    if (cancelled_) break;
    Segment& segment = segments_[next_];
    const bool last = next_ + 1 == segments_.size();
    if (!segment.source) {
      ++next_;
      co_return Piece(as_bytes(segment.text), nullptr, last);
    }
    Result<Piece> piece = co_await segment.source->read();
    if (!piece) co_return piece;
    if (piece->last) {
      ++next_;
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
