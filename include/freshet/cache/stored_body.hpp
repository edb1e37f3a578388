// The bytes of a stored response: written once, by one fill, and read by many, also while they arrive and on other
// workers.
//
//   Filling --finish()--> Complete   readers get everything
//   Filling --abort()--> Aborted     readers get what there is, then the failure; the store forgets the response
//   Filling --last reader leaves, and the rest is not worth it--> Aborted, so that nobody joins any more
//   Filling --append() beyond the limits, or stop_keeping()--> Filling, but passing:
//                                    chunks that every reader has left are freed, append() answers WindowFull while the
//                                    slowest reader is too far behind; finish() ends it, but it is not kept: who comes
//                                    late finds it Aborted. A reader that others have to wait for is cut off in time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "freshet/base/clock.hpp"
#include "freshet/base/pin.hpp"
#include "freshet/base/reason.hpp"
#include "freshet/base/small_mutex.hpp"
#include "freshet/base/waiter.hpp"
#include "freshet/cache/ledger.hpp"

namespace freshet {

class StoredBody;

/// Bytes of a body that follow each other in one allocation; the bytes lie behind the struct.
struct BodyChunk {
  enum class Home : std::uint8_t { Heap, Mapping, Body /* behind the StoredBody itself */ };
  BodyChunk* next = nullptr;  ///< of the last one: the first
  std::uint64_t from = 0;     ///< offset of its first byte in the body
  std::uint32_t capacity = 0;
  std::uint32_t used = 0;
  std::uint32_t keepers = 0;  ///< readers that were cut off and may still be at its bytes
  Home home = Home::Heap;
  bool has_pages = true;  ///< false: the kernel has yet to be asked for them
  bool charged = false;  ///< to the ledger; else it had to be had in spite of it
  bool left = false;     ///< out of the body's list: the last keeper frees it
  std::byte* bytes() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
};

/// One reader's place in a body. One thread at a time. Keeps the body alive; leaving it unread is fine.
class StoredBodyReader {
 public:
  /// Holding: it only keeps the body as it is for others that are about to come, and is not missed when it leaves.
  enum class Purpose : std::uint8_t { Reading, Holding };
  explicit StoredBodyReader(Ref<StoredBody> body, std::uint64_t from = 0, Purpose purpose = Purpose::Reading);
  ~StoredBodyReader();
  StoredBodyReader(const StoredBodyReader&) = delete;
  StoredBodyReader& operator=(const StoredBodyReader&) = delete;

  struct Look {
    enum class State : std::uint8_t { Data, Wait, End, Aborted } state = State::Wait;
    /// Valid while a Pin of the body is held and, when passing, until advance() and while the reader lives.
    std::span<const std::byte> bytes;
    bool last = false;          ///< with Data: nothing follows these bytes
    Reason why = Reason::None;  ///< with Aborted
  };
  /// What is there at this place. Wait: `waiter` has been registered and is woken when that changes; it stays
  /// registered until the next look() that does not wait, or stop_waiting(), or destruction.
  Look look(Waiter& waiter);
  void stop_waiting() noexcept;
  void advance(std::uint64_t n) noexcept;
  std::uint64_t at() const noexcept { return at_; }
  /// It came too late: the body had been aborted, or its bytes from `from` on were gone. Or it has been cut off since
  /// then. Otherwise it will get them all, unless the fill itself fails.
  bool missed() const noexcept { return missed_.load(std::memory_order_relaxed); }

