// Keeps a body that is still filling for those who are about to read it.
#pragma once

#include <optional>

#include "freshet/cache/stored_body.hpp"

namespace freshet {

/// While it lives, the body is not given up and keeps its beginning, so that a reply with a reader of its own can be
/// made without haste. One thread. Nothing at all for a body that is complete.
class Hold {
 public:
  explicit Hold(const Ref<StoredBody>& body) {
    if (body->state() != StoredBody::State::Complete || body->passing())
      reader_.emplace(body, 0, StoredBodyReader::Purpose::Holding);
  }
  /// The body cannot be had from its beginning any more: look again.
  bool late() const noexcept { return reader_ && reader_->missed(); }

 private:
  std::optional<StoredBodyReader> reader_;
};

}  // namespace freshet
