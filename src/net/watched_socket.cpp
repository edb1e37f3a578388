#include "freshet/net/watched_socket.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <type_traits>

namespace freshet {
namespace {

using Reactor = boost::asio::detail::epoll_reactor;
using State = Reactor::descriptor_state;
using Event = boost::asio::detail::scheduler_operation;
static_assert(std::is_same_v<boost::asio::detail::reactor, Reactor> && std::is_base_of_v<Event, State>);

// Three of the reactor's own members. An explicit instantiation may name what is private ([temp.spec.general]), and a friend
// that it defines tells others where that lies.
int Reactor::*place_of_epoll();
std::uint32_t State::*place_of_watched_events();

template <int Reactor::*kEpoll, std::uint32_t State::*kWatched>
struct Places {
  friend int Reactor::*place_of_epoll() { return kEpoll; }
  friend std::uint32_t State::*place_of_watched_events() { return kWatched; }
};
template struct Places<&Reactor::epoll_fd_, &State::registered_events_>;

// A protected member may be named by who derives.
struct EventPlace : Event {
  static unsigned Event::*last_events() { return &EventPlace::task_result_; }
};

/// What epoll has said last, and the loop has handed to `state`, whose base is private.
unsigned& last_events(State* state) noexcept { return ((Event*)state)->*EventPlace::last_events(); }

}  // namespace

// Asio does not ask for EPOLLRDHUP: without it an event looks the same whether the peer has finished or not.
void WatchedSocket::listen_for_end() noexcept {
  if (hears_of_end_ || !is_watched()) return;
  std::uint32_t& watched = state_->*place_of_watched_events();
  epoll_event event{};
  event.events = watched | EPOLLRDHUP;
  event.data.ptr = state_;
  hears_of_end_ = ::epoll_ctl(reactor_->*place_of_epoll(), EPOLL_CTL_MOD, descriptor_, &event) == 0;
  if (hears_of_end_) watched = event.events;  // which Asio repeats when it waits for room
  last_events(state_) |= EPOLLRDHUP;           // until there is an event
}

bool WatchedSocket::saw_only_bytes() const noexcept {
  return hears_of_end_ && is_watched() && (last_events(state_) & ~unsigned{EPOLLIN | EPOLLOUT}) == 0;
}

void WatchedSocket::submit(Direction direction, Start start, bool was_watched, AnyOperation* operation) noexcept {
  const bool reads = direction == Direction::Read;
  // The loop is told to look now, and will report what is there already.
  const bool is_new = reads ? !was_watched : !std::exchange(has_waited_to_write_, true);
  if (is_new && is_watched()) operation->skip_first();
  const bool may_try = is_new || start == Start::Try;
  const int kind = reads ? Reactor::read_op : Reactor::write_op;
  // Reports a failure through the operation when the socket is not watched.
  reactor_->start_op(kind, descriptor_, state_, operation, true, may_try);
}

void WatchedSocket::watch() {
  if (!reactor_) {
    reactor_ = &boost::asio::use_service<Reactor>(loop_);
    reactor_->init_task();
  }
  if (descriptor_ < 0 || reactor_->register_descriptor(descriptor_, state_) == 0) return;
  reactor_->deregister_descriptor(descriptor_, state_, true);
  reactor_->cleanup_descriptor_data(state_);
}

void WatchedSocket::cancel() noexcept {
  if (is_watched()) reactor_->cancel_ops(descriptor_, state_);
}

void WatchedSocket::close() noexcept {
  if (descriptor_ < 0) return;
  if (is_watched()) reactor_->deregister_descriptor(descriptor_, state_, true);
  ::close(std::exchange(descriptor_, -1));
  if (is_watched()) reactor_->cleanup_descriptor_data(state_);
}

}  // namespace freshet
