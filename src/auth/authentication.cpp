#include "freshet/auth/authentication.hpp"

#include <atomic>
#include <new>
#include <utility>

#include "attempts.hpp"
#include "check_pool.hpp"
#include "crypt.hpp"
#include "freshet/auth/basic.hpp"
#include "freshet/auth/digest.hpp"
#include "freshet/base/ascii.hpp"
#include "freshet/base/check.hpp"
#include "freshet/http/credentials.hpp"
#include "nonces.hpp"
#include "realm.hpp"
#include "remembered.hpp"

namespace freshet {
namespace {

/// Credentials that were understood: of one scheme or the other.
struct Claim {
  std::optional<BasicCredentials> basic;
  std::optional<DigestCredentials> digest;
  bool understood() const noexcept { return basic || digest; }
  std::string_view user() const noexcept { return basic ? basic->user : digest->username; }
};

Claim understand(std::string_view value, Arena& arena) {
  Claim claim;
  const auto said = parse_credentials(value);
  if (!said) return claim;
  if (ascii::iequals(said->scheme, "Basic"))
    claim.basic = decode_basic(said->token68, arena);
  else if (ascii::iequals(said->scheme, "Digest"))
    claim.digest = parse_digest(said->parameters, arena);
  return claim;
}

/// Counts itself among those who are held back, as long as it lives.
class HeldBack {
 public:
  explicit HeldBack(std::atomic<std::size_t>& count) noexcept : count_(count), before_(count.fetch_add(1)) {}
  ~HeldBack() { count_.fetch_sub(1); }
  HeldBack(const HeldBack&) = delete;
  HeldBack& operator=(const HeldBack&) = delete;
  std::size_t before() const noexcept { return before_; }

 private:
  std::atomic<std::size_t>& count_;
  const std::size_t before_;
};

std::string_view bytes_of(const std::uint64_t& number) noexcept {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

AuthAnswer accepted(std::string_view user) {
  AuthAnswer answer(AuthResult::Ok);
  answer.user = user;
  return answer;
}

}  // namespace

/// What all realms share: the tables have room for all of them.
class Authentication::Inside {
 public:
  Inside(const Clock& clock, AuthLimits limits)
      : clock_(clock), limits_(limits), nonces_(clock.now().steady), pool_(limits.threads, limits.most_queued) {}

  AuthAnswer look(std::uint16_t number, const AuthQuestion& question);
  Task<AuthAnswer> check(std::uint16_t number, const AuthQuestion& question, Pause* pause);
  /// The password of `user`, on a thread of its own.
  Task<AuthResult> check_password(std::uint16_t number, const BasicCredentials& said, Attempts::Subject subject);
  AuthResult password_result(std::uint16_t number, const std::string& user, const std::string& password,
                             Attempts::Subject subject);
  AuthResult judge_digest(const Realm& realm, const DigestCredentials& said, const AuthQuestion& question, bool& wrong);
  HashBytes fingerprint(std::uint16_t number, std::uint64_t generation, std::string_view user,
                        std::string_view password) const noexcept;
  Patience patience(const Realm& realm, const Attempts::Subject& subject, Seconds& forgotten_in) noexcept;
  AuthAnswer turn_away(const Attempts::Subject& subject, Seconds forgotten_in) noexcept;

