#include "freshet/auth/authentication.hpp"

#include <catch2/catch.hpp>

#include "freshet/async/wakeup.hpp"
#include "support/alloc_counter.hpp"
#include "support/fake_clock.hpp"
#include "support/run_loop.hpp"
#include "support/user_file.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

/// Notes how long answers are held back, and moves the clock.
class NotedPause final : public Pause {
 public:
  explicit NotedPause(FakeClock& clock) : clock_(clock) {}
  Task<void> wait(Milliseconds time) override {
    waited.push_back(time.count());
    clock_.advance(time);
    co_return;
  }
  std::vector<std::int64_t> waited;

 private:
  FakeClock& clock_;
};

/// One realm "office" with alice's password by Basic and by Digest.
struct Rig {
  explicit Rig(AuthLimits limits = {}) : authentication(clock, limits) {
    RealmOptions options;
    options.realm = "office";
    options.users = users.path();
    options.digest_users = digests.path();
    realm = authentication.add_realm(options, problems);
    head.method = Method::Get;
    head.method_name = "GET";
    head.scheme = "http";
    head.authority = "a.example";
    head.target = "/x";
  }

  AuthAnswer look(std::string_view credentials, std::string_view from = "192.0.2.7") {
    const AuthQuestion question(credentials, head, from, arena);
    return authentication.look(realm, question);
  }
  AuthAnswer check(std::string_view credentials, std::string_view from = "192.0.2.7") {
    const AuthQuestion question(credentials, head, from, arena);
    return run_waiting(loop, authentication.check(realm, question, &pause));
  }
  /// As the proxy does it.
  AuthResult ask(std::string_view credentials, std::string_view from = "192.0.2.7") {
    const AuthAnswer seen = look(credentials, from);
    return seen.result != AuthResult::Undecided ? seen.result : check(credentials, from).result;
  }
  /// With a nonce.
  DigestClient digest_client(std::string password = "secret") {
    DigestClient client("alice", "office", std::move(password));
    client.take(authentication.challenges(realm, false, arena)[0]);
    return client;
  }

  FakeClock clock;
  UserFile users{password_line("alice", "open sesame") + password_line("bob", "b")};
  UserFile digests{digest_line("alice", "office", "secret")};
  std::vector<std::string> problems;
  Authentication authentication;
  std::uint16_t realm = 0;
  NotedPause pause{clock};
  Arena arena;
  RequestHead head;
  boost::asio::io_context loop{1};
};

const std::string kRight = basic("alice", "open sesame"), kWrong = basic("alice", "wrong");

}  // namespace

TEST_CASE("a right password is checked once, and known for five minutes", "[auth][7617]") {
  Rig rig;
  REQUIRE(rig.problems.empty());
  CHECK(rig.look(kRight).result == AuthResult::Undecided);
  const AuthAnswer answer = rig.check(kRight);
  CHECK(answer.result == AuthResult::Ok);
  CHECK(answer.user == "alice");
  CHECK(rig.look(kRight).result == AuthResult::Ok);
  CHECK(rig.look(kRight).user == "alice");
  CHECK(rig.look(basic("alice", "open sesam")).result == AuthResult::Undecided);
  CHECK(rig.look(basic("bob", "open sesame")).result == AuthResult::Undecided);
  rig.clock.advance(std::chrono::minutes(5));
  CHECK(rig.look(kRight).result == AuthResult::Undecided);
}

TEST_CASE("what is not right is bad, whatever is wrong with it", "[auth][9110-11.7.2]") {
  Rig rig;
  CHECK(rig.ask("") == AuthResult::Missing);
  for (const std::string& credentials :
       {kWrong, basic("nobody", "open sesame"), std::string("Basic"), std::string("Basic !"), std::string("Bearer abc"),
        std::string("Digest a=b"), basic("alice", "")}) {
    INFO(credentials);
    CHECK(rig.ask(credentials) == AuthResult::Bad);
  }
}

