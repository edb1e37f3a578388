// Which name gets the next thread: those who ask take turns, and none of them takes all threads or all of the queue.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <map>
#include <optional>

#include "freshet/net/client_key.hpp"

namespace freshet {

struct Asker;

/// A name's place in the queue: nowhere -> push() -> waiting -> next() -> running -> done() -> nowhere.
struct LookUpPlace {
  boost::intrusive::list_member_hook<> by_age, of_asker;
  Asker* asker = nullptr;  ///< whose share it counts for, while it waits and while it runs
  bool is_waiting() const noexcept { return by_age.is_linked(); }
};

/// One client with names that wait or run; or all clients that have no key, together.
struct Asker {
  using Places = boost::intrusive::list<
      LookUpPlace,
      boost::intrusive::member_hook<LookUpPlace, boost::intrusive::list_member_hook<>, &LookUpPlace::of_asker>>;
  Places waiting;
  unsigned running = 0;
  boost::intrusive::list_member_hook<> turn;
  std::optional<ClientKey> key;
};

/// Not locked: its owner's mutex guards it. A client has a quarter of the threads and of the queue, at least one; those
/// without a key (client_key()) have three quarters together, so that something is always left to others.
class LookUpQueue {
 public:
  LookUpQueue(unsigned max_running, std::size_t max_waiting) noexcept
      : max_running_(max_running), max_waiting_(max_waiting) {}
  ~LookUpQueue();
  LookUpQueue(const LookUpQueue&) = delete;
  LookUpQueue& operator=(const LookUpQueue&) = delete;

  /// False: no room, in all or for this client. May throw std::bad_alloc, and has then done nothing.
  bool push(LookUpPlace&, const std::optional<ClientKey>&);
  /// Another client wants a name that waits: when its turn may come sooner in that one's share, it goes over, and is the youngest.
  bool also_for(LookUpPlace&, const std::optional<ClientKey>&);
  /// Whether one of those who wait may run.
  bool has_next() const noexcept { return !turns_.empty(); }
  /// Takes it; it runs until done(). REQUIRES: has_next().
  LookUpPlace& next() noexcept;
  void done(LookUpPlace&) noexcept;
  /// Nobody wants it any more. REQUIRES: it waits.
  void drop(LookUpPlace&) noexcept;
  /// The one that has waited longest. REQUIRES: waiting() > 0.
  LookUpPlace& oldest() noexcept { return by_age_.front(); }
  std::size_t waiting() const noexcept { return by_age_.size(); }

 private:
  using Turns =
      boost::intrusive::list<Asker,
                             boost::intrusive::member_hook<Asker, boost::intrusive::list_member_hook<>, &Asker::turn>>;
  using ByAge = boost::intrusive::list<
      LookUpPlace,
      boost::intrusive::member_hook<LookUpPlace, boost::intrusive::list_member_hook<>, &LookUpPlace::by_age>>;

  Asker& asker_of(const std::optional<ClientKey>&);
  bool may_run(const Asker&) const noexcept;
  bool has_room(const Asker&) const noexcept;
  void settle_turn(Asker&) noexcept;

  const unsigned max_running_;
  const std::size_t max_waiting_;
  std::map<std::optional<ClientKey>, Asker> askers_;  // those with a name that waits or runs
  Turns turns_;                                       // those with a name that waits and may run, the next one first
  ByAge by_age_;
};

}  // namespace freshet
