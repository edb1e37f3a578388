// The body of an origin's answer, as the rest of the proxy pulls it.
#pragma once

#include "freshet/exchange/body.hpp"
#include "h1_exchange.hpp"

namespace freshet {

/// Reads from the exchange; destroying it before the end closes the connection.
class OriginBody final : public BodySource {
 public:
  /// `first`: what has arrived already; its bytes lie in the exchange.
  OriginBody(Ref<H1Exchange> exchange, Piece first) : exchange_(std::move(exchange)), first_(std::move(first)) {}
  ~OriginBody() override { exchange_->finish(); }
  Task<Result<Piece>> read() override {
    if (!first_.bytes.empty() || first_.last) co_return std::exchange(first_, Piece());
    co_return co_await exchange_->read_body();
  }
  const Fields* trailers() const noexcept override { return exchange_->trailers(); }
  void cancel() noexcept override { exchange_->cancel(); }

 private:
  Ref<H1Exchange> exchange_;
  Piece first_;
};

}  // namespace freshet
