// One HTTP/1 client connection, from its beginning to its end, and no more than must be known of it while it is silent.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "admission.hpp"
#include "connection.hpp"
#include "freshet/codec/h1_reader.hpp"
#include "freshet/exchange/service.hpp"
#include "h1_session.hpp"
#include "serving.hpp"

namespace freshet {

/// On the worker's thread. Kept alive by whoever waits for its bytes, or works for it. Most connections are silent most
/// of the time, so one that waits has no coroutine, no buffer and no session (docs/why/idle-connections.md):
//
//   state    has                                              ends when
//   waits    its place in the limits, a deadline, and of a    bytes come (answers), the deadline passes or the client
//            head that has begun what has come of it          leaves (closes, or works: 408, 400)
//   answers  a session, for this turn of the loop             all that has come is answered (waits), or that cannot be
//                                                             done at once (works), or it is to be closed
//   works    a session and a coroutine, work()                the request and those behind it are answered (waits), or
//                                                             it is to be closed
class H1Client final : public ReadWaiter {
 public:
  /// `try_first`: as the transport was told; Serving hears what came of it.
  H1Client(std::unique_ptr<Transport> transport, Peer peer, Ref<Serving> serving, bool try_first = false);
  ~H1Client() override;

  /// Begins; to be called once, by somebody who holds a Ref. False, and closed, when there is no memory for it.
  bool start() noexcept;
  /// Finish the request under way with Connection: close; now, when there is none.
  void drain() noexcept;
  /// Break everything off: the process ends.
  void abort() noexcept;
  /// It is one of those that are counted in SessionLimits::open.
  bool has_place() const noexcept { return admission_ && admission_->holds(); }
  /// See Serving::make_room().
  bool yields_before(const H1Client& other) const noexcept;
  /// Frees the place at once, and ends. REQUIRES: has_place().
  void give_up_place() noexcept;

  // For the session.

  Serving& serving() noexcept { return *serving_; }
  const Ref<Connection>& connection() const noexcept { return connection_; }
  const Peer& peer() const noexcept { return peer_; }
  bool draining() const noexcept { return told_to_drain_ || serving_->limits.draining; }
  /// A head is complete, or will never be.
  void head_is_over() noexcept;
  void note_request(SteadyTime when) noexcept { asked_ = when; }

 private:
  friend class Serving;
  using Next = H1Session::Next;
  /// Which limit the wait has.
  enum class Limit : std::uint8_t { None, Idle, Head };

  void on_readable(bool ready) noexcept override;
  H1Session& session();
  void give_session_back();
  Next arrive(bool ready);
  Next judge(Arrival arrival);
  void proceed(Next next);
  void wait();
  bool begin_wait();
  void limit_wait(Limit limit, Milliseconds time) noexcept;
  void leave_idle() noexcept;
  void end() noexcept;
  void lose() noexcept;
  void give_up() noexcept;
  void enlist() noexcept;
  void unlist() noexcept;
  static Task<void> work(Ref<H1Client> self, Next next);
  static Task<void> turn_away(Ref<H1Client> self, Reason reason);

  const Ref<Serving> serving_;
  const Peer peer_;
  const Ref<Connection> connection_;
  std::unique_ptr<H1Session> session_;
  std::unique_ptr<H1RequestReader> begun_;  // how far the head that has begun was looked at
  std::optional<Admission> admission_;
  SteadyTime asked_;               // when its last request had come, or the connection
  H1Client* next_ = nullptr;       // in the list of its Serving
  H1Client** previous_ = nullptr;  // the pointer that points here; null: not in the list
  Limit limit_ = Limit::None;
  bool is_tried_ = false;  // the first read is one that was not waited for
  bool idle_ = false;
  bool told_to_drain_ = false;
  bool working_ = false;  // a coroutine has the session
  bool over_ = false;
};

}  // namespace freshet
