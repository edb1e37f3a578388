// Which readers of a passing body cost the others too much time.
#include <algorithm>

#include "freshet/cache/stored_body.hpp"

namespace freshet {

// REQUIRES, for all of these: the mutex is held.

// The writer waits for room, and somebody has nothing left to read.
bool StoredBody::is_held_up() const noexcept {
  if (traffic_->waiting_writer.empty()) return false;
  return std::any_of(traffic_->readers.begin(), traffic_->readers.end(),
                     [this](const StoredBodyReader* reader) { return reader->at_ == size(); });
}

// REQUIRES: the writer waits for room.
bool StoredBody::holds_up(const StoredBodyReader& reader) const noexcept {
  if (reader.at_ >= size()) return false;
  const bool one_chunk_only = last_ != nullptr && last_->charged == 0;  // see check_window()
  return one_chunk_only || size() - reader.at_ >= kWindow;
}

// Call before anything changes for a reader: what has passed until now is put on the account of those who held up the
// others. Returns how many were cut off for it.
std::size_t StoredBody::book_hold_up() noexcept {
  if (state() != State::Filling || !traffic_->held_up_since) return 0;
  const SteadyTime now = traffic_->clock->now().steady;
  const auto passed = now - *traffic_->held_up_since;
  traffic_->held_up_since = now;
  const std::size_t cut = std::erase_if(traffic_->readers, [this, passed](StoredBodyReader* reader) {
    if (!holds_up(*reader)) return false;
    reader->held_up_ += passed;
    if (reader->held_up_ < kMostHeldUp) return false;
    cut_off(*reader);
    return true;
  });
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
