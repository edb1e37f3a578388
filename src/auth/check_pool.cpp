#include "check_pool.hpp"

#include <pthread.h>

#include <system_error>
#include <utility>

#include "freshet/base/check.hpp"
#include "freshet/base/signals_blocked.hpp"

namespace freshet {

CheckPool::Ticket::~Ticket() { pool_.forget(*this); }

void CheckPool::forget(Ticket& ticket) noexcept {
  const std::lock_guard lock(mutex_);
  if (ticket.job_) ticket.job_->ticket = nullptr;
}

bool CheckPool::submit(Ticket& ticket, Check check) {
  const std::lock_guard lock(mutex_);
  if (closed_ || queue_.size() >= most_queued_) return false;
  if (threads_.size() < most_threads_) start_thread();
  if (threads_.empty()) return false;
  queue_.push_back(std::make_unique<Ticket::Job>(Ticket::Job{std::move(check), &ticket}));
  ticket.job_ = queue_.back().get();
  ticket.result_ = AuthResult::Undecided;
  work_.notify_one();
  return true;
}

void CheckPool::start_thread() {
  const SignalsBlocked blocked;
  try {
    threads_.emplace_back([this] {
      pthread_setname_np(pthread_self(), "freshet-auth");
      run();
    });
  } catch (const std::system_error&) {  // there may be room for one later
  }
}

AuthResult CheckPool::result(const Ticket& ticket) noexcept {
  const std::lock_guard lock(mutex_);
  return ticket.result_;
}

void CheckPool::settle(Ticket::Job& job, AuthResult result) noexcept {
  if (!job.ticket) return;
  job.ticket->job_ = nullptr;
  job.ticket->result_ = result;
  job.ticket->wakeup_.wake();
  job.ticket = nullptr;
}

void CheckPool::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [this] { return closed_ || !queue_.empty(); });
    if (closed_) return;
    const std::unique_ptr<Ticket::Job> job = std::move(queue_.front());
    queue_.pop_front();
    if (!job->ticket) continue;
    lock.unlock();
    AuthResult result = AuthResult::Busy;
    try {
      result = job->check();
    } catch (...) {
      BUG("a check of credentials threw");
    }
    lock.lock();
    settle(*job, result);
  }
}

void CheckPool::close() noexcept {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (const auto& job : queue_) settle(*job, AuthResult::Busy);
    queue_.clear();
  }
  work_.notify_all();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

}  // namespace freshet
