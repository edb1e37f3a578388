// The bytes of a stored response: written once, by one fill, and read by many, also while they arrive and on other workers.
//
//   Filling --finish()--> Complete          readers get everything
//   Filling --abort()---> Aborted           readers get what there is, then the failure; the store forgets the response
//   Filling --append() beyond the limits--> Filling, but passing: chunks that every reader has left are freed, append() answers
//                                           WindowFull while the slowest reader is too far behind; never Complete in the store
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "freshet/base/pin.hpp"
#include "freshet/base/reason.hpp"
#include "freshet/base/waiter.hpp"
#include "freshet/cache/ledger.hpp"

namespace freshet {

class StoredBody;

/// One reader's place in a body. One thread at a time. Keeps the body alive; leaving it unread is fine.
class StoredBodyReader {
 public:
  explicit StoredBodyReader(Ref<StoredBody> body, std::uint64_t from = 0);
  ~StoredBodyReader();
  StoredBodyReader(const StoredBodyReader&) = delete;
  StoredBodyReader& operator=(const StoredBodyReader&) = delete;

  struct Look {
    enum class State : std::uint8_t { Data, Wait, End, Aborted } state = State::Wait;
    std::span<const std::byte> bytes;  ///< valid while a Pin of the body is held and, when passing, until advance()
    bool last = false;                 ///< with Data: nothing follows these bytes
    Reason why = Reason::None;         ///< with Aborted
  };
  /// What is there at this place. Wait: `waiter` has been registered and is woken when that changes; it stays registered until the
  /// next look() that does not wait, or stop_waiting(), or destruction.
  Look look(Waiter& waiter);
  void stop_waiting() noexcept;
  void advance(std::uint64_t n) noexcept;
  std::uint64_t at() const noexcept { return at_; }

 private:
  friend class StoredBody;
  Ref<StoredBody> body_;
  std::uint64_t at_;
  Waiter* waiter_ = nullptr;
};

/// See the table above. Reader functions: any thread; writer functions: the one that fills.
class StoredBody final : public Pinned {
 public:
  /// `ledger` outlives it. `expected`: the declared length. `max_size`: beyond it the body is passed on but not kept.
  StoredBody(Ledger& ledger, std::optional<std::uint64_t> expected, std::uint64_t max_size);
  ~StoredBody() override;

  enum class Appended : std::uint8_t {
    Taken,
    WindowFull,  ///< nothing taken: `writer` is woken when there is room; call again
    Unread,      ///< passing, and no reader is left: stop
  };
  Appended append(std::span<const std::byte> bytes, Waiter& writer);
  /// REQUIRES: the declared length, if any, has been appended.
  void finish();
  void abort(Reason why);
  /// True once it has outgrown `max_size` or the ledger: it will not be kept. The fill then takes the response out of the store.
  bool passing() const noexcept;
  /// Takes the writer off the list; call before the Waiter dies.
  void stop_writing(Waiter& writer) noexcept;

  enum class State : std::uint8_t { Filling, Complete, Aborted };
  State state() const noexcept { return state_.load(std::memory_order_acquire); }
  std::uint64_t size() const noexcept;  ///< bytes so far
  std::optional<std::uint64_t> expected() const noexcept { return expected_; }
  /// All bytes when Complete and in one chunk (always so for small bodies with a known length). No lock.
  std::optional<std::span<const std::byte>> contiguous() const noexcept;
  std::size_t readers() const noexcept;

 private:
  friend class StoredBodyReader;
  struct Chunk {
    std::unique_ptr<std::byte[]> bytes;
    std::uint64_t from = 0;  // offset of its first byte in the body
    std::size_t capacity = 0, used = 0;
  };
  mutable std::mutex mutex_;
  std::atomic<State> state_{State::Filling};
  Ledger& ledger_;
  std::optional<std::uint64_t> expected_;
  std::uint64_t max_size_;
  std::uint64_t size_ = 0;
  std::uint64_t charged_ = 0;
  bool passing_ = false;
  Reason why_ = Reason::None;
  std::vector<Chunk> chunks_;
  std::vector<StoredBodyReader*> readers_;
  WaiterList waiting_readers_;
  WaiterList waiting_writer_;
};

}  // namespace freshet
