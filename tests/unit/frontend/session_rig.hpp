// One session over a memory transport, with a stub service, a fake clock, and no port.
#pragma once

#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "freshet/async/wakeup.hpp"
#include "freshet/exchange/service.hpp"
#include "freshet/frontend/listener.hpp"
#include "freshet/metrics/access_log.hpp"
#include "freshet/metrics/counters.hpp"
#include "freshet/net/worker.hpp"
#include "support/fake_clock.hpp"
#include "support/memory_transport.hpp"
#include "support/run_loop.hpp"

namespace freshet::test {

inline constexpr std::string_view kDate = "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n";

/// Does what the test says.
class StubService final : public Service {
 public:
  std::function<std::optional<Reply>(Request&)> now;
  std::function<Task<Reply>(Request&)> later;
  std::vector<std::string> seen;      ///< "METHOD authority target" of every request
  std::vector<std::string> expected;  ///< every target that was announced

  void expect(std::string_view target) noexcept override;

  std::optional<Reply> try_now(Request&) noexcept override;
  Task<Reply> serve(Request&) override;
};

/// A lazily finished reply, for StubService::later.
Task<Reply> reply_later(Reply reply);

/// "Content-Type: text/plain" and `body`, pinned.
Reply text_reply(int status, std::string_view body);
Reply empty_reply(int status);

/// Plays steps: pieces of text, waits for go(), a failure, an end.
class ScriptedSource final : public BodySource {
 public:
  struct Step {  // its members are defined elsewhere: g++ 12 warns without cause when it sees all of them
    enum class Kind { Data, Last, Wait, Fail } kind;
    std::string data;
    Step(Kind k, std::string_view text);
    Step(const Step&);
    Step& operator=(const Step&);
    ~Step();
  };
  struct Script {
    std::deque<Step> steps;
    Wakeup gate;
    std::size_t reads = 0;
    bool destroyed = false;
    bool cancelled = false;
    Fields trailers;
    void go() { gate.wake(); }
  };
  explicit ScriptedSource(std::shared_ptr<Script> script) : script_(std::move(script)) {}
  ~ScriptedSource() override { script_->destroyed = true; }
  Task<Result<Piece>> read() override;
  const Fields* trailers() const noexcept override { return script_->trailers.empty() ? nullptr : &script_->trailers; }
  void cancel() noexcept override;

 private:
  std::shared_ptr<Script> script_;
  Step current_{Step::Kind::Data, {}};
};

ScriptedSource::Step data(const std::string& text);
ScriptedSource::Step last(std::string_view text = {});
ScriptedSource::Step wait();
ScriptedSource::Step fail();
std::shared_ptr<ScriptedSource::Script> script(std::vector<ScriptedSource::Step> steps);
Reply streamed_reply(std::shared_ptr<ScriptedSource::Script> script, std::optional<std::uint64_t> length = {});

/// What a pump has read from a request body.
struct Upload {
  std::string data;
  bool ended = false;
  std::optional<Failure> failure;
  std::string trailers;                ///< "name: value\n" each
  std::unique_ptr<BodySource> source;  ///< kept until the test lets go
};
/// Reads `source` to its end or failure. `keep`: leaves the source in `upload` afterwards.
Task<void> pump(std::unique_ptr<BodySource> source, std::shared_ptr<Upload> upload, bool keep);
/// Reads the request's body to its end, then answers with it (or with the failure's status).
Task<Reply> echo(Request& request);

/// What the access log was given.
struct LogLine {
  std::string method, target, reason, user_agent, client, version, cache_result, user;
  int status;
  std::uint64_t request_bytes, response_bytes;
  std::chrono::nanoseconds duration;
};

class RecordingLog final : public AccessLog {
 public:
  void write(const AccessRecord& record) noexcept override;
  void reopen() noexcept override {}
  std::uint64_t dropped() const noexcept override { return 0; }
  std::vector<LogLine> lines;
};

class Rig {
 public:
  FakeClock clock;
  SessionOptions options;
  SessionLimits limits;
  WorkerCounters counters{1, 0};
  RecordingLog log;
  StubService service;
  Worker worker{0, clock};  // the sessions go with it, before what they refer to
  std::unique_ptr<MemoryTransport> client;

  Rig();
  ~Rig();
  /// Connects a client and starts its session. `prepare` sees the session's end first.
  void open(const std::function<void(MemoryTransport&)>& prepare = {});
  /// Runs until nothing can happen any more without the client or time.
  void run() { run_ready(worker.loop()); }
  /// Sends, runs, and takes what came back.
  std::string send(std::string_view text);
  std::string receive();
  void pass(Milliseconds time);
  bool session_over() const { return session_->done(); }
  /// The session's coroutine has ended without an exception, and the client sees the end of the connection.
  bool closed_cleanly() const { return session_->done() && client->ended(); }
  ListenerCounters& listener() { return counters.listener[0]; }
  std::uint64_t requests(Method method, int status) {
    return listener().requests[static_cast<std::size_t>(method)][code_class(status)].get();
  }

 private:
  std::optional<Started<void>> session_;
};

/// A 200 with `body` as text_reply() makes it, in bytes. `connection`: "", "close" or "keep-alive".
std::string ok(std::string_view body, std::string_view connection = {});

}  // namespace freshet::test
