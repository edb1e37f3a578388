#include "freshet/net/resolver.hpp"

#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "support/alloc_counter.hpp"
#include "support/fake_clock.hpp"
#include "support/run_loop.hpp"

namespace freshet::test {
namespace {

namespace ip = boost::asio::ip;
using Addresses = std::vector<ip::address>;
using Answer = Result<Addresses>;

Addresses addresses(std::initializer_list<const char*> texts) {
  Addresses list;
  for (const char* text : texts) list.push_back(ip::make_address(text));
  return list;
}

/// A name server that answers when the test lets it. Threads of a resolver that ended may still be in here: the destructor lets them
/// go and waits for them, so that a test that fails does not hang.
class NameServer {
 public:
  ~NameServer() {
    std::unique_lock lock(mutex_);
    held_.clear();
    changed_.notify_all();
    changed_.wait(lock, [&] { return inside_ == 0; });
  }
  LookUp look_up() {
    return [this](const std::string& host) { return answer(host); };
  }
  /// Look-ups of `host` hang until release().
  void hold(const std::string& host) {
    change([&] { held_[host] = true; });
  }
  void release(const std::string& host) {
    change([&] { held_[host] = false; });
  }
  void set(const std::string& host, Addresses list) {
    change([&] { answers_[host] = std::move(list); });
  }
  int asked(const std::string& host) {
    const std::lock_guard lock(mutex_);
    return asked_[host];
  }
  int finished() {
    const std::lock_guard lock(mutex_);
    return finished_;
  }

 private:
  template <class F>
  void change(F change_it) {
    const std::lock_guard lock(mutex_);
    change_it();
    changed_.notify_all();
  }
  Addresses answer(const std::string& host) {
    std::unique_lock lock(mutex_);
    ++asked_[host];
    ++inside_;
    changed_.wait(lock, [&] { return !held_[host]; });
    ++finished_;
    --inside_;
    changed_.notify_all();
    if (host == "throws.test") throw std::runtime_error("no");
    return answers_[host];
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, bool> held_;
  std::map<std::string, Addresses> answers_;
  std::map<std::string, int> asked_;
  int finished_ = 0;
  int inside_ = 0;
};

ResolverOptions options(Milliseconds timeout = std::chrono::minutes(5)) {
  ResolverOptions o;
  o.timeout = timeout;
  o.queue_timeout = std::chrono::minutes(5);
  o.threads = o.max_threads = 2;
  return o;
}

struct Fixture {
  NameServer names;
  FakeClock clock;
  boost::asio::io_context loop{1};
  std::unique_ptr<Resolver> resolver;