 private:
  friend class StoredBody;
  Ref<StoredBody> body_;
  std::uint64_t at_;
  BodyChunk* chunk_ = nullptr;  // where the last look found its bytes
  Waiter* waiter_ = nullptr;
  bool registered_ = false;  // the body knows of it: it was filling when this reader came
  std::atomic<bool> missed_{false};
  Purpose purpose_;
  bool cut_off_ = false;
  std::chrono::nanoseconds held_up_{0};  // for so long others had nothing to read because of this one
};

/// When a fill goes on although its last reader has left. Of a body without declared length: as long as no more than
/// `left` bytes have arrived since.
struct FillWorth {
  std::uint64_t left = 16u << 20;  ///< bytes: at most so many are missing
  unsigned percent = 50;           ///< or at least this share of the declared length is there; 0: always
  static FillWorth always() noexcept { return {UINT64_MAX, 0}; }
};

static_assert(sizeof(BodyChunk) == 32);

/// See the table above. Reader functions: any thread; writer functions: the one that fills.
class StoredBody final : public Pinned {
 public:
  /// `ledger` outlives it. `expected`: the declared length. `max_size`: beyond it the body is passed on but not kept;
  /// so is one that would take more than half of the ledger.
  StoredBody(Ledger& ledger, std::optional<std::uint64_t> expected, std::uint64_t max_size)
      : StoredBody(ledger, expected, max_size, 0) {}
  /// The same in one allocation with its bytes, when they are few and their number is declared.
  static Ref<StoredBody> make(Ledger& ledger, std::optional<std::uint64_t> expected, std::uint64_t max_size);
  ~StoredBody() override;

  enum class Appended : std::uint8_t {
    Taken,
    WindowFull,  ///< nothing taken: `writer` is woken when there is room; call again
    Unread,      ///< nobody reads, and it is not worth going on: aborted. The first reader comes before the first
                 ///< append() of a body that is passing.
  };
  /// `writer` stays registered after WindowFull until the next append() or stop_writing().
  Appended append(std::span<const std::byte> bytes, Waiter& writer);
  /// False when the readers had given it up meanwhile. REQUIRES: the declared length, if any, has been appended.
  bool finish();
  /// False when it was over already: the first end counts.
  bool abort(Reason why);
  /// From now on each last reader that leaves decides whether to go on: when not, the body is aborted at once, and
  /// `filler` is woken. A body that is passing never goes on without readers; one that never had a reader always does.
  /// With a clock, readers that hold up a body that is passing are cut off (ClientTooSlow): when the time in which the
  /// writer had to wait for one, while another reader had read all there is, adds up to kMostHeldUp, and a quarter of
  /// the readers have cost next to nothing (an eighth of that). Among equals somebody is always the last: that is no
  /// reason.
  void watch_readers(const FillWorth&, Waiter& filler, const Clock* clock = nullptr);
  static constexpr Milliseconds kMostHeldUp{1000};
  /// Cuts off those whose time is over although nothing happens. Any thread, for a tick to call. Returns how many.
  std::size_t cut_off_slow_readers();
  /// Call before that Waiter dies.
  void stop_watching() noexcept;
  /// The store has let it go while it fills: it goes on in a window, for those who read it. Any thread.
  void stop_keeping(Reason why) noexcept { start_passing(why); }
  /// True once it has outgrown `max_size` or the ledger, or the store has let it go: it will not be kept. The fill then
  /// takes the response out of the store.
  bool passing() const noexcept { return (phase_.load(std::memory_order_acquire) & kPassing) != 0; }
  /// TooLarge, NoRoom or Invalidated, when passing.
  Reason why_passing() const noexcept;
  /// Takes the writer off the list; call before the Waiter dies.
  void stop_writing(Waiter& writer) noexcept;

  enum class State : std::uint8_t { Filling, Complete, Aborted };
  State state() const noexcept { return static_cast<State>(phase_.load(std::memory_order_acquire) & kState); }
  /// False when a new reader could not get all of it: aborted or passing.
  bool is_whole() const noexcept {
    const std::uint8_t phase = phase_.load(std::memory_order_acquire);
    return (phase & kState) != static_cast<std::uint8_t>(State::Aborted) && (phase & kPassing) == 0;
  }
  std::uint64_t size() const noexcept { return size_.load(std::memory_order_acquire); }  ///< bytes so far
  std::optional<std::uint64_t> expected() const noexcept {
    return is_declared() ? std::optional(limit_) : std::nullopt;
  }
  /// Its bytes lie behind the object itself.
  bool is_one_block() const noexcept { return has(kRoom); }
  /// All bytes when Complete and in one chunk (always so for small bodies with a known length). No lock.
  std::optional<std::span<const std::byte>> contiguous() const noexcept;
  Ledger& ledger() const noexcept { return ledger_; }
  /// Readers that came while it was filling and are still there.
  std::size_t readers() const noexcept;

