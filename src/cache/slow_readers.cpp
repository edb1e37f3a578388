// Which readers of a passing body cost the others too much time.
#include <algorithm>
#include <mutex>

#include "freshet/cache/stored_body.hpp"

namespace freshet {

// REQUIRES, for all of these: the mutex is held.

// The writer waits for room, and somebody has nothing left to read.
bool StoredBody::is_held_up() const noexcept {
  if (traffic_->waiting_writer.empty()) return false;
  return std::any_of(traffic_->readers.begin(), traffic_->readers.end(),
                     [this](const StoredBodyReader* reader) { return reader->at_ >= size(); });
}

// REQUIRES: the writer waits for room.
bool StoredBody::holds_up(const StoredBodyReader& reader) const noexcept {
  if (reader.at_ >= size()) return false;
  const bool one_chunk_only = last_ != nullptr && !last_->charged;  // see check_window()
  return one_chunk_only || size() - reader.at_ >= kWindow;
}

// Long enough, and not just as slow as everybody is now and then: a quarter of the readers are far better.
bool StoredBody::is_too_slow(const StoredBodyReader& reader) const noexcept {
  if (reader.held_up_ < kMostHeldUp) return false;
  const auto& all = traffic_->readers;
  const auto faster = std::count_if(all.begin(), all.end(), [&reader](const StoredBodyReader* other) {
    return 8 * other->held_up_ <= reader.held_up_;
  });
  return static_cast<std::size_t>(faster) >= std::max<std::size_t>(1, all.size() / 4);
}

// Call before anything changes for a reader: what has passed until now is put on the account of those who held up the
// others. Returns how many were cut off for it.
std::size_t StoredBody::book_hold_up() noexcept {
  if (state() != State::Filling || !traffic_->held_up_since) return 0;
  const SteadyTime now = traffic_->clock->now().steady;
  const auto passed = now - *traffic_->held_up_since;
  traffic_->held_up_since = now;
  auto& all = traffic_->readers;
  for (StoredBodyReader* reader : all)
    if (holds_up(*reader)) reader->held_up_ += passed;
  for (StoredBodyReader* reader : all)
    if (holds_up(*reader) && is_too_slow(*reader)) cut_off(*reader);
  const std::size_t cut = std::erase_if(all, [](const StoredBodyReader* reader) { return reader->cut_off_; });
  if (cut == 0) return 0;
  traffic_->waiting_writer.wake_all();
  note_hold_up();
  return cut;
}

// Call after such a change, and when the writer has begun to wait, or to write again.
void StoredBody::note_hold_up() noexcept {
  if (!traffic_ || traffic_->clock == nullptr) return;
  if (state() != State::Filling || !is_held_up()) {
    traffic_->held_up_since.reset();
  } else if (!traffic_->held_up_since) {
    traffic_->held_up_since = traffic_->clock->now().steady;
  }
}

// The bytes that it is busy with stay where they are.
void StoredBody::cut_off(StoredBodyReader& reader) noexcept {
  reader.cut_off_ = true;
  stop_waiting_locked(reader);
  reader.missed_.store(true, std::memory_order_relaxed);
  if (reader.chunk_ != nullptr) ++reader.chunk_->keepers;
}

// REQUIRES: it was cut off.
void StoredBody::let_go(StoredBodyReader& reader) noexcept {
  BodyChunk* const kept = reader.chunk_;
  reader.chunk_ = nullptr;
  if (kept != nullptr && --kept->keepers == 0 && kept->left) free_chunk(kept);
}

std::size_t StoredBody::cut_off_slow_readers() {
  const std::lock_guard lock(mutex_);
  return book_hold_up();
}

}  // namespace freshet