  explicit Fixture(ResolverOptions o = options()) : resolver(make_resolver(o, clock, names.look_up())) {
    names.set("a.test", addresses({"192.0.2.1", "2001:db8::1"}));
    names.set("b.test", addresses({"192.0.2.2"}));
  }
  Answer ask(std::string_view host, std::string_view client = {}) {
    return run_waiting(loop, resolver->resolve(host, client));
  }
  Started<Answer> begin(std::string_view host, std::string_view client = {}) {
    auto started = start(loop, resolver->resolve(host, client));
    loop.restart();
    loop.poll();
    return started;
  }
  bool wait_for(const Started<Answer>& started) {
    return poll_until(loop, [&] { return started.done(); });
  }
};

TEST_CASE("memory that runs out while a name is asked for leaves nothing behind", "[net][resolver]") {
  Fixture f(options(Milliseconds(300)));
  f.names.hold("a.test");
  std::vector<Started<Answer>> kept;
  kept.reserve(100);
  kept.push_back(f.begin("a.test"));
  REQUIRE(poll_until(f.loop, [&] { return f.names.asked("a.test") == 1; }));
  for (std::size_t n = 1; n < 30; ++n) {
    try {
      AllocFailure failure(n);
      kept.push_back(f.begin("a.test"));
    } catch (const std::bad_alloc&) {
    }
  }
  for (auto& each : kept) CHECK(f.wait_for(each));
  f.names.release("a.test");
}

TEST_CASE("a name is resolved once and then known for a while", "[net][resolver]") {
  Fixture f;
  CHECK(f.ask("a.test").value() == addresses({"192.0.2.1", "2001:db8::1"}));
  CHECK(f.ask("A.Test").value() == addresses({"192.0.2.1", "2001:db8::1"}));
  CHECK(f.names.asked("a.test") == 1);
  f.names.set("a.test", addresses({"192.0.2.9"}));
  f.clock.advance(std::chrono::seconds(30) - Milliseconds(1));
  CHECK(f.ask("a.test").value().front() == ip::make_address("192.0.2.1"));
  f.clock.advance(Milliseconds(1));
  CHECK(f.ask("a.test").value() == addresses({"192.0.2.9"}));
  CHECK(f.names.asked("a.test") == 2);
  f.clock.set_wall(FakeClock::start_wall() - std::chrono::hours(100));
  CHECK(f.ask("a.test").value() == addresses({"192.0.2.9"}));
  CHECK(f.names.asked("a.test") == 2);
}

TEST_CASE("a failure is remembered for a shorter while", "[net][resolver]") {
  Fixture f;
  const std::string host = GENERATE("nowhere.test", "throws.test");
  for (int i = 0; i < 3; ++i) {
    const Answer answer = f.ask(host);
    REQUIRE(answer.has_error());
    CHECK(answer.error().reason == Reason::DnsFailed);
    CHECK(answer.error().side == Side::Origin);
    CHECK(answer.error().status == 502);
  }
  CHECK(f.names.asked(host) == 1);
  f.clock.advance(std::chrono::seconds(2));
  CHECK(f.ask(host).has_error());
  CHECK(f.names.asked(host) == 2);
}

TEST_CASE("a name that failed can succeed later, and the other way round", "[net][resolver]") {
  Fixture f;
  CHECK(f.ask("new.test").has_error());
  f.names.set("new.test", addresses({"192.0.2.3"}));
  f.clock.advance(std::chrono::seconds(2));
  CHECK(f.ask("new.test").value() == addresses({"192.0.2.3"}));
  f.names.set("new.test", {});
  f.clock.advance(std::chrono::seconds(30));
  CHECK(f.ask("new.test").has_error());
}

TEST_CASE("address literals come back as they are, without a look-up", "[net][resolver]") {
  Fixture f;
  for (const auto& [text, address] : std::vector<std::pair<const char*, const char*>>{{"192.0.2.7", "192.0.2.7"},
                                                                                      {"::1", "::1"},
                                                                                      {"[::1]", "::1"},
                                                                                      {"[2001:DB8::A]", "2001:db8::a"},
                                                                                      {"[fe80::1%1]", "fe80::1%1"}}) {
    CAPTURE(text);
    auto started = f.begin(text);
    REQUIRE(started.done());
    CHECK(started.get().value() == addresses({address}));
    CHECK(f.names.asked(text) == 0);
  }
}

TEST_CASE("what cannot be a name fails without a look-up", "[net][resolver]") {
  Fixture f;
  for (const std::string& text :
       {std::string(), std::string("a b"), std::string("a\0b", 3), std::string("a\n"), std::string("caf\xc3\xa9.test"),
        std::string("[::1"), std::string("[192.0.2.1]"), std::string("[]"), std::string("[a.test]"),
        std::string(255, 'a'), std::string("\x7f")}) {
    CAPTURE(text);
    auto started = f.begin(text);
    REQUIRE(started.done());
    CHECK(started.get().error().reason == Reason::DnsFailed);
    CHECK(f.names.asked(text) == 0);
  }
  CHECK(f.ask(std::string(254, 'a')).has_error());
  CHECK(f.names.asked(std::string(254, 'a')) == 1);
}

TEST_CASE("many who ask for one name share one look-up", "[net][resolver]") {
  Fixture f;
  f.names.hold("a.test");
  std::vector<Started<Answer>> asking;
  for (int i = 0; i < 100; ++i) asking.push_back(f.begin(i % 2 == 0 ? "a.test" : "A.TEST"));
  CHECK_FALSE(asking.front().done());
  f.names.release("a.test");
  for (auto& each : asking) {
    REQUIRE(f.wait_for(each));
    CHECK(each.get().value().size() == 2);
  }
  CHECK(f.names.asked("a.test") == 1);
}

TEST_CASE("a look-up that hangs does not keep other names from being resolved", "[net][resolver]") {
  Fixture f;
  f.names.hold("a.test");
  auto stuck = f.begin("a.test");
  CHECK(f.ask("b.test").has_value());
  CHECK_FALSE(stuck.done());
  f.names.release("a.test");
  REQUIRE(f.wait_for(stuck));
  CHECK(stuck.get().has_value());
}

TEST_CASE("while all look-ups hang, known names and addresses are answered at once", "[net][resolver]") {
  Fixture f;
  CHECK(f.ask("a.test").has_value());
  CHECK(f.ask("nowhere.test").has_error());
  f.names.hold("b.test");
  f.names.hold("c.test");
  auto b = f.begin("b.test"), c = f.begin("c.test");
  REQUIRE(poll_until(f.loop, [&] { return f.names.asked("b.test") + f.names.asked("c.test") == 2; }));  // both threads
  auto known = f.begin("a.test"), literal = f.begin("192.0.2.9"), bad = f.begin("nowhere.test");
  for (auto* each : {&known, &literal, &bad}) REQUIRE(each->done());
  CHECK(known.get().has_value());
  CHECK(literal.get().has_value());
  CHECK(bad.get().error().reason == Reason::DnsFailed);
  auto other = f.begin("1.test");
  CHECK_FALSE(other.done());
  f.names.release("b.test");
  REQUIRE(f.wait_for(other));
  f.names.release("c.test");
  REQUIRE(f.wait_for(c));
  REQUIRE(f.wait_for(b));
}

TEST_CASE("who waits too long is told so, and a late answer serves the next", "[net][resolver]") {
  Fixture f(options(Milliseconds(1)));
  f.names.hold("a.test");
  const Answer answer = f.ask("a.test");
  REQUIRE(answer.has_error());
  CHECK(answer.error().reason == Reason::DnsTimeout);
  CHECK(answer.error().side == Side::Origin);
  CHECK(answer.error().status == 504);
  CHECK(f.ask("a.test").error().reason == Reason::DnsTimeout);
  f.names.release("a.test");
  Answer late = f.ask("a.test");
  while (late.has_error()) late = f.ask("a.test");
  CHECK(late.value().size() == 2);
  CHECK(f.names.asked("a.test") == 1);
}

TEST_CASE("names that nobody waits for any more are not looked up", "[net][resolver]") {
  Fixture f(options(Milliseconds(1)));
  f.names.hold("a.test");
  f.names.hold("b.test");
  // A thread that wakes up late finds nobody waiting, and does not ask: then once more.
  for (const char* host : {"a.test", "b.test"})
    while (f.names.asked(host) == 0) CHECK(f.ask(host).error().reason == Reason::DnsTimeout);
  CHECK(f.ask("queued.test").error().reason == Reason::DnsTimeout);  // both threads are stuck
  f.names.release("a.test");
  f.names.release("b.test");
  Answer late = f.ask("a.test");
  while (late.has_error()) late = f.ask("a.test");
  late = f.ask("b.test");
  while (late.has_error()) late = f.ask("b.test");
  CHECK(f.names.asked("queued.test") == 0);
}

TEST_CASE("the number of kept names is bounded, and the one used longest ago goes", "[net][resolver]") {
  ResolverOptions few = options();
  few.max_names = 3;
  Fixture f(few);
  for (const char* host : {"1.test", "2.test", "3.test"}) {
    f.names.set(host, addresses({"192.0.2.1"}));
    CHECK(f.ask(host).has_value());
  }
  CHECK(f.ask("1.test").has_value());  // now 2.test is the oldest
  CHECK(f.ask("a.test").has_value());
  CHECK(f.ask("1.test").has_value());
  CHECK(f.ask("3.test").has_value());
  CHECK(f.names.asked("1.test") == 1);
  CHECK(f.names.asked("3.test") == 1);
  CHECK(f.ask("2.test").has_value());
  CHECK(f.names.asked("2.test") == 2);
}

TEST_CASE("when all kept names are being looked up, another one is refused at once", "[net][resolver]") {
  ResolverOptions few = options();
  few.max_names = 2;
  Fixture f(few);
  f.names.hold("a.test");
  f.names.hold("b.test");
  auto a = f.begin("a.test");
  auto b = f.begin("b.test");
  auto c = f.begin("c.test");
  REQUIRE(c.done());
  CHECK(c.get().error().reason == Reason::DnsBusy);
  f.names.release("a.test");
  f.names.release("b.test");
  REQUIRE(f.wait_for(a));
  REQUIRE(f.wait_for(b));
  CHECK(a.get().has_value());
  CHECK(b.get().has_value());
}

TEST_CASE("the queue of look-ups is bounded", "[net][resolver]") {
  ResolverOptions few = options();
  few.max_queued = 2;
  few.threads = few.max_threads = 1;
  Fixture f(few);
  f.names.hold("a.test");
  auto a = f.begin("a.test");
  REQUIRE(poll_until(f.loop, [&] { return f.names.asked("a.test") == 1; }));
  auto queued1 = f.begin("b.test");
  auto queued2 = f.begin("1.test");
  auto refused = f.begin("2.test");
  REQUIRE(refused.done());
  const Failure failure = refused.get().error();
  CHECK(failure.reason == Reason::DnsBusy);
  CHECK(failure.side == Side::Self);
  CHECK(failure.status == 503);
  auto again = f.begin("b.test");  // joins one that is queued
  f.names.release("a.test");
  REQUIRE(f.wait_for(again));
  CHECK(again.get().has_value());
  REQUIRE(f.wait_for(queued2));
  CHECK(f.ask("2.test").has_error());
  CHECK(f.names.asked("2.test") == 1);
}

/// Eight threads at most, two of which stay: a client has two, all that are not counted have six.
ResolverOptions growing() {
  ResolverOptions o = options();
  o.max_threads = 8;
  return o;
}

/// Of this process, by name.
int resolver_threads() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(entry.path() / "comm") >> std::ws, name);
    count += name == "freshet-dns";
  }
  return count;
}

