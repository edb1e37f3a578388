// Clients of a forward listener prove who they are.
#include <catch2/catch.hpp>
#include <new>

#include "support/alloc_counter.hpp"
#include "support/pipeline.hpp"
#include "support/run_loop.hpp"
#include "support/user_file.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

class NotedPause final : public Pause {
 public:
  Task<void> wait(Milliseconds time) override {
    waited.push_back(time.count());
    co_return;
  }
  std::vector<std::int64_t> waited;
};

/// Listener 1 asks for credentials, listener 2 only where something else does.
ProxyOptions options_with(Authentication& authentication, const RealmOptions& realm) {
  ProxyOptions options = Pipeline::default_options();
  std::vector<std::string> problems;
  options.authentication = &authentication;
  options.listeners[1].realm = authentication.add_realm(realm, problems);
  REQUIRE(problems.empty());
  options.listeners.push_back(options.listeners[1]);
  options.listeners[2].credentials_required = false;
  return options;
}

struct Rig {
  Rig() : authentication(clock), pipeline(options_with(authentication, realm_options()), {}, &pause) {}

  RealmOptions realm_options() const {
    RealmOptions options;
    options.realm = "office";
    options.users = users.path();
    options.digest_users = digests.path();
    return options;
  }
  Got ask(Ask ask, const std::string& credentials = {}, std::uint16_t listener = 1) {
    ask.listener = listener;
    if (!credentials.empty()) ask.fields.emplace_back("Proxy-Authorization", credentials);
    const auto got = pipeline.start(ask);
    REQUIRE(poll_until(pipeline.loop, [&] { return got->done; }));
    return *got;
  }
  std::uint64_t counted(AuthResult result) const {
    return pipeline.counters.proxy_auth[static_cast<std::size_t>(result)].get();
  }

  FakeClock clock;
  NotedPause pause;
  UserFile users{password_line("alice", "open sesame")};
  UserFile digests{digest_line("alice", "office", "secret")};
  Authentication authentication;
  Pipeline pipeline;
};

const std::string kRight = basic("alice", "open sesame"), kWrong = basic("alice", "wrong");

Ask connect_to(const std::string& authority) {
  Ask ask("CONNECT", "http://" + authority + "/");
  ask.absolute_form = false;
  return ask;
}

}  // namespace

TEST_CASE("who says nothing gets 407 with all challenges, for GET and for CONNECT",
          "[scenario][auth][9110-11.7.1][9110-15.5.8]") {
  Rig rig;
  for (const Ask& ask : {Ask("http://a.example/x"), connect_to("a.example:443")}) {
    INFO(ask.method);
    const Got got = rig.ask(ask);
    CHECK(got.status == 407);
    CHECK(got.count("Proxy-Authenticate") == 2);
    CHECK(got.field("Proxy-Authenticate").find("Digest realm=\"office\"") == 0);
    CHECK(got.field("Proxy-Authenticate").find("Basic realm=\"office\"") != std::string::npos);
    CHECK(got.field("Cache-Control") == "no-store");
    CHECK(got.outcome.reason == Reason::AuthenticationRequired);
    CHECK(got.close == (ask.method == "CONNECT"));  // RFC 9931
    CHECK(got.user.empty());
  }
  CHECK(rig.pipeline.origin.seen.empty());
  CHECK(rig.counted(AuthResult::Missing) == 2);
}

TEST_CASE("who knows the password is served, and the origin learns nothing of it", "[scenario][auth][9110-11.7.2]") {
  Rig rig;
  const Got got = rig.ask(Ask("http://a.example/x"), kRight);
  CHECK(got.status == 200);
  CHECK(got.user == "alice");
  CHECK(rig.ask(connect_to("a.example:443"), kRight).user == "alice");
  REQUIRE(rig.pipeline.origin.seen.size() == 2);
  for (const Seen& seen : rig.pipeline.origin.seen) CHECK(seen.field("Proxy-Authorization").empty());
  CHECK(rig.counted(AuthResult::Ok) == 2);
}

TEST_CASE("proxy credentials do not keep a response from being shared", "[scenario][auth][9111-3.5]") {
  Rig rig;
  CHECK(rig.ask(Ask("http://a.example/x"), kRight).outcome.stored);
  const Got again = rig.ask(Ask("http://a.example/x"), kRight);
  CHECK(again.at_once);
  CHECK(again.outcome.cache == CacheResult::Hit);
  CHECK(again.user == "alice");
  CHECK(rig.ask(Ask("http://a.example/x")).status == 407);  // stored or not
  CHECK(rig.pipeline.origin.seen.size() == 1);
}

