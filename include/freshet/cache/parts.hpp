// The parts of a representation that 206 answers have brought, when nothing whole is stored (RFC 9111 3.3 and 3.4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/base/pin.hpp"
#include "freshet/cache/stored_body.hpp"
#include "freshet/http/range.hpp"

namespace freshet {

/// Bytes [first, first + size) of a representation: byte 0 of `body` is byte `first`. The body may still be filling; one whose fill
/// failed holds what had arrived.
struct Part {
  std::uint64_t first = 0;
  std::uint64_t size = 0;
  Ref<StoredBody> body;
};

/// `size` bytes of `body` from `from` on.
struct PartSlice {
  Ref<StoredBody> body;
  std::uint64_t from = 0;
  std::uint64_t size = 0;
};

/// Immutable once it is in a stored response; what its bodies hold grows and, when a fill fails, shrinks. Any thread.
class PartList final : public Pinned {
 public:
  static constexpr std::size_t kMostParts = 64;

  /// The first part. `complete`: size of the whole; empty: the origin did not say. `claimed`: how many bytes its Content-Range
  /// promised; when that is more than `part.size`, the part stands alone for ever. `asked`: the Range field that brought it.
  PartList(Part part, std::optional<std::uint64_t> complete, std::uint64_t claimed, std::string asked);

  /// These parts and one more, which takes the place of those inside it. Beyond kMostParts, or `max_size` bytes together, those
  /// that came first make room. REQUIRES: can_combine().
  Ref<const PartList> with(Part part, std::optional<std::uint64_t> complete, std::uint64_t max_size) const;

  std::optional<std::uint64_t> complete() const noexcept { return complete_; }
  /// The Range field whose very answer this is; empty once parts have been combined.
  std::string_view asked() const noexcept { return asked_; }
  /// False when the origin sent fewer bytes than its Content-Range said.
  bool can_combine() const noexcept { return parts_.size() != 1 || parts_.front().size == claimed_; }
  /// Where the bytes are, in order, without overlap; empty when one is missing. `own`: a body that counts although it will not be
  /// kept (the caller reads it from its beginning).
  std::vector<PartSlice> cover(ByteRange wanted, const StoredBody* own = nullptr) const;
  /// From the first byte of `wanted` that is not there to the last one. REQUIRES: `wanted` is not covered.
  ByteRange missing(ByteRange wanted) const noexcept;
  /// What the only part holds, and what it claimed to hold; empty when there are several, or its fill failed. `own`: as for cover().
  std::optional<ByteRange> only(const StoredBody* own = nullptr) const noexcept;
  std::optional<ByteRange> only_claimed() const noexcept;
  const std::vector<Part>& all() const noexcept { return parts_; }
  bool holds(const StoredBody* body) const noexcept;
  /// Bytes that are there or announced.
  std::uint64_t bytes() const noexcept;
  /// Heap bytes of the list itself.
  std::size_t overhead() const noexcept;

 private:
  PartList() = default;
  std::vector<Part> parts_;  // in the order of their arrival
  std::optional<std::uint64_t> complete_;
  std::uint64_t claimed_ = 0;  // of the only part
  std::string asked_;
};

}  // namespace freshet
