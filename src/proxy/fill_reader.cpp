#include "fill_reader.hpp"

#include <algorithm>

namespace freshet {

Task<Result<Piece>> FillReader::read() {
  using State = StoredBodyReader::Look::State;
  // The last piece is let go only now: while the body is passing, that is what frees its bytes.
  reader_.advance(taken_);
  left_ -= taken_;
  taken_ = 0;
  if (left_ == 0) co_return Piece({}, nullptr, true);
  for (;;) {
    if (cancelled_) co_return Failure(Reason::ClientClosed, Side::Client, 0);
    const auto look = reader_.look(wakeup_);
    switch (look.state) {
      case State::Data: {
        const auto bytes = look.bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(look.bytes.size(), left_)));
        taken_ = bytes.size();
        co_return Piece(bytes, Pin(body_), look.last || taken_ == left_);
      }
      case State::End: co_return Piece({}, nullptr, true);
      case State::Aborted:
        if (look.why == Reason::ClientTooSlow) co_return Failure(look.why, Side::Client, 0);
        co_return Failure(look.why, Side::Origin, 502);
      case State::Wait: break;
    }
    co_await wakeup_.wait();
  }
}

}  // namespace freshet
