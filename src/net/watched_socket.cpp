#include "freshet/net/watched_socket.hpp"

#include <unistd.h>

namespace freshet {

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