TEST_CASE("names that hang do not keep other names from being resolved, as long as there are threads", "[net][resolver]") {
  Fixture f(growing());
  std::vector<Started<Answer>> stuck;
  for (int i = 0; i < 6; ++i) {
    f.names.hold(std::to_string(i) + ".hangs");
    stuck.push_back(f.begin(std::to_string(i) + ".hangs"));
    REQUIRE(poll_until(f.loop, [&] { return f.names.asked(std::to_string(i) + ".hangs") == 1; }));
    CHECK(f.ask(std::to_string(i) + ".test", "192.0.2.1").has_error());
  }
  CHECK(f.resolver->figures().running == 6);
  auto seventh = f.begin("7.test");  // not counted, like those that hang: they leave something to others
  CHECK_FALSE(seventh.done());
  CHECK(f.resolver->figures().waiting == 1);
  CHECK(f.ask("b.test", "192.0.2.1").has_value());
  CHECK(f.names.asked("7.test") == 0);
  for (int i = 0; i < 6; ++i) f.names.release(std::to_string(i) + ".hangs");
  for (auto& each : stuck) REQUIRE(f.wait_for(each));
  REQUIRE(f.wait_for(seventh));
}

TEST_CASE("one client's names that hang leave the others their threads", "[net][resolver]") {
  Fixture f(growing());
  std::vector<Started<Answer>> stuck;
  for (const char* host : {"1.hangs", "2.hangs", "3.hangs"}) f.names.hold(host);
  for (const char* host : {"1.hangs", "2.hangs"}) {
    stuck.push_back(f.begin(host, "192.0.2.1"));
    REQUIRE(poll_until(f.loop, [&] { return f.names.asked(host) == 1; }));
  }
  stuck.push_back(f.begin("3.hangs", "192.0.2.1"));
  auto wanted = f.begin("b.test", "::ffff:192.0.2.1");
  CHECK(f.resolver->figures().waiting == 2);
  CHECK(f.ask("a.test", "192.0.2.2").has_value());
  CHECK(f.names.asked("3.hangs") == 0);
  CHECK_FALSE(wanted.done());
  CHECK(f.ask("b.test", "192.0.2.2").has_value());  // not behind those of the client who asked for it first
  REQUIRE(f.wait_for(wanted));
  CHECK(wanted.get().has_value());
  CHECK(f.names.asked("b.test") == 1);
  for (const char* host : {"1.hangs", "2.hangs", "3.hangs"}) f.names.release(host);
  for (auto& each : stuck) REQUIRE(f.wait_for(each));
}

