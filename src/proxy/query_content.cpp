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
  BegunBody(std::string begun, ContentCharge charge, bool whole, std::unique_ptr<BodySource> rest)
      : begun_(std::move(begun)), charge_(std::move(charge)), whole_(whole), rest_(std::move(rest)) {}
  Task<Result<Piece>> read() override {
    if (!given_) {
      given_ = true;
      co_return Piece(as_bytes(begun_), nullptr, whole_);
    }
    std::string().swap(begun_);
    charge_.reset();
    co_return co_await rest_->read();
  }
  const Fields* trailers() const noexcept override { return rest_->trailers(); }
  void cancel() noexcept override { rest_->cancel(); }

 private:
  std::string begun_;
  std::optional<ContentCharge> charge_;
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

ContentCharge::ContentCharge(ContentCharge&& other) noexcept
    : store_(other.store_), size_(std::exchange(other.size_, 0)), share_(std::move(other.share_)) {}

bool ContentCharge::cover(std::uint64_t bytes) noexcept {
  if (bytes <= size_) return true;
  const std::uint64_t more = bytes - size_;
  if (!share_.grow(more) || !store_->charge(more)) return false;
  size_ = bytes;
  return true;
}

Task<Result<Ref<const QueryContent>>> read_query_content(Request& request, std::uint64_t limit, Store& store,
                                                         Reason& why) {
  Ref<const QueryContent> content;
  const std::uint64_t declared = request.body_length.value_or(0);
  ContentCharge charge(store);
  const bool fits = declared <= limit && charge.cover(declared);
  why = declared > limit ? Reason::RequestBody : Reason::NoRoom;
  if (!fits) co_return content;
  std::string bytes;
  bytes.reserve(declared);
  for (bool last = !request.body; !last;) {
    // A client that waits for 100 gets it now: the store cannot be asked before.
    Result<Piece> piece = co_await request.body->read();
    if (!piece) co_return piece.error();
    bytes += as_text(piece->bytes);
    last = piece->last;
    const bool odd = bytes.size() > limit || (last && request.body->trailers() != nullptr);
    if (odd || !charge.cover(bytes.capacity())) {
      why = odd ? Reason::RequestBody : Reason::NoRoom;
      request.body =
          std::make_unique<BegunBody>(std::move(bytes), std::move(charge), last, std::move(request.body));
      request.expects_continue = false;
      co_return content;
    }
  }
  std::string digest = query_digest(request.head.fields, bytes);
  content = make_ref<const QueryContent>(std::move(bytes), std::move(digest), std::move(charge));
  content->give_to(request);
  co_return content;
}

}  // namespace freshet