TEST_CASE("knowing a password again takes nothing from the heap", "[auth][allocation]") {
  Rig rig;
  REQUIRE(rig.ask(kRight) == AuthResult::Ok);
  DigestClient client = rig.digest_client();
  REQUIRE(rig.ask(client.answer("GET", "/x")) == AuthResult::Ok);
  std::vector<std::string> answers;
  for (int i = 0; i < 100; ++i) answers.push_back(i % 2 ? kRight : client.answer("GET", "http://a.example/x"));
  rig.arena.reset();
  AllocCounter counter;
  std::size_t good = 0;
  for (const std::string& answer : answers) {
    good += rig.look(answer).result == AuthResult::Ok;
    rig.arena.reset();
  }
  CHECK(counter.count() == 0);
  CHECK(good == 100);
}

TEST_CASE("Digest is judged at once, and each answer is good once", "[auth][7616]") {
  Rig rig;
  DigestClient client = rig.digest_client();
  const std::string first = client.answer("GET", "/x");
  const AuthAnswer answer = rig.look(first);
  CHECK(answer.result == AuthResult::Ok);
  CHECK(answer.user == "alice");
  CHECK(rig.ask(first) == AuthResult::Replayed);
  CHECK(rig.ask(client.answer("GET", "http://a.example/x")) == AuthResult::Ok);
  CHECK(rig.ask(client.answer("HEAD", "/x")) == AuthResult::Bad);
  CHECK(rig.ask(client.answer("GET", "/y")) == AuthResult::Bad);
  rig.clock.advance(std::chrono::minutes(6));
  CHECK(rig.ask(client.answer("GET", "/x")) == AuthResult::Stale);
  CHECK(rig.ask(rig.digest_client("wrong").answer("GET", "/x")) == AuthResult::Bad);
}

TEST_CASE("a nonce of another process is stale for who knows the password, and nothing for others",
          "[auth][7616-3.4]") {
  Rig rig, before;
  CHECK(rig.ask(before.digest_client().answer("GET", "/x")) == AuthResult::Stale);
  CHECK(rig.ask(before.digest_client("wrong").answer("GET", "/x")) == AuthResult::Bad);
}

TEST_CASE("challenges name the strongest scheme first", "[auth][9110-11.7.1]") {
  Rig rig;
  const auto made = rig.authentication.challenges(rig.realm, false, rig.arena);
  CHECK(std::string(made[0]).starts_with("Digest realm=\"office\", qop=\"auth\", algorithm=SHA-256, nonce=\""));
  CHECK(made[0].find("stale") == std::string_view::npos);
  CHECK(made[1] == "Basic realm=\"office\", charset=\"UTF-8\"");
  CHECK(made[2].empty());
  CHECK(rig.authentication.challenges(rig.realm, true, rig.arena)[0].ends_with(", stale=true"));
}

TEST_CASE("guessing becomes slow, then impossible for a while", "[auth]") {
  Rig rig;
  for (int i = 0; i < 5; ++i) CHECK(rig.ask(kWrong) == AuthResult::Bad);
  CHECK(rig.pause.waited.empty());
  for (int i = 0; i < 15; ++i) CHECK(rig.check(kWrong).delayed);
  CHECK(rig.pause.waited == std::vector<std::int64_t>{1000, 2000, 4000, 8000, 10000, 10000, 10000, 10000, 10000, 10000,
                                                      10000, 10000, 10000, 10000, 10000});
  const AuthAnswer refused = rig.check(kRight);
  CHECK(refused.result == AuthResult::TooManyAttempts);
  CHECK(refused.retry_after == Seconds(300));
  CHECK(rig.ask(basic("bob", "b")) == AuthResult::TooManyAttempts);
  CHECK(rig.ask(kRight, "192.0.2.8") == AuthResult::Ok);
  rig.clock.advance(std::chrono::seconds(301));
  CHECK(rig.ask(kRight) == AuthResult::Ok);
}