 private:
  friend class StoredBodyReader;
  // Only needed until the fill is over and those who came before its end have left.
  struct Traffic {
    std::vector<StoredBodyReader*> readers;
    WaiterList waiting_readers, waiting_writer;
    Waiter* filler = nullptr;  // null: nobody watches
    FillWorth worth;
    bool was_read = false;                     // at least one that really read has left
    std::optional<std::uint64_t> unread_from;  // bytes that were there when the last reader left
    const Clock* clock = nullptr;              // null: nobody is cut off
    std::optional<SteadyTime> held_up_since;   // the writer waits, and so does a reader; booked up to here
  };
  static constexpr std::uint64_t kWindow = 1u << 20;  // how far a passing body runs ahead of its slowest reader
  using Look = StoredBodyReader::Look;

  StoredBody(Ledger&, std::optional<std::uint64_t> expected, std::uint64_t max_size, std::uint32_t room);
  void destroy() noexcept override;
  std::size_t own_cost() const noexcept;
  bool has(std::uint8_t mark) const noexcept { return (phase_.load(std::memory_order_relaxed) & mark) != 0; }
  bool is_declared() const noexcept { return has(kDeclared); }
  /// Behind the object. REQUIRES: there is room.
  BodyChunk* own_chunk() noexcept { return reinterpret_cast<BodyChunk*>(this + 1); }
  const BodyChunk* own_chunk() const noexcept { return reinterpret_cast<const BodyChunk*>(this + 1); }
  BodyChunk* first() const noexcept { return last_ != nullptr ? last_->next : nullptr; }
  void add_chunk(BodyChunk*) noexcept;

  void add_reader(StoredBodyReader&);
  void remove_reader(StoredBodyReader&) noexcept;
  Look look(StoredBodyReader&, Waiter*);
  Look look_locked(StoredBodyReader&, Waiter*);
  Look data_at(StoredBodyReader&, std::uint64_t size) noexcept;
  void stop_waiting_locked(StoredBodyReader&) noexcept;
  void release_traffic() noexcept;

  void start_passing(Reason why) noexcept;
  std::optional<Appended> check_window(Waiter& writer);
  void free_left_chunks() noexcept;
  bool is_held_up() const noexcept;
  bool holds_up(const StoredBodyReader&) const noexcept;
  bool is_too_slow(const StoredBodyReader&) const noexcept;
  std::size_t book_hold_up() noexcept;
  void note_hold_up() noexcept;
  void cut_off(StoredBodyReader&) noexcept;
  void let_go(StoredBodyReader&) noexcept;
  std::uint64_t slowest_locked() const noexcept;
  bool extend(std::size_t wanted);
  void prepare_next(const BodyChunk& chunk, std::size_t n) noexcept;
  std::size_t next_capacity(std::size_t wanted, std::uint64_t size) const noexcept;
  bool settle(State, Reason);
  bool settle_locked(State, Reason) noexcept;
  void judge() noexcept;
  bool is_worth_finishing() const noexcept;
  void give_up() noexcept;
  void compact();
  void free_chunk(BodyChunk*) noexcept;

  // There are as many of these as there are responses in the store: every byte counts.
  static constexpr std::uint8_t kState = 0x03, kPassing = 0x80;
  // Known from the beginning: the length was declared; there is room for it behind the object; the object is charged.
  static constexpr std::uint8_t kDeclared = 0x40, kRoom = 0x20, kCharged = 0x10;
  mutable SmallMutex mutex_;
  std::atomic<std::uint8_t> phase_{static_cast<std::uint8_t>(State::Filling)};  // changed under the mutex
  bool seen_ = false;  // bytes were handed out: chunks stay where they are
  Reason why_ = Reason::None;
  Ledger& ledger_;
  std::uint64_t limit_;  // bytes that will come, when declared; else those that may be kept
  std::atomic<std::uint64_t> size_{0};
  // The list is changed by the writer alone, under the mutex; complete bodies do not change.
  BodyChunk* last_ = nullptr;
  std::unique_ptr<Traffic> traffic_;
};

}  // namespace freshet
