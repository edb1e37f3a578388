#include "fill.hpp"

#include <utility>

#include "freshet/async/spawn.hpp"
#include "freshet/async/wakeup.hpp"

namespace freshet {
namespace {

/// Takes the writer's Waiter off the body's list before it dies, also when the coroutine is destroyed while it waits.
class Writing {
 public:
  explicit Writing(Ref<StoredBody> body) : body_(std::move(body)) {}
  ~Writing() { body_->stop_writing(wakeup_); }
  Wakeup& wakeup() noexcept { return wakeup_; }
  StoredBody& body() noexcept { return *body_; }

 private:
  Ref<StoredBody> body_;
  Wakeup wakeup_;
};

class Counted {
 public:
  explicit Counted(Count& count) : count_(count) { count_.add(); }
  ~Counted() { count_.subtract(); }

 private:
  Count& count_;
};

/// Ends a body that is still filling when the coroutine goes away (the worker stops): readers elsewhere must not wait for ever.
class Aborting {
 public:
  explicit Aborting(FillJob& job) : job_(job) {}
  ~Aborting() {
    if (done_) return;
    job_.store.remove(job_.response);
    const bool given_up = !job_.response->body()->abort(why_);
    if (given_up) job_.counters.fills_abandoned.add();
  }
  void done() noexcept { done_ = true; }
  void because(Reason why) noexcept { why_ = why; }

 private:
  FillJob& job_;
  Reason why_ = Reason::ShutDown;
  bool done_ = false;
};

/// Shared by a fill and the coroutine that watches over it; one thread.
struct Watch {
  Ref<StoredBody> body;
  BodySource* source;
  Wakeup wakeup;
  bool over = false;
  Watch(Ref<StoredBody> b, BodySource* s) : body(std::move(b)), source(s) {}
};

/// When the readers give the body up, the fill may well be waiting for the origin: it need not wait any longer.
Task<void> watch(std::shared_ptr<Watch> shared) {
  while (!shared->over && shared->body->state() == StoredBody::State::Filling) co_await shared->wakeup.wait();
  if (!shared->over) shared->source->cancel();
}

class Watching {
 public:
  Watching(Ref<StoredBody> body, BodySource* source, const FillWorth& worth) : shared_(std::make_shared<Watch>(std::move(body), source)) {
    shared_->body->watch_readers(worth, shared_->wakeup);
  }
  ~Watching() {
    shared_->body->stop_watching();
    shared_->over = true;
    shared_->wakeup.wake();
  }
  Task<void> run() const { return watch(shared_); }

 private:
  std::shared_ptr<Watch> shared_;
};

/// Appends one piece, waiting while the window is full; false when nobody reads any more.
Task<bool> append(Writing& writing, std::span<const std::byte> bytes) {
  for (;;) {
    switch (writing.body().append(bytes, writing.wakeup())) {
      case StoredBody::Appended::Taken: co_return true;
      case StoredBody::Appended::Unread: co_return false;
      case StoredBody::Appended::WindowFull: break;
    }
    co_await writing.wakeup().wait();
  }
}

}  // namespace

Task<void> run_fill(std::unique_ptr<FillJob> job) {
  const Counted counted(job->counters.fills_in_flight);
  Aborting aborting(*job);
  Writing writing(job->response->body());
  const Watching watching(job->response->body(), job->source.get(), job->worth);
  Task<void> watch = watching.run();
  co_await spawn(std::move(watch));
  bool removed = false;
  for (;;) {
    Result<Piece> piece = co_await job->source->read();
    if (!piece) {
      aborting.because(piece.error().reason);
      co_return;
    }
    if (!piece->bytes.empty()) {
      const bool taken = co_await append(writing, piece->bytes);
      if (!taken) co_return;
      StoredBody& body = writing.body();
      if (!removed && body.passing()) {
        const bool outgrown = body.why_passing() == Reason::TooLarge && !job->shared;
        if (outgrown)
          job->store.outgrown(job->response);
        else
          job->store.remove(job->response);
        removed = true;
      }
    }
    if (piece->last) break;
  }
  const auto expected = writing.body().expected();
  if (expected && writing.body().size() != *expected) {
    aborting.because(Reason::CutShort);
    co_return;
  }
  if (writing.body().finish()) aborting.done();
}

}  // namespace freshet