TEST_CASE("a right password from an address that has guessed is good after its delay", "[auth]") {
  Rig rig;
  for (int i = 0; i < 6; ++i) rig.ask(basic("nobody" + std::to_string(i), "x"));
  const AuthAnswer answer = rig.check(kRight);
  CHECK(answer.result == AuthResult::Ok);
  CHECK(answer.delayed);
  CHECK(rig.pause.waited == std::vector<std::int64_t>{1000, 2000});
  // From then on it is known, and waits no more: others behind the same address do not suffer from one who guesses.
  CHECK(rig.look(kRight).result == AuthResult::Ok);
}

TEST_CASE("an address that is refused cannot go on guessing what is known", "[auth]") {
  // Each wrong guess is compared with what is remembered before it is refused: that must end too.
  for (const bool digest : {false, true}) {
    Rig rig;
    REQUIRE(rig.ask(kRight) == AuthResult::Ok);
    for (int i = 0; i < 20; ++i) rig.ask(basic("nobody", std::to_string(i)));
    const auto say = [&](const std::string& password) {
      return digest ? rig.digest_client(password == "right" ? "secret" : password).answer("GET", "/x")
                    : basic("alice", password == "right" ? "open sesame" : password);
    };
    CHECK(rig.look(say("right")).result == AuthResult::Ok);
    for (int i = 0; i < 5; ++i) CHECK(rig.ask(say("wrong")) == AuthResult::TooManyAttempts);
    CHECK(rig.ask(say("right")) == AuthResult::TooManyAttempts);
    CHECK(rig.ask(say("right"), "192.0.2.8") == AuthResult::Ok);
  }
}

TEST_CASE("only so many answers are held back at once", "[auth]") {
  AuthLimits limits;
  limits.most_delayed = 0;
  Rig rig(limits);
  for (int i = 0; i < 5; ++i) rig.ask(kWrong);
  CHECK(rig.ask(kWrong) == AuthResult::TooManyAttempts);
  CHECK(rig.pause.waited.empty());
}

TEST_CASE("when no check can be queued the answer is busy, and nobody is blamed", "[auth]") {
  AuthLimits limits;
  limits.most_queued = 0;
  Rig rig(limits);
  for (int i = 0; i < 10; ++i) CHECK(rig.ask(kWrong) == AuthResult::Busy);
  CHECK(rig.pause.waited.empty());
}

TEST_CASE("a file that changes is read again, and what was known is forgotten", "[auth]") {
  Rig rig;
  REQUIRE(rig.ask(kRight) == AuthResult::Ok);
  CHECK(rig.authentication.read_again().empty());
  rig.users.write(password_line("alice", "another one"));
  const auto said = rig.authentication.read_again();
  REQUIRE(said.size() == 1);
  CHECK(said[0].text == "the users of realm 'office' were read again");
  CHECK(rig.ask(kRight) == AuthResult::Bad);
  CHECK(rig.ask(basic("alice", "another one")) == AuthResult::Ok);

  rig.users.write("alice:plain\n");
  const auto complaint = rig.authentication.read_again();
  REQUIRE(complaint.size() == 1);
  CHECK(complaint[0].wrong);
  CHECK_FALSE(said[0].wrong);
  CHECK(complaint[0].text.starts_with(rig.users.path() + ":1: user 'alice' has a plain password"));
  CHECK(complaint[0].text.ends_with(" (the users read before stay)"));
  CHECK(rig.authentication.read_again().empty());  // said once
  CHECK(rig.ask(basic("alice", "another one")) == AuthResult::Ok);
}

TEST_CASE("a realm whose files cannot be used says so", "[auth]") {
  FakeClock clock;
  Authentication authentication(clock);
  std::vector<std::string> problems;
  RealmOptions options;
  options.users = "/nonexistent/users";
  options.digest_users = "/nonexistent/digests";
  authentication.add_realm(options, problems);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0] == "/nonexistent/users: cannot be opened (No such file or directory), expected a readable file");
}
