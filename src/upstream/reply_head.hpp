// The fields of an origin's answer, in memory that answers before it have used.
#pragma once

#include <array>
#include <utility>

#include "freshet/base/pin.hpp"
#include "freshet/http/fields.hpp"

namespace freshet {

/// What a Reply pins. Whichever thread drops the last reference keeps it for the next make() there, memory and all;
/// there are never more than kKept, and none that has held a large head.
class ReplyHead final : public Pinned {
 public:
  Fields fields;
  bool large = false;  ///< not to be kept

  static Ref<ReplyHead> make() {
    Spare& own = spare();
    if (own.count == 0) return make_ref<ReplyHead>();
    return Ref<ReplyHead>(own.heads[--own.count]);
  }

 private:
  static constexpr std::size_t kKept = 64;
  struct Spare {
    std::array<ReplyHead*, kKept> heads;
    std::size_t count = 0;
    std::size_t room = kKept;
    ~Spare() {
      room = 0;  // what comes later, while the thread ends, is not kept
      while (count > 0) delete heads[--count];
    }
  };
  static Spare& spare() noexcept {
    thread_local Spare own;
    return own;
  }
  void destroy() noexcept override {
    Spare& own = spare();
    if (large || own.count >= own.room) return Pinned::destroy();
    fields.clear();
    own.heads[own.count++] = this;
  }
};

}  // namespace freshet
