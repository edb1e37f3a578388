#include "name_table.hpp"

#include <algorithm>
#include <utility>

#include "freshet/base/check.hpp"

namespace freshet {
namespace {

/// After the system had no thread left.
constexpr std::chrono::seconds kNoThreadPause(1);

RealTime real_now() noexcept { return std::chrono::steady_clock::now(); }

Name& name_at(LookUpPlace& place) noexcept { return static_cast<Name&>(place); }

}  // namespace

Question::~Question() { table_->forget(*this); }

NameTable::NameTable(const ResolverOptions& options, const Clock& clock, LookUp look_up)
    : options_(options), clock_(clock), look_up_(std::move(look_up)), queue_(options.max_threads, options.max_queued) {}

// ---- questions ----

bool NameTable::ask(Question& question, const std::string& host, const std::optional<ClientKey>& client) {
  const Lock lock(mutex_);
  if (closed_) {
    settle(question, Question::Answer::Failed);
    return true;
  }
  Name* name = find(host);
  if (name && name->pending && name->is_waiting() && queue_.also_for(*name, client))
    name->given_up = real_now() + options_.queue_timeout;
  if (!name) name = admit(host, client);
  if (!name) {
    settle(question, Question::Answer::Busy);
  } else if (!name->pending) {
    question.addresses_ = name->addresses;
    settle(question, name->addresses ? Question::Answer::Found : Question::Answer::Failed);
  } else if (is_hanging(*name)) {
    settle(question, Question::Answer::TimedOut);
  } else {
    enlist(question, *name);
    question.overdue_ = real_now() + options_.timeout;
    if (queue_.has_next() && idle_ > 0) work_.notify_one();
    if (waiting_.size() == 1 || queue_.waiting() == 1 || wants_thread()) watch_.notify_one();
    return false;
  }
  return true;
}

/// All that may fail comes first: who finds no memory is not on any list.
void NameTable::enlist(Question& question, Name& name) {
  try {
    auto& all = name.questions;
    if (all.size() == all.capacity()) all.reserve(std::max<std::size_t>(4, 2 * all.size()));
    question.order_ = waiting_.insert(waiting_.end(), &question);
  } catch (...) {
    drop_if_unwanted(name);
    throw;
  }
  name.questions.push_back(&question);
  question.name_ = &name;
}

/// Fresh or pending; null: it has to be looked up.
Name* NameTable::find(const std::string& host) {
  const auto found = names_.find(host);
  if (found == names_.end()) return nullptr;
  Name& name = found->second;
  if (name.pending) return &name;
  if (clock_.now().steady < name.expires) {
    kept_.splice(kept_.end(), kept_, name.use);
    return &name;
  }
  kept_.erase(name.use);
  names_.erase(found);
  return nullptr;
}

/// Another look-up; null when there is no room for it. REQUIRES: `host` is not in the table.
Name* NameTable::admit(const std::string& host, const std::optional<ClientKey>& client) {
  if (names_.size() >= std::max<std::size_t>(options_.max_names, 1) && !evict_one()) return nullptr;
  const auto place = names_.try_emplace(host).first;
  Name& name = place->second;
  bool room = false;
  try {
    name.host = host;
    room = queue_.push(name, client);
  } catch (...) {
    names_.erase(place);
    throw;
  }
  if (!room) {
    names_.erase(place);
    return nullptr;
  }
  name.given_up = real_now() + options_.queue_timeout;
  return &name;
}

bool NameTable::evict_one() {
  if (kept_.empty()) return false;
  const Name* oldest = kept_.front();
  kept_.pop_front();
  names_.erase(names_.find(oldest->host));
  return true;
}

/// Whoever asks now would only wait for what others have waited for in vain.
bool NameTable::is_hanging(const Name& name) const noexcept {
  return !name.is_waiting() && real_now() >= name.given_up;
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
    case Question::Answer::Busy:
      return Failure(Reason::DnsBusy, Side::Self, 503);
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
  Name& name = *question.name_;
  std::erase(name.questions, &question);
  waiting_.erase(question.order_);
  drop_if_unwanted(name);
}

/// So that names which nobody waits for any more do not take the places of others.
void NameTable::drop_if_unwanted(Name& name) noexcept {
  if (!name.questions.empty() || !name.is_waiting()) return;
  queue_.drop(name);
  names_.erase(names_.find(name.host));
}

/// Takes the question off the table, except off its name's list: the caller sees to that.
void NameTable::settle(Question& question, Question::Answer answer) noexcept {
  if (question.name_) waiting_.erase(question.order_);
  question.name_ = nullptr;
  question.answer_ = answer;
  question.wakeup_.wake();
}

void NameTable::settle_all(Name& name, Question::Answer answer) noexcept {
  for (Question* question : std::exchange(name.questions, {})) {
    question->addresses_ = name.addresses;
    settle(*question, answer);
  }
}

// ---- threads that look up ----

void NameTable::serve() {
  Lock lock(mutex_);
  --starting_;
  while (await_work(lock)) {
    Name& name = name_at(queue_.next());
    if (wants_thread()) watch_.notify_one();
    name.began = clock_.now().steady;
    name.given_up = real_now() + options_.timeout;
    look_up(name, lock);
  }
  --threads_;
  left_.notify_all();
}

/// False: this thread may go.
bool NameTable::await_work(Lock& lock) {
  ++idle_;
  bool needed = true;
  while (needed && !closed_ && !queue_.has_next()) {
    if (threads_ <= options_.threads)
      work_.wait(lock);
    else
      needed = work_.wait_for(lock, options_.idle) == std::cv_status::no_timeout || queue_.has_next() ||
               threads_ <= options_.threads;
  }
  --idle_;
  return needed && !closed_;
}

void NameTable::look_up(Name& name, Lock& lock) {
  ++busy_;
  lock.unlock();
  std::shared_ptr<const Addresses> found;
  std::list<Name*> place;
  try {
    place.push_back(&name);
    Addresses addresses = look_up_(name.host);  // a pending name stays where it is, and its host does not change
    if (!addresses.empty()) found = std::make_shared<const Addresses>(std::move(addresses));
  } catch (...) {  // no memory, or no answer
  }
  lock.lock();
  --busy_;
  if (closed_) return;  // the clock may be gone
  queue_.done(name);
  if (!place.empty()) return keep(name, std::move(found), place);
  settle_all(name, Question::Answer::Failed);
  names_.erase(names_.find(name.host));
}

/// `place`: of the name alone, so that nothing has to be allocated.
void NameTable::keep(Name& name, std::shared_ptr<const Addresses> found, std::list<Name*>& place) noexcept {
  const SteadyTime now = clock_.now().steady;
  const SteadyTime::duration least = options_.keep_bad, most = options_.keep_bad_at_most;
  const SteadyTime::duration bad = std::max(least, std::min(most, now - name.began));
  name.pending = false;
  name.expires = now + (!found ? bad : SteadyTime::duration(options_.keep_good));
  name.addresses = std::move(found);
  name.use = place.begin();
  kept_.splice(kept_.end(), place);
  settle_all(name, name.addresses ? Question::Answer::Found : Question::Answer::Failed);
}

bool NameTable::wants_thread() const noexcept {
  return queue_.has_next() && idle_ + starting_ == 0 && threads_ < options_.max_threads &&
         real_now() >= no_thread_until_;
}

bool NameTable::add_thread(const StartThread& start) {
  Lock lock(mutex_);
  return start_thread(lock, start);
}

bool NameTable::start_thread(Lock& lock, const StartThread& start) {
  ++threads_;
  ++starting_;
  lock.unlock();
  const bool started = start();
  lock.lock();
  if (started) return true;
  --threads_;
  --starting_;
  left_.notify_all();
  no_thread_until_ = real_now() + kNoThreadPause;
  return false;
}

// ---- the thread that watches ----

void NameTable::watch(const StartThread& start) {
  Lock lock(mutex_);
  while (!closed_) {
    if (wants_thread()) {
      start_thread(lock, start);
      continue;
    }
    const std::optional<RealTime> deadline = next_deadline();
    if (!deadline)
      watch_.wait(lock);
    else if (real_now() < *deadline)
      watch_.wait_until(lock, *deadline);
    else
      give_up(*deadline);
  }
}

std::optional<RealTime> NameTable::next_deadline() noexcept {
  if (waiting_.empty()) return {};  // and so does no name
  RealTime next = waiting_.front()->overdue_;
  if (queue_.waiting() > 0) next = std::min(next, name_at(queue_.oldest()).given_up);
  if (queue_.has_next() && idle_ + starting_ == 0 && threads_ < options_.max_threads)
    next = std::min(next, no_thread_until_);
  return next;
}

/// What was due at `now`.
void NameTable::give_up(RealTime now) noexcept {
  if (queue_.waiting() > 0) {
    Name& name = name_at(queue_.oldest());
    if (name.given_up <= now) {
      settle_all(name, Question::Answer::Busy);
      return drop_if_unwanted(name);
    }
  }
  Question& oldest = *waiting_.front();
  if (oldest.overdue_ > now) return;
  Name& name = *oldest.name_;
  std::erase(name.questions, &oldest);
  settle(oldest, Question::Answer::TimedOut);
  drop_if_unwanted(name);
}

void NameTable::close() {
  Lock lock(mutex_);
  closed_ = true;
  while (!waiting_.empty()) settle_all(*waiting_.front()->name_, Question::Answer::Failed);
  work_.notify_all();
  watch_.notify_all();
  left_.wait(lock, [this] { return threads_ == busy_; });
}

LookUpFigures NameTable::figures() const {
  const Lock lock(mutex_);
  return {busy_, queue_.waiting()};
}

}  // namespace freshet