  const Clock& clock_;
  const AuthLimits limits_;
  const SecretKey key_;
  std::vector<std::unique_ptr<Realm>> realms_;
  Attempts attempts_;
  Remembered remembered_;
  Nonces nonces_;
  std::atomic<std::size_t> held_back_{0};
  CheckPool pool_;  // last: its threads use all the others
};

HashBytes Authentication::Inside::fingerprint(std::uint16_t number, std::uint64_t generation, std::string_view user,
                                              std::string_view password) const noexcept {
  const std::uint64_t realm = number;
  return key_.sign({bytes_of(realm), bytes_of(generation), user, password});
}

Patience Authentication::Inside::patience(const Realm& realm, const Attempts::Subject& subject,
                                          Seconds& forgotten_in) noexcept {
  const Attempts::Failures failures = attempts_.failures(subject, clock_.now().steady);
  forgotten_in = failures.forgotten_in;
  return decide_patience(std::max(failures.address, failures.pair), realm.options().tarpit_after);
}

AuthAnswer Authentication::Inside::look(std::uint16_t number, const AuthQuestion& question) {
  if (question.credentials.empty()) return AuthAnswer(AuthResult::Missing);
  const Realm& realm = *realms_[number];
  const Claim claim = understand(question.credentials, question.arena);
  if (!claim.understood()) return {};
  const SteadyTime now = clock_.now().steady;
  // Who has guessed this user's password too often does not learn here whether the next guess is right.
  if (!attempts_.none()) {
    const auto failures = attempts_.failures(attempts_.subject(question.client, claim.user()), now);
    if (failures.pair >= realm.options().tarpit_after) return {};
  }
  if (claim.digest) {
    bool wrong = false;
    return judge_digest(realm, *claim.digest, question, wrong) == AuthResult::Ok ? accepted(claim.user())
                                                                                 : AuthAnswer();
  }
  const auto users = realm.users();
  if (!users->passwords) return {};
  const HashBytes key = fingerprint(number, users->generation, claim.user(), claim.basic->password);
  return remembered_.contains(key, now) ? accepted(claim.user()) : AuthAnswer();
}

/// Counted for the pair although it was not judged: look() has compared it with what it knows.
AuthAnswer Authentication::Inside::turn_away(const Attempts::Subject& subject, Seconds forgotten_in) noexcept {
  attempts_.note_refused(subject, clock_.now().steady);
  AuthAnswer answer(AuthResult::TooManyAttempts);
  answer.retry_after = std::max(forgotten_in, Seconds(1));
  return answer;
}

Task<AuthAnswer> Authentication::Inside::check(std::uint16_t number, const AuthQuestion& question, Pause* pause) {
  const Realm& realm = *realms_[number];
  const Claim claim = understand(question.credentials, question.arena);
  if (!claim.understood()) co_return AuthAnswer(AuthResult::Bad);
  const Attempts::Subject subject = attempts_.subject(question.client, claim.user());
  Seconds forgotten_in{0};
  Patience patient = patience(realm, subject, forgotten_in);
  bool delayed = false;
  if (!patient.refuse && patient.delay.count() > 0 && pause) {
    const HeldBack place(held_back_);
    if (place.before() >= limits_.most_delayed) co_return turn_away(subject, Seconds(1));
    delayed = true;
    co_await pause->wait(patient.delay);
    patient = patience(realm, subject, forgotten_in);  // others may have guessed meanwhile
  }
  if (patient.refuse) co_return turn_away(subject, forgotten_in);
  AuthAnswer answer;
  if (claim.basic) {
    answer.result = co_await check_password(number, *claim.basic, subject);
  } else {
    bool wrong = false;
    answer.result = judge_digest(realm, *claim.digest, question, wrong);
    if (wrong) attempts_.note_wrong(subject, clock_.now().steady);
    if (answer.result == AuthResult::Ok) attempts_.note_right(subject);
  }
  if (answer.result == AuthResult::Ok) answer.user = claim.user();
  if (answer.result == AuthResult::TooManyAttempts) answer.retry_after = Attempts::kMemory;
  answer.delayed = delayed;
  co_return answer;
}

Task<AuthResult> Authentication::Inside::check_password(std::uint16_t number, const BasicCredentials& said,
                                                        Attempts::Subject subject) {
  if (!realms_[number]->users()->passwords) co_return AuthResult::Bad;
  CheckPool::Ticket ticket(pool_);
  // Copies: the thread may still be busy with them when the request has gone.
  CheckPool::Check check = [this, number, user = std::string(said.user), password = std::string(said.password),
                            subject] { return password_result(number, user, password, subject); };
  if (!pool_.submit(ticket, std::move(check))) co_return AuthResult::Busy;
  AuthResult result = pool_.result(ticket);
  while (result == AuthResult::Undecided) {
    co_await ticket.wait();
    result = pool_.result(ticket);
  }
  co_return result;
}

/// Runs on a thread of the pool. Once more it asks what may have changed while it was queued.
AuthResult Authentication::Inside::password_result(std::uint16_t number, const std::string& user,
                                                   const std::string& password, Attempts::Subject subject) {
  const Realm& realm = *realms_[number];
  Seconds forgotten_in{0};
  if (patience(realm, subject, forgotten_in).refuse) return turn_away(subject, forgotten_in).result;
  const auto users = realm.users();
  const HashBytes key = fingerprint(number, users->generation, user, password);
  bool right = remembered_.contains(key, clock_.now().steady);
  if (!right) {
    const std::string* hash = users->passwords->find(user);
    // Who does not exist takes as long as who does.
    const std::string& compared = hash ? *hash : users->passwords->somebody(fingerprint(number, 0, user, {})[0]);
    right = crypt_matches(compared, password) && hash != nullptr;
  }
  const SteadyTime now = clock_.now().steady;
  if (!right) {
    attempts_.note_wrong(subject, now);
    return AuthResult::Bad;
  }
  attempts_.note_right(subject);
  if (realm.options().remember.count() > 0) remembered_.add(key, now + realm.options().remember);
  return AuthResult::Ok;
}

/// `wrong`: it was a guess, or might have been one.
AuthResult Authentication::Inside::judge_digest(const Realm& realm, const DigestCredentials& said,
                                                const AuthQuestion& question, bool& wrong) {
  const auto users = realm.users();
  if (!users->digests || said.realm != realm.options().realm || !users->digests->offers(said.algorithm))
    return AuthResult::Bad;
  std::string_view ha1 = users->digests->find(said.username, said.algorithm);
  const bool known = !ha1.empty();
  const HexHash nobody = hash_joined(said.algorithm, {said.username, said.realm});
  if (!known) ha1 = nobody.text();
  const HexHash right = digest_response(said, ha1, question.head.method_name);
  wrong = !same_bytes(right.text(), said.response) || !known;
  if (wrong || !names_target(said.uri, question.head, question.arena)) return AuthResult::Bad;
  switch (nonces_.use(said.nonce, said.nonce_count, clock_.now().steady)) {
    case Nonces::Use::First:
      return AuthResult::Ok;
    case Nonces::Use::Replayed:
      return AuthResult::Replayed;
    case Nonces::Use::Stale:
      break;
  }
  return AuthResult::Stale;
}

Authentication::Authentication(const Clock& clock, AuthLimits limits)
    : inside_(std::make_unique<Inside>(clock, limits)) {}
Authentication::~Authentication() = default;

std::uint16_t Authentication::add_realm(const RealmOptions& options, std::vector<std::string>& problems) {
  inside_->realms_.push_back(std::make_unique<Realm>(options, problems));
  inside_->attempts_.make_table();
  inside_->nonces_.make_table();
  return static_cast<std::uint16_t>(inside_->realms_.size() - 1);
}

AuthAnswer Authentication::look(std::uint16_t realm, const AuthQuestion& question) noexcept {
  try {
    return inside_->look(realm, question);
  } catch (const std::bad_alloc&) {  // credentials longer than the room that is left in the request's arena
    return {};
  }
}

Task<AuthAnswer> Authentication::check(std::uint16_t realm, const AuthQuestion& question, Pause* pause) {
  return inside_->check(realm, question, pause);
}

std::array<std::string_view, Authentication::kMostChallenges> Authentication::challenges(std::uint16_t number,
                                                                                         bool stale, Arena& arena) {
  const Realm& realm = *inside_->realms_[number];
  const auto users = realm.users();
  std::array<std::string_view, kMostChallenges> made;
  std::size_t count = 0;
  std::string name;
  append_quoted(name, realm.options().realm);
  for (const DigestAlgorithm algorithm : {DigestAlgorithm::Sha256, DigestAlgorithm::Md5}) {
    if (!users->digests || !users->digests->offers(algorithm)) continue;
    const std::string_view nonce = inside_->nonces_.make(inside_->clock_.now().steady, arena);
    made[count++] = arena.join({"Digest realm=", name, ", qop=\"auth\", algorithm=", freshet::name(algorithm),
                                ", nonce=\"", nonce, "\", charset=UTF-8", stale ? ", stale=true" : ""});
  }
  if (users->passwords) made[count++] = arena.join({"Basic realm=", name, ", charset=\"UTF-8\""});
  return made;
}

std::vector<AuthNotice> Authentication::read_again() {
  std::vector<AuthNotice> said;
  for (const auto& realm : inside_->realms_) realm->read_again(said);
  return said;
}

void Authentication::close() noexcept { inside_->pool_.close(); }

}  // namespace freshet
