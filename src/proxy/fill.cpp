#include "fill.hpp"

#include <new>
#include <utility>

#include "freshet/async/spawn.hpp"
#include "freshet/async/wakeup.hpp"
#include "freshet/async/yield.hpp"

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
    if (!job_.response->parts()) job_.store.remove(job_.response);  // of a part, what has arrived is good
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

/// Once the body is passing, the response leaves the store, which looks after slow readers from then on.
class Passing {
 public:
  explicit Passing(FillJob& job) : job_(job) {}
  ~Passing() {
    if (seen_) job_.store.remove_passing(*job_.response->body());
  }
  Passing(const Passing&) = delete;
  Passing& operator=(const Passing&) = delete;

  void check() {
    const Ref<StoredBody>& body = job_.response->body();
    if (seen_ || !body->passing()) return;
    seen_ = true;
    const bool outgrown = body->why_passing() == Reason::TooLarge && !job_.shared;
    if (outgrown)
      job_.store.outgrown(job_.response);
    else
      job_.store.remove(job_.response);
    job_.store.add_passing(body);
  }

 private:
  FillJob& job_;
  bool seen_ = false;
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
  explicit Watching(FillJob& job) : shared_(std::make_shared<Watch>(job.response->body(), job.source.get())) {
    shared_->body->watch_readers(job.worth, shared_->wakeup, &job.store.clock());
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
Task<bool> append(Writing& writing, Passing& passing, std::span<const std::byte> bytes) {
  for (;;) {
    const StoredBody::Appended appended = writing.body().append(bytes, writing.wakeup());
    if (appended == StoredBody::Appended::Unread) co_return false;
    passing.check();
    if (appended == StoredBody::Appended::Taken) co_return true;
    co_await writing.wakeup().wait();
  }
}

}  // namespace

FillJob::~FillJob() {
  if (!found) return;
  response->body()->abort(Reason::Internal);  // from here on nobody finds it usable
  try {
    store.remove(response);
  } catch (const std::bad_alloc&) {  // then it goes in its time
  }
}

Task<void> run_fill(std::unique_ptr<FillJob> job) {
  const Counted counted(job->counters.fills_in_flight);
  Aborting aborting(*job);
  job->found = false;  // `aborting` sees to it now
  Writing writing(job->response->body());
  const Watching watching(*job);
  Task<void> watch = watching.run();
  co_await spawn(std::move(watch));
  Passing passing(*job);
  Turns turns;
  for (;;) {
    Result<Piece> piece = co_await job->source->read();
    if (!piece) {
      aborting.because(piece.error().reason);
      co_return;
    }
    if (!piece->bytes.empty()) {
      const bool taken = co_await append(writing, passing, piece->bytes);
      if (!taken) co_return;
    }
    if (piece->last) break;
    if (turns.over(piece->bytes.size())) co_await yield();
  }
  const auto expected = writing.body().expected();
  if (expected && writing.body().size() != *expected) {
    aborting.because(Reason::CutShort);
    co_return;
  }
  if (writing.body().finish()) aborting.done();
}

}  // namespace freshet
