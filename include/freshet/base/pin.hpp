// Shared ownership of immutable bytes and objects: an intrusive reference count that any thread may change.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace freshet {

/// Base of everything that can be kept alive by a Pin. Born with a count of zero; the first Ref or Pin owns it.
/// Destroyed by whichever thread drops the last reference.
class Pinned {
 public:
  Pinned() = default;
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  void retain() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() const noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) const_cast<Pinned*>(this)->destroy();
  }
  /// A hint only: other threads may change it at once.
  std::uint32_t references() const noexcept { return references_.load(std::memory_order_acquire); }

 protected:
  virtual ~Pinned() = default;
  /// Frees the object; overridden by types that were not made with plain `new`.
  virtual void destroy() noexcept { delete this; }

 private:
  mutable std::atomic<std::uint32_t> references_{0};
};

/// An owning pointer to a Pinned. Copying costs one relaxed increment; a Ref itself belongs to one thread.
template <class T>
class Ref {
 public:
  Ref() noexcept = default;
  Ref(std::nullptr_t) noexcept {}
  explicit Ref(T* object) noexcept : object_(object) {
    if (object_) object_->retain();
  }
  Ref(const Ref& other) noexcept : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
  Ref(const Ref<U>& other) noexcept : Ref(other.get()) {}
  template <class U>
  Ref(Ref<U>&& other) noexcept : object_(other.detach()) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_) object_->release();
  }

  T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  /// Gives the reference away without releasing it.
  T* detach() noexcept { return std::exchange(object_, nullptr); }
  friend bool operator==(const Ref& a, const Ref& b) noexcept { return a.object_ == b.object_; }

 private:
  T* object_ = nullptr;
};

template <class T, class... Args>
Ref<T> make_ref(Args&&... args) {
  return Ref<T>(new T(std::forward<Args>(args)...));
}

/// Keeps bytes alive that somebody else points at, without saying what owns them.
using Pin = Ref<const Pinned>;

}  // namespace freshet