TEST_CASE("a name that finds no thread in time is refused, and a place in the queue is free", "[net][resolver]") {
  ResolverOptions few = growing();
  few.queue_timeout = Milliseconds(1);
  few.max_queued = 4;  // one for a client
  Fixture f(few);
  std::vector<Started<Answer>> stuck;
  for (const char* host : {"1.hangs", "2.hangs"}) {
    f.names.hold(host);
    while (f.names.asked(host) == 0) {  // on a busy machine it may take longer to find a thread
      stuck.push_back(f.begin(host, "192.0.2.1"));
      poll_until(f.loop, [&] { return f.names.asked(host) == 1 || stuck.back().done(); });
    }
  }
  for (int i = 0; i < 3; ++i) {
    const Answer answer = f.ask(std::to_string(i) + ".test", "192.0.2.1");
    REQUIRE(answer.has_error());
    CHECK(answer.error().reason == Reason::DnsBusy);
  }
  CHECK(f.names.asked("0.test") + f.names.asked("1.test") + f.names.asked("2.test") == 0);
  CHECK(f.resolver->figures().waiting == 0);
  for (const char* host : {"1.hangs", "2.hangs"}) f.names.release(host);
  for (auto& each : stuck) REQUIRE(f.wait_for(each));
}

TEST_CASE("who asks for a name that has hung for too long is told at once", "[net][resolver]") {
  Fixture f(options(Milliseconds(1)));
  f.names.hold("a.test");
  while (f.names.asked("a.test") == 0) CHECK(f.ask("a.test").error().reason == Reason::DnsTimeout);
  // From its beginning on the real clock: at some time nobody waits any more.
  bool at_once = false;
  while (!at_once) {
    auto again = f.begin("a.test");
    at_once = again.done();
    REQUIRE(f.wait_for(again));
    CHECK(again.get().error().reason == Reason::DnsTimeout);
  }
  CHECK(f.names.asked("a.test") == 1);
  f.names.release("a.test");
}

