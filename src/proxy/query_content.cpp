#include "query_content.hpp"

#include "freshet/cache/query_key.hpp"

namespace freshet {
namespace {

/// Bytes that somebody keeps.
class HeldBody final : public BodySource {
 public:
  HeldBody(std::string_view bytes, Pin pin) : bytes_(bytes), pin_(std::move(pin)) {}
  Task<Result<Piece>> read() override { co_return Piece(as_bytes(std::exchange(bytes_, {})), pin_, true); }

 private:
  std::string_view bytes_;
  Pin pin_;
};

/// A body of which the beginning has been read already.
class BegunBody final : public BodySource {
 public:
  /// `whole`: nothing follows but trailers.
  BegunBody(std::string begun, bool whole, std::unique_ptr<BodySource> rest)
      : begun_(std::move(begun)), whole_(whole), rest_(std::move(rest)) {}
  Task<Result<Piece>> read() override {
    if (!given_) {
      given_ = true;
      co_return Piece(as_bytes(begun_), nullptr, whole_);
    }
    begun_ = {};
    co_return co_await rest_->read();
  }
  const Fields* trailers() const noexcept override { return rest_->trailers(); }
  void cancel() noexcept override { rest_->cancel(); }

 private:
  std::string begun_;
  bool whole_, given_ = false;
  std::unique_ptr<BodySource> rest_;
};

}  // namespace

void QueryContent::give_to(Request& request) const {
  request.body.reset();
  if (!bytes_.empty()) request.body = std::make_unique<HeldBody>(bytes_, Pin(this));
  request.body_length = bytes_.size();
  request.expects_continue = false;
}

Task<Result<Ref<const QueryContent>>> read_query_content(Request& request, std::uint64_t limit) {
  Ref<const QueryContent> content;
  if (request.body_length.value_or(0) > limit) co_return content;
  std::string bytes;
  for (bool last = !request.body; !last;) {
    // A client that waits for 100 gets it now: the store cannot be asked before.
    Result<Piece> piece = co_await request.body->read();
    if (!piece) co_return piece.error();
    bytes += as_text(piece->bytes);
    last = piece->last;
    if (bytes.size() > limit || (last && request.body->trailers() != nullptr)) {
      request.body = std::make_unique<BegunBody>(std::move(bytes), last, std::move(request.body));
      request.expects_continue = false;
      co_return content;
    }
  }
  std::string digest = query_digest(request.head.fields, bytes);
  content = make_ref<const QueryContent>(std::move(bytes), std::move(digest));
  content->give_to(request);
  co_return content;
}

}  // namespace freshet
