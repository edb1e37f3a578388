#include "origin_upload.hpp"

#include <array>

#include "freshet/async/yield.hpp"
#include "freshet/codec/h1_writer.hpp"

namespace freshet {

/// Also when memory runs out: an origin that never gets the rest would be waited for without an end.
class OriginUpload::Running {
 public:
  explicit Running(OriginUpload& upload) noexcept : upload_(upload) {}
  ~Running() {
    if (!orderly_ && !upload_.stopped_) {
      upload_.failure_ = Failure(Reason::Internal, Side::Self, 503);
      if (upload_.link_) upload_.link_->close();
    }
    upload_.running_ = false;
    upload_.body_.reset();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  void ends_orderly() noexcept { orderly_ = true; }

 private:
  OriginUpload& upload_;
  bool orderly_ = false;
};

OriginUpload::OriginUpload(std::unique_ptr<BodySource> body, std::optional<std::uint64_t> length, bool keep,
                           Milliseconds patience)
    : body_(std::move(body)), length_(length), patience_(patience), keep_(keep) {}

Task<void> OriginUpload::run(Ref<OriginUpload> self) {
  OriginUpload& upload = *self;
  Running running(upload);
  Turns turns;
  for (bool last = false; !last && !upload.stopped_;) {
    Result<Piece> piece = co_await upload.body_->read();
    if (!piece) {
      if (upload.stopped_) break;
      upload.failure_ = piece.error();
      if (upload.link_) upload.link_->close();
      break;
    }
    while (!upload.link_ && !upload.stopped_) co_await upload.wakeup_.wait();
    if (upload.stopped_) break;
    last = upload.is_last(*piece);
    if (upload.failure_) break;
    const Ref<OriginConnection> link = upload.link_;
    const std::size_t size = piece->bytes.size();
    const bool sent = co_await upload.send(link, *piece, last);
    // Another connection may have taken the place of this one meanwhile; then what was kept has been sent on it.
    if (upload.link_ != link) continue;
    if (sent && last) upload.completed();
    if (!sent) {
      upload.link_ = nullptr;
      if (!upload.keep_) break;
    }
    if (!last && turns.over(size)) co_await yield();
  }
  running.ends_orderly();
}

// The client's source is bound by the same length; should it not be, the origin must not take the surplus for a
// request.
bool OriginUpload::is_last(const Piece& piece) noexcept {
  read_ += piece.bytes.size();
  if (!length_) return piece.last;
  if (read_ > *length_ || (piece.last && read_ < *length_)) {
    failure_ = Failure(Reason::BadContentLength, Side::Client, 400);
    link_->close();
  }
  return read_ >= *length_;
}

Task<bool> OriginUpload::send(Ref<OriginConnection> link, Piece& piece, bool last) {
  std::array<char, 20> room;
  std::string_view start;
  std::string end;
  if (!length_) {
    if (!piece.bytes.empty()) {
      start = render_chunk_start(piece.bytes.size(), room);
      end = "\r\n";
    }
    if (last) render_last_chunk(body_->trailers(), end);
  }
  if (keep_) keep(start, piece.bytes, end, last);
  std::array<std::span<const std::byte>, 3> pieces;
  std::size_t count = 0;
  if (!start.empty()) pieces[count++] = as_bytes(start);
  if (!piece.bytes.empty()) pieces[count++] = piece.bytes;
  if (!end.empty()) pieces[count++] = as_bytes(std::string_view(end));
  const std::span<std::span<const std::byte>> all = std::span(pieces).first(count);
  co_return co_await link->write(all, patience_);
}

void OriginUpload::keep(std::string_view start, std::span<const std::byte> bytes, std::string_view end, bool last) {
  if (kept_.size() + start.size() + bytes.size() + end.size() > kMaxKept) {
    keep_ = false;
    kept_ = {};
    return;
  }
  kept_.append(start).append(as_text(bytes)).append(end);
  kept_all_ = last;
}

void OriginUpload::completed() noexcept {
  complete_ = true;
  if (!head_came_) link_->arm_read(first_byte_);
}

void OriginUpload::attach(Ref<OriginConnection> link, Milliseconds first_byte) noexcept {
  link_ = std::move(link);
  first_byte_ = first_byte;
  wakeup_.wake();
}

void OriginUpload::attach_again(Ref<OriginConnection> link, Milliseconds first_byte) noexcept {
  keep_ = false;
  kept_ = {};
  attach(std::move(link), first_byte);
  if (kept_all_) completed();
}

void OriginUpload::answered() noexcept {
  keep_ = false;
  kept_ = {};
  // Its connection takes no more and no other one will come: nothing to wait for.
  if (!link_ && running_) stop();
}

void OriginUpload::stop() noexcept {
  if (stopped_) return;
  stopped_ = true;
  if (!running_) return;
  body_->cancel();
  wakeup_.wake();
}

}  // namespace freshet
