#include "reply_stream.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "freshet/async/yield.hpp"
#include "freshet/base/check.hpp"
#include "freshet/codec/h1_writer.hpp"

namespace freshet {
namespace {

using Kind = StreamEnd::Kind;

/// The framing around one piece; lives until the piece has been written.
class ChunkFrame {
 public:
  /// Adds `piece` to `out` as a chunk, and the last chunk after it when there is no more.
  void add(GatherList& out, const Piece& piece, const Fields* trailers) {
    if (!piece.bytes.empty()) {
      out.add(as_bytes(render_chunk_start(piece.bytes.size(), start_)));
      out.add(piece.bytes);
    }
    end_.clear();
    if (!piece.bytes.empty()) end_ = "\r\n";
    if (piece.last) render_last_chunk(trailers, end_);
    out.add(as_bytes(end_));
  }

 private:
  std::array<char, 20> start_{};
  std::string end_;
};

}  // namespace

Task<StreamEnd> stream_body(Ref<Connection> connection, BodySource& source, BodyForm form, std::uint64_t length,
                            std::uint64_t& body_bytes) {
  const std::uint64_t head_at = connection->written();
  std::uint64_t left = form == BodyForm::Length ? length : UINT64_MAX;
  Turns turns;
  ChunkFrame frame;
  for (bool first = true;; first = false) {
    if (first) connection->flush_soon();
    Result<Piece> got = co_await source.read();
    if (!got) {
      StreamEnd end(Kind::SourceFailed);
      end.failure.emplace(got.error());
      end.nothing_written = first && connection->written() == head_at && !connection->flushing();
      co_return end;
    }
    Piece piece = std::move(*got);
    const bool too_long = piece.bytes.size() > left;
    if (too_long) piece.bytes = piece.bytes.first(static_cast<std::size_t>(left));
    left -= piece.bytes.size();
    // A head that is under way on its own must have left before more is added behind it.
    if (connection->flushing()) co_await connection->flush();
    const std::size_t before = connection->out().left();
    const std::uint64_t written = connection->written();
    if (form == BodyForm::Chunked)
      frame.add(connection->out(), piece, piece.last ? source.trailers() : nullptr);
    else
      connection->out().add(piece.bytes);
    const bool sent = co_await connection->flush();
    const std::uint64_t moved = connection->written() - written;
    body_bytes += std::min<std::uint64_t>(piece.bytes.size(), moved - std::min<std::uint64_t>(moved, before));
    if (!sent) co_return StreamEnd(Kind::ClientGone);
    if (too_long) co_return StreamEnd(Kind::TooLong);
    if (piece.last) break;
    if (turns.over(moved)) co_await yield();
  }
  if (form == BodyForm::Length && left > 0) co_return StreamEnd(Kind::TooShort);
  co_return StreamEnd(Kind::Complete);
}

}  // namespace freshet