TEST_CASE("a wrong password is refused with the reason, and then slower and slower", "[scenario][auth]") {
  Rig rig;
  for (int i = 0; i < 5; ++i) {
    const Got got = rig.ask(Ask("http://a.example/x"), kWrong);
    CHECK(got.status == 407);
    CHECK(got.outcome.reason == Reason::BadCredentials);
    CHECK(got.count("Proxy-Authenticate") == 2);
  }
  CHECK(rig.pause.waited.empty());
  for (int i = 0; i < 15; ++i) rig.ask(Ask("http://a.example/x"), kWrong);
  CHECK(rig.pause.waited.size() == 15);
  const Got refused = rig.ask(connect_to("a.example:443"), kWrong);
  CHECK(refused.status == 429);
  CHECK(refused.close);
  CHECK_FALSE(refused.took_place);
  CHECK(refused.outcome.reason == Reason::TooManyAttempts);
  CHECK(refused.field("Retry-After") == "300");
  CHECK(refused.count("Proxy-Authenticate") == 0);
  CHECK(rig.counted(AuthResult::Bad) == 20);
  CHECK(rig.counted(AuthResult::TooManyAttempts) == 1);
  CHECK(rig.pipeline.counters.proxy_auth_delays.get() == 15);
  CHECK(rig.pipeline.origin.seen.empty());
}

TEST_CASE("Digest credentials are good for one request each", "[scenario][auth][7616]") {
  Rig rig;
  DigestClient client("alice", "office", "secret");
  client.take(rig.ask(Ask("http://a.example/x")).field("Proxy-Authenticate"));
  const std::string first = client.answer("GET", "/x");
  CHECK(rig.ask(Ask("http://a.example/x"), first).status == 200);
  const Got replayed = rig.ask(Ask("http://a.example/x"), first);
  CHECK(replayed.status == 407);
  CHECK(replayed.outcome.reason == Reason::ReplayedCredentials);
  CHECK(replayed.field("Proxy-Authenticate").find("stale=true") != std::string::npos);
  CHECK(rig.counted(AuthResult::Replayed) == 1);
  // On the hit path a look that finds nothing stored must not use up the answer.
  const Got hit = rig.ask(Ask("http://a.example/x"), client.answer("GET", "http://a.example/x"));
  CHECK(hit.at_once);
  CHECK(hit.user == "alice");
  CHECK(rig.ask(Ask("http://a.example/y"), client.answer("GET", "/y")).status == 200);
  CHECK(rig.ask(connect_to("a.example:443"), client.answer("CONNECT", "a.example:443")).user == "alice");

  rig.clock.advance(std::chrono::minutes(6));
  const Got stale = rig.ask(Ask("http://a.example/x"), client.answer("GET", "/x"));
  CHECK(stale.status == 407);
  CHECK(stale.outcome.reason == Reason::AuthenticationRequired);
  CHECK(stale.field("Proxy-Authenticate").find("stale=true") != std::string::npos);
  client.take(stale.field("Proxy-Authenticate"));
  CHECK(rig.ask(Ask("http://a.example/x"), client.answer("GET", "/x")).status == 200);
}

TEST_CASE("where credentials are not required nobody needs them, but wrong ones are refused", "[scenario][auth]") {
  Rig rig;
  const Got nobody = rig.ask(Ask("http://a.example/x"), {}, 2);
  CHECK(nobody.status == 200);
  CHECK(nobody.user.empty());
  CHECK(rig.ask(Ask("http://a.example/x"), kRight, 2).user == "alice");
  CHECK(rig.ask(Ask("http://a.example/x"), kWrong, 2).status == 407);
}

TEST_CASE("other listeners ask nobody, and what is no proxy request is told so", "[scenario][auth]") {
  Rig rig;
  CHECK(rig.ask(Ask("http://a.example/x"), kWrong, 0).status == 200);
  CHECK(rig.ask(Ask("http://a.example/x"), kWrong, 0).user.empty());
  Ask direct("http://a.example/x");
  direct.absolute_form = false;
  CHECK(rig.ask(direct).status == 400);
  CHECK(rig.pipeline.origin.seen.size() == 1);
}

TEST_CASE("memory that runs out while credentials are judged costs that request alone", "[scenario][auth][shortage]") {
  if (!AllocCounter::counts()) return;
  for (const char* password : {"secret", "guess"}) {
    std::size_t n = 1;
    for (bool happened = true; happened; ++n) {
      CAPTURE(password, n);
      REQUIRE(n < 1000);
      Rig rig;
      // Longer than a block of the request's arena.
      const std::string url = "http://a.example/" + std::string(5000, 'x');
      DigestClient client("alice", "office", password);
      client.take(rig.ask(Ask("http://a.example/x")).field("Proxy-Authenticate"));
      Ask ask(url, {{"Proxy-Authorization", client.answer("GET", url)}});
      ask.listener = 1;
      {
        AllocFailure failure(n);
        try {
          rig.pipeline.start(ask);
          rig.pipeline.poll();
        } catch (const std::bad_alloc&) {  // it reached the loop, which a worker survives
        }
        happened = failure.happened();
      }
      CHECK(rig.ask(Ask("http://a.example/y"), kRight).status == 200);
    }
    CHECK(n > 3);
  }
}
