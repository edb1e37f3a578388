// Reads a stored body, also while it fills and on another worker than the one that fills it.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "freshet/async/wakeup.hpp"
#include "freshet/cache/stored_body.hpp"
#include "freshet/exchange/body.hpp"

namespace freshet {

/// `size` bytes of `body` from `from` on, or all that follow. A fill that fails ends it with the fill's reason.
class FillReader final : public BodySource {
 public:
  FillReader(Ref<StoredBody> body, std::uint64_t from, std::optional<std::uint64_t> size)
      : body_(std::move(body)), reader_(body_, from), left_(size.value_or(std::numeric_limits<std::uint64_t>::max())) {}

  Task<Result<Piece>> read() override;
  void cancel() noexcept override {
    cancelled_ = true;
    wakeup_.wake();
  }

 private:
  Ref<StoredBody> body_;
  Wakeup wakeup_;            // outlives reader_, which may have it on the body's list
  StoredBodyReader reader_;
  std::uint64_t left_;
  std::size_t taken_ = 0;    // bytes of the piece that was handed out last
  bool cancelled_ = false;
};

}  // namespace freshet
