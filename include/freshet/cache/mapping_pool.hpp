// Memory for large chunks of bodies: mappings of their own, so that blocks of all sizes leave no holes in the heap. The
// kernel takes its time to hand out and clear pages (more than it takes to receive the bytes that go there), so a few
// freed mappings are kept and cut to size. To take pages back takes it as long, and a body may have 1 GiB of them: whoever frees it does
// not wait for that.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>

namespace freshet {

/// Any thread.
class MappingPool {
 public:
  ~MappingPool();
  /// `size` bytes, page aligned, with arbitrary content; null when the kernel has none. `has_pages`, if given: whether its pages are
  /// there; otherwise they come when they are touched, or asked for. What waits for trim() is used first. REQUIRES: a multiple of
  /// the page size.
  void* take(std::size_t size, bool* has_pages = nullptr) noexcept;
  /// Gives back what take() returned, with the same size.
  void give(void* at, std::size_t size) noexcept;
  /// Lets the kernel have some of what is not kept, `most` bytes or a little more. For a thread that nobody waits for. Returns bytes.
  std::size_t trim(std::size_t most) noexcept;
  /// Bytes kept at the moment.
  std::size_t kept() const noexcept;
  /// Bytes that wait for trim().
  std::size_t waiting() const noexcept;

  static constexpr std::size_t kMostKept = 8u << 20;          ///< bytes
  static constexpr std::size_t kSmallestWaiting = 256u << 10;  ///< bytes of one; smaller ones go at once

 private:
  /// At the beginning of a mapping that waits.
  struct Waiting {
    Waiting* next;
    std::size_t size;
  };
  struct Mapping {
    void* at = nullptr;
    std::size_t size = 0;
  };
  Mapping find(std::size_t size) noexcept;
  Mapping* closest(std::size_t size) noexcept;
  Mapping pop_waiting() noexcept;
  Mapping cut_waiting(std::size_t size) noexcept;

  mutable std::mutex mutex_;
  std::array<Mapping, 32> mappings_{};
  std::size_t kept_ = 0;
  Waiting* waiting_ = nullptr;  // last in, first out
  std::size_t waiting_bytes_ = 0;
};

/// Has the kernel map the pages of that part of a mapping before they are written to, at once and not one by one. Where it knows no
/// such request (before Linux 5.14) nothing happens.
void ask_for_pages(void* at, std::size_t size) noexcept;

/// The one of this process.
MappingPool& mapping_pool() noexcept;

}  // namespace freshet
