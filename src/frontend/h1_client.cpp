#include "h1_client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <new>
#include <utility>

#include "freshet/async/spawn.hpp"
#include "freshet/async/wakeup.hpp"
#include "freshet/base/check.hpp"

namespace freshet {
namespace {

/// A listener of one connection.
class OneClient final : public Serving {
 public:
  using Serving::Serving;
  Wakeup over;

 private:
  void client_left() noexcept override { over.wake(); }
};

}  // namespace

H1Client::H1Client(std::unique_ptr<Transport> transport, Peer peer, Ref<Serving> serving, bool try_first)
    : serving_(std::move(serving)),
      peer_(std::move(peer)),
      connection_(make_ref<Connection>(std::move(transport), serving_->worker, serving_->options.write_timeout,
                                       serving_->options.rate)),
      asked_(serving_->worker.clock().steady()),
      is_tried_(try_first) {}

H1Client::~H1Client() {
  if (admission_ && !over_) {  // its coroutine was destroyed, with the loop or for want of memory
    leave_idle();
    serving_->counters.listener[serving_->options.listener].connections_open.subtract();
    admission_.reset();
    serving_->client_left();
  }
  unlist();
}

bool H1Client::start() noexcept {
  ListenerCounters& own = serving_->counters.listener[serving_->options.listener];
  own.connections_accepted.add();
  own.connections_open.add();
  enlist();
  SessionLimits& limits = serving_->limits;
  if (limits.make_room && limits.open >= limits.max_connections) limits.make_room();
  admission_.emplace(limits, peer_.address);
  const Reason refusal = admission_->refusal();
  try {
    if (refusal == Reason::None)
      wait();
    else
      boost::asio::co_spawn(serving_->worker.loop(), turn_away(Ref<H1Client>(this), refusal), boost::asio::detached);
  } catch (...) {
    give_up();
    return false;
  }
  return true;
}

void H1Client::drain() noexcept {
  told_to_drain_ = true;
  if (idle_) connection_->close();
}

void H1Client::abort() noexcept {
  told_to_drain_ = true;
  connection_->abort();
  if (session_) session_->abort();
}

bool H1Client::yields_before(const H1Client& other) const noexcept { return asked_ < other.asked_; }

void H1Client::give_up_place() noexcept {
  admission_->give_up();
  if (idle_) return connection_->close();
  connection_->abort();
  if (session_) session_->break_off();
}

void H1Client::on_readable(bool ready) noexcept {
  try {
    Next next = arrive(ready);
    if (next == Next::Answer) next = session_->answer_buffered();
    proceed(next);
  } catch (const std::bad_alloc&) {
    give_up();
  } catch (...) {
    BUG("an exception ended a connection");
    give_up();
  }
}

H1Session& H1Client::session() {
  if (!session_) {
    std::unique_ptr<H1Session> idle = serving_->limits.sessions->take(serving_->worker);
    idle->begin(*this, std::move(begun_));  // may find no memory
    session_ = std::move(idle);
  }
  return *session_;
}

void H1Client::give_session_back() {
  if (!session_) return;
  begun_ = session_->end();
  serving_->limits.sessions->put(std::move(session_));
}

H1Client::Next H1Client::arrive(bool ready) {
  if (ready && !connection_->dead()) session();
  const Arrival arrival = connection_->finish_wait(ready);
  if (std::exchange(is_tried_, false)) serving_->was_read_first(arrival != Arrival::Again);
  return judge(arrival);
}

H1Client::Next H1Client::judge(Arrival arrival) {
  const bool was_idle = idle_;
  leave_idle();
  if (was_idle && arrival == Arrival::TimedOut && !connection_->in().empty()) arrival = Arrival::Bytes;
  if (arrival == Arrival::Bytes) {
    if (was_idle) {
      connection_->lift_read_limit();
      limit_ = Limit::None;
    }
    return Next::Answer;
  }
  if (arrival == Arrival::Again) return Next::Wait;
  if (was_idle) return Next::Close;
  if (arrival == Arrival::TimedOut) return session().refuse(Reason::RequestTimeout, 408);
  if (arrival == Arrival::End) return session().refuse(Reason::ClientClosed, 400);  // RFC 9112 8: an incomplete message
  return Next::Close;
}

void H1Client::proceed(Next next) {
  if (next == Next::Wait) return wait();
  if (next == Next::Close && !(session_ && session_->wants_to_linger())) return end();
  start_now(serving_->worker.loop().get_executor(), work(Ref<H1Client>(this), next));
}

// All that cannot be done at once.
Task<void> H1Client::work(Ref<H1Client> self, Next next) {
  self->working_ = true;
  try {
    H1Session& session = self->session();
    while (next != Next::Wait && next != Next::Close) {
      if (next == Next::Answer) {
        next = session.answer_buffered();
      } else if (next == Next::Serve) {
        next = co_await session.serve();
      } else if (next == Next::Finish) {
        next = co_await session.finish_reply();
      } else {
        co_await self->connection_->yield();
        next = Next::Answer;
      }
    }
    if (next == Next::Wait) {
      self->working_ = false;
      self->wait();
    } else {
      co_await session.hang_up();
      self->end();
    }
    co_return;
  } catch (const std::bad_alloc&) {
  } catch (...) {
    BUG("an exception ended a session");
  }
  self->lose();
}

Task<void> H1Client::turn_away(Ref<H1Client> self, Reason reason) {
  self->working_ = true;
  try {
    co_await self->session().turn_away(reason);
    self->end();
    co_return;
  } catch (const std::bad_alloc&) {
  } catch (...) {
    BUG("an exception ended a refusal");
  }
  self->lose();
}

void H1Client::wait() {
  if (!begin_wait()) return end();
  give_session_back();
  connection_->start_wait();
  connection_->transport().tell_when_readable(serving_->worker.loop(), Ref<ReadWaiter>(this));
}

// False: there is no point in waiting.
bool H1Client::begin_wait() {
  if (!connection_->in().empty()) {
    if (connection_->transport().is_reset()) return false;
    limit_wait(Limit::Head, serving_->options.head_timeout);
    return true;
  }
  if (draining() || connection_->dead()) return false;
  limit_wait(Limit::Idle, serving_->options.idle_timeout);
  serving_->counters.listener[serving_->options.listener].connections_idle.add();
  idle_ = true;
  return true;
}

// A limit is not renewed by what disturbs the wait, or is only a part of a head.
void H1Client::limit_wait(Limit limit, Milliseconds time) noexcept {
  if (limit_ != limit) connection_->limit_read(time);
  limit_ = limit;
}

void H1Client::head_is_over() noexcept {
  if (limit_ != Limit::None) connection_->lift_read_limit();
  limit_ = Limit::None;
}

void H1Client::leave_idle() noexcept {
  if (!idle_) return;
  idle_ = false;
  serving_->counters.listener[serving_->options.listener].connections_idle.subtract();
}

void H1Client::end() noexcept {
  if (std::exchange(over_, true)) return;
  leave_idle();
  connection_->lift_read_limit();
  connection_->close();
  connection_->in().clear();
  if (session_ && session_->is_clean()) give_session_back();
  if (session_) session_->log_unfinished();
  session_ = nullptr;
  serving_->counters.listener[serving_->options.listener].connections_open.subtract();
  admission_.reset();
  unlist();
  serving_->client_left();
}

// Without memory: its client must not take what it has for the whole; the others go on.
void H1Client::lose() noexcept {
  connection_->abort();
  end();
}

// Memory that runs out as a coroutine is about to wait comes out where it was started: what is left of its frames is
// destroyed later, and uses the session until then.
void H1Client::give_up() noexcept {
  if (!working_) return lose();
  connection_->abort();
}

void H1Client::enlist() noexcept {
  next_ = serving_->first_;
  if (next_) next_->previous_ = &next_;
  previous_ = &serving_->first_;
  serving_->first_ = this;
  ++serving_->count_;
}

void H1Client::unlist() noexcept {
  if (!previous_) return;
  *previous_ = next_;
  if (next_) next_->previous_ = previous_;
  previous_ = nullptr;
  --serving_->count_;
}

Task<void> run_h1_session(std::unique_ptr<Transport> transport, Peer peer, Worker& worker, Service& service,
                          const SessionOptions& options, SessionLimits& limits, WorkerCounters& counters,
                          AccessLog* log) {
  const auto serving = make_ref<OneClient>(worker, service, options, limits, counters, log);
  make_ref<H1Client>(std::move(transport), std::move(peer), serving)->start();
  co_await serving->over.wait();
}

}  // namespace freshet
