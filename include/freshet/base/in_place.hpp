// Objects that are too large to be moved where it happens for every request.
#pragma once

#include <memory>
#include <new>
#include <utility>

namespace freshet {

/// `object` becomes what `make()` returns, which is made in its place. REQUIRES: neither `make` nor the old object's destructor throws,
/// and `make` does not look at the object.
template <class T, class Make>
void make_in_place(T& object, Make make) noexcept {
  static_assert(noexcept(make()));
  std::destroy_at(&object);
  ::new (static_cast<void*>(&object)) T(make());
}

}  // namespace freshet
