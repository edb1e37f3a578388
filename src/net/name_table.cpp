#include "name_table.hpp"

#include <algorithm>
#include <utility>

#include "freshet/base/check.hpp"

namespace freshet {

using Lock = std::unique_lock<std::mutex>;

Question::~Question() { table_->forget(*this); }

NameTable::NameTable(const ResolverOptions& options, const Clock& clock, LookUp look_up)
    : options_(options), clock_(clock), look_up_(std::move(look_up)), busy_(options.threads) {}

bool NameTable::ask(Question& question, const std::string& host) {
  const Lock lock(mutex_);
  Name* name = closed_ ? nullptr : admit(host);
  if (name && name->pending) {
    name->questions.push_back(&question);
    question.name_ = name;
    question.overdue_ = std::chrono::steady_clock::now() + options_.timeout;
    question.order_ = waiting_.insert(waiting_.end(), &question);
    if (waiting_.size() == 1) watch_.notify_one();
    return false;
  }
  const bool found = name && name->addresses;
  if (found) question.addresses_ = name->addresses;
  settle(question, found ? Question::Answer::Found : Question::Answer::Failed);
  return true;
}

/// The name, fresh or pending; null when there is no room for another look-up.
Name* NameTable::admit(const std::string& host) {
  auto found = names_.find(host);
  if (found != names_.end()) {
    Name& name = found->second;
    if (name.pending) return &name;
    if (clock_.now().steady < name.expires) {
      kept_.splice(kept_.end(), kept_, name.use);
      return &name;
    }
  }
  if (queue_.size() >= options_.max_queued) return nullptr;
  if (found == names_.end()) {
    if (names_.size() >= std::max<std::size_t>(options_.max_names, 1) && !evict_one()) return nullptr;
    found = names_.try_emplace(host).first;
    found->second.host = host;
  } else {
    kept_.erase(found->second.use);
    found->second.pending = true;
    found->second.addresses.reset();
  }
  queue_.push_back(&found->second);
  work_.notify_one();
  return &found->second;
}

bool NameTable::evict_one() {
  if (kept_.empty()) return false;
  const Name* oldest = kept_.front();
  kept_.pop_front();
  names_.erase(names_.find(oldest->host));
  return true;
}

bool NameTable::settled(const Question& question) {
  const Lock lock(mutex_);
  return question.answer_ != Question::Answer::None;
}

Result<Addresses> NameTable::result(const Question& question) {
  const Lock lock(mutex_);
  switch (question.answer_) {
    case Question::Answer::Found:
      return *question.addresses_;
    case Question::Answer::TimedOut:
      return Failure(Reason::DnsTimeout, Side::Origin, 504);
    case Question::Answer::Failed:
      break;
    case Question::Answer::None:
      BUG("an unanswered question was asked for its result");
  }
  return Failure(Reason::DnsFailed, Side::Origin, 502);
}

void NameTable::forget(Question& question) noexcept {
  const Lock lock(mutex_);
  if (!question.name_) return;
  std::erase(question.name_->questions, &question);
  waiting_.erase(question.order_);
}

/// Takes the question off the table, except off its name's list: the caller sees to that.
void NameTable::settle(Question& question, Question::Answer answer) noexcept {
  if (question.name_) waiting_.erase(question.order_);
  question.name_ = nullptr;
  question.answer_ = answer;
  question.wakeup_.wake();
}

void NameTable::serve(std::size_t thread) {
  Lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [this] { return closed_ || !queue_.empty(); });
    if (closed_) return;
    Name& name = *queue_.front();
    queue_.pop_front();
    if (name.questions.empty()) {  // all have given up: do not let a slow name server's backlog grow
      names_.erase(names_.find(name.host));
      continue;
    }
    busy_[thread] = true;
    lock.unlock();
    Addresses found;
    try {
      found = look_up_(name.host);  // a pending name stays where it is, and its host does not change
    } catch (...) {
      found.clear();
    }
    lock.lock();
    busy_[thread] = false;
    if (closed_) return;  // the clock may be gone
    keep(name, std::move(found));
  }
}

void NameTable::keep(Name& name, Addresses found) {
  name.pending = false;
  name.expires = clock_.now().steady + (found.empty() ? options_.keep_bad : options_.keep_good);
  if (!found.empty()) name.addresses = std::make_shared<const Addresses>(std::move(found));
  name.use = kept_.insert(kept_.end(), &name);
  for (Question* question : std::exchange(name.questions, {})) {
    question->addresses_ = name.addresses;
    settle(*question, name.addresses ? Question::Answer::Found : Question::Answer::Failed);
  }
}

void NameTable::watch() {
  Lock lock(mutex_);
  while (!closed_) {
    if (waiting_.empty()) {
      watch_.wait(lock);
      continue;
    }
    Question& oldest = *waiting_.front();
    const auto overdue = oldest.overdue_;  // the question can go while we wait
    if (std::chrono::steady_clock::now() < overdue) {
      watch_.wait_until(lock, overdue);
      continue;
    }
    std::erase(oldest.name_->questions, &oldest);
    settle(oldest, Question::Answer::TimedOut);
  }
}

std::vector<bool> NameTable::close() {
  const Lock lock(mutex_);
  closed_ = true;
  while (!waiting_.empty()) {
    Question& question = *waiting_.front();
    std::erase(question.name_->questions, &question);
    settle(question, Question::Answer::Failed);
  }
  work_.notify_all();
  watch_.notify_all();
  return busy_;
}

}  // namespace freshet
