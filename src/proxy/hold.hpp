// Keeps bodies that are still filling for those who are about to read them.
#pragma once

#include <list>
#include <optional>

#include "freshet/cache/parts.hpp"
#include "freshet/cache/stored_body.hpp"

namespace freshet {

/// While it lives, the bodies are not given up and keep their beginnings, so that a reply with readers of its own can be made without
/// haste. One thread. Nothing at all for bodies that are complete.
class Holds {
 public:
  /// A body that is wanted whole.
  void add(const Ref<StoredBody>& body) {
    if (needs_hold(*body)) held_.emplace_back(body, std::nullopt);
  }
  /// Some bytes of a body, which may have been aborted behind them.
  void add(const PartSlice& slice) {
    if (needs_hold(*slice.body)) held_.emplace_back(slice.body, slice.from + slice.size);
  }
  /// False: it stays as it is anyway.
  static bool needs_hold(const StoredBody& body) noexcept { return body.state() != StoredBody::State::Complete || body.passing(); }
  /// Something cannot be had any more: look again.
  bool late() const noexcept {
    for (const Held& held : held_)
      if (held.late()) return true;
    return false;
  }

 private:
  struct Held {
    Ref<StoredBody> body;
    std::optional<std::uint64_t> end;
    StoredBodyReader reader;
    Held(const Ref<StoredBody>& b, std::optional<std::uint64_t> e) : body(b), end(e), reader(b, 0, StoredBodyReader::Purpose::Holding) {}
    bool late() const noexcept {
      if (!end) return reader.missed();
      if (body->passing()) return true;
      return body->state() == StoredBody::State::Aborted && body->size() < *end;
    }
  };
  std::list<Held> held_;  // a list: empty, it allocates nothing; its readers stay where they are
};

}  // namespace freshet
