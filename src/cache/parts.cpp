#include "freshet/cache/parts.hpp"

#include <algorithm>

#include "freshet/base/check.hpp"
#include "heap_cost.hpp"

namespace freshet {
namespace {

// How much of a part can be read, now or later.
std::uint64_t available(const Part& part, const StoredBody* own = nullptr) noexcept {
  if (part.body.get() == own) return part.size;
  if (part.body->passing()) return 0;
  if (part.body->state() == StoredBody::State::Aborted) return std::min(part.body->size(), part.size);
  return part.size;
}

}  // namespace

PartList::PartList(Part part, std::optional<std::uint64_t> complete, std::uint64_t claimed, std::string asked)
    : complete_(complete), claimed_(claimed), asked_(std::move(asked)) {
  ENSURE(part.size > 0 && part.size <= claimed);
  parts_.push_back(std::move(part));
}

Ref<const PartList> PartList::with(Part part, std::optional<std::uint64_t> complete, std::uint64_t max_size) const {
  ENSURE(can_combine());
  Ref<PartList> made(new PartList);
  made->complete_ = complete ? complete : complete_;
  made->claimed_ = part.size;
  for (const Part& old : parts_) {
    const bool inside = old.first >= part.first && old.first + old.size <= part.first + part.size;
    if (!inside && available(old) > 0) made->parts_.push_back(old);
  }
  made->parts_.push_back(std::move(part));
  while (made->parts_.size() > 1 && (made->parts_.size() > kMostParts || made->bytes() > max_size)) made->parts_.erase(made->parts_.begin());
  return made;
}

std::vector<PartSlice> PartList::cover(ByteRange wanted, const StoredBody* own) const {
  std::vector<PartSlice> slices;
  std::uint64_t at = wanted.first;
  const std::uint64_t end = wanted.first + wanted.size;
  while (at < end) {
    const Part* best = nullptr;
    std::uint64_t reach = at;
    for (const Part& part : parts_) {
      const std::uint64_t part_end = part.first + available(part, own);
      if (part.first > at || part_end <= reach) continue;
      best = &part;
      reach = part_end;
    }
    if (best == nullptr) return {};
    reach = std::min(reach, end);
    slices.push_back({best->body, at - best->first, reach - at});
    at = reach;
  }
  return slices;
}

ByteRange PartList::missing(ByteRange wanted) const noexcept {
  std::uint64_t from = wanted.first, end = wanted.first + wanted.size;
  for (bool moved = true; moved;) {
    moved = false;
    for (const Part& part : parts_) {
      const std::uint64_t part_end = part.first + available(part);
      if (part.first <= from && from < part_end) from = part_end, moved = true;
    }
  }
  for (bool moved = true; moved && end > from;) {
    moved = false;
    for (const Part& part : parts_) {
      const std::uint64_t part_end = part.first + available(part);
      if (part.first < end && end <= part_end) end = part.first, moved = true;
    }
  }
  // A fill that fails meanwhile only makes more missing; one that was covered a moment ago may look so again: ask for all of it.
  return from < end ? ByteRange{from, end - from} : wanted;
}

std::optional<ByteRange> PartList::only(const StoredBody* own) const noexcept {
  if (parts_.size() != 1 || available(parts_.front(), own) != parts_.front().size) return {};
  return ByteRange{parts_.front().first, parts_.front().size};
}

std::optional<ByteRange> PartList::only_claimed() const noexcept {
  if (parts_.size() != 1) return {};
  return ByteRange{parts_.front().first, claimed_};
}

bool PartList::holds(const StoredBody* body) const noexcept {
  return std::any_of(parts_.begin(), parts_.end(), [body](const Part& part) { return part.body.get() == body; });
}

std::uint64_t PartList::bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const Part& part : parts_) sum += sizeof(StoredBody) + available(part);
  return sum;
}

std::size_t PartList::overhead() const noexcept {
  return heap_cost(sizeof(PartList)) + heap_cost(parts_.capacity() * sizeof(Part)) + (asked_.capacity() > 15 ? heap_cost(asked_.capacity() + 1) : 0);
}

}  // namespace freshet