TEST_CASE("a failure is remembered for as long as its look-up took, within bounds", "[net][resolver]") {
  const auto [took, kept] = GENERATE(table<int, int>({{0, 2}, {1, 2}, {10, 10}, {1000, 30}}));
  Fixture f;
  f.names.hold("nowhere.test");
  auto asking = f.begin("nowhere.test");
  REQUIRE(poll_until(f.loop, [&] { return f.names.asked("nowhere.test") == 1; }));
  f.clock.advance(std::chrono::seconds(took));
  f.names.release("nowhere.test");
  REQUIRE(f.wait_for(asking));
  CHECK(asking.get().error().reason == Reason::DnsFailed);
  f.clock.advance(std::chrono::seconds(kept) - Milliseconds(1));
  CHECK(f.ask("nowhere.test").has_error());
  CHECK(f.names.asked("nowhere.test") == 1);
  f.clock.advance(Milliseconds(1));
  CHECK(f.ask("nowhere.test").has_error());
  CHECK(f.names.asked("nowhere.test") == 2);
}

TEST_CASE("threads that have nothing to do end, but for those that stay", "[net][resolver]") {
  ResolverOptions brief = growing();
  brief.idle = Milliseconds(1);
  Fixture f(brief);
  std::vector<Started<Answer>> asking;
  for (int i = 0; i < 6; ++i) {
    f.names.hold(std::to_string(i) + ".hangs");
    asking.push_back(f.begin(std::to_string(i) + ".hangs"));
  }
  REQUIRE(poll_until(f.loop, [&] { return f.resolver->figures().running == 6; }));
  CHECK(poll_until(f.loop, [] { return resolver_threads() == 6; }));  // the last test's may be seen a moment longer
  for (int i = 0; i < 6; ++i) f.names.release(std::to_string(i) + ".hangs");
  for (auto& each : asking) REQUIRE(f.wait_for(each));
  CHECK(poll_until(f.loop, [] { return resolver_threads() == 2; }));
  CHECK(f.ask("b.test").has_value());
}

TEST_CASE("a coroutine that is destroyed while it waits leaves nothing behind", "[net][resolver]") {
  NameServer names;
  names.hold("a.test");
  names.hold("other.test");  // its answer must not be on its way to the loop while that is destroyed
  FakeClock clock;
  const auto resolver = make_resolver(options(), clock, names.look_up());
  {
    boost::asio::io_context loop{1};
    auto cancelled = start(loop, resolver->resolve("other.test", {}));
    loop.poll();
  }
  names.release("other.test");
  boost::asio::io_context loop{1};
  names.set("a.test", addresses({"192.0.2.1"}));
  auto asking = start(loop, resolver->resolve("a.test", {}));
  loop.poll();
  names.release("a.test");
  REQUIRE(poll_until(loop, [&] { return asking.done(); }));
  CHECK(asking.get().has_value());
}

TEST_CASE("destroying the resolver fails those who wait and does not wait for a look-up that hangs",
          "[net][resolver]") {
  Fixture f;
  f.names.hold("a.test");
  auto waiting = f.begin("a.test");
  REQUIRE(poll_until(f.loop, [&] { return f.names.asked("a.test") == 1; }));
  f.resolver.reset();
  REQUIRE(f.wait_for(waiting));
  CHECK(waiting.get().error().reason == Reason::DnsFailed);
  f.names.release("a.test");  // the detached thread still uses the name server
  REQUIRE(poll_until(f.loop, [&] { return f.names.finished() == 1; }));
}

Task<int> ask_many(Resolver& resolver, int rounds) {
  int good = 0;
  for (int round = 0; round < rounds; ++round) {
    const std::string host = std::to_string(round % 50) + ".test";
    const auto answer = co_await resolver.resolve(host, {});
    if (answer.has_value()) ++good;
  }
  co_return good;
}

TEST_CASE("workers may ask all at once", "[net][resolver][threads]") {
  ResolverOptions few = options();
  few.max_names = 20;  // names come and go all the time
  NameServer names;
  for (int i = 0; i < 50; ++i) names.set(std::to_string(i) + ".test", addresses({"192.0.2.1"}));
  const SystemClock clock;
  const auto resolver = make_resolver(few, clock, names.look_up());
  std::vector<std::thread> workers;
  std::vector<int> good(4);
  for (std::size_t w = 0; w < good.size(); ++w)
    workers.emplace_back([&, w] {
      boost::asio::io_context loop{1};
      good[w] = run_waiting(loop, ask_many(*resolver, 500));
    });
  for (auto& worker : workers) worker.join();
  for (const int each : good) CHECK(each == 500);
}

TEST_CASE("families alternate, beginning with the one that came first", "[net][resolver][rfc8305 4]") {
  struct Row {
    Addresses sorted, expected;
  };
  for (const auto& row : std::vector<Row>{
           {{}, {}},
           {addresses({"192.0.2.1"}), addresses({"192.0.2.1"})},
           {addresses({"::1", "::2", "192.0.2.1"}), addresses({"::1", "192.0.2.1", "::2"})},
           {addresses({"192.0.2.1", "192.0.2.2", "::1", "::2"}), addresses({"192.0.2.1", "::1", "192.0.2.2", "::2"})},
           {addresses({"::1", "::2", "::3", "192.0.2.1", "192.0.2.2"}),
            addresses({"::1", "192.0.2.1", "::2", "192.0.2.2", "::3"})},
           {addresses({"192.0.2.1", "::1", "::2", "::3"}), addresses({"192.0.2.1", "::1", "::2", "::3"})},
           {addresses({"::1", "::1", "192.0.2.1", "::1", "192.0.2.1"}), addresses({"::1", "192.0.2.1"})},
       })
    CHECK(interleave_families(row.sorted) == row.expected);
}

TEST_CASE("the system knows localhost", "[net][resolver][rfc6761]") {
  const SystemClock clock;
  boost::asio::io_context loop{1};
  const auto resolver = make_system_resolver(ResolverOptions(), clock);
  const Answer local = run_waiting(loop, resolver->resolve("localhost", {}));
  REQUIRE(local.has_value());
  for (const auto& address : local.value()) CHECK(address.is_loopback());
}

}  // namespace
}  // namespace freshet::test
