// The origin pool over memory: the test plays the client, the resolver, the network and the origin.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "freshet/async/wakeup.hpp"
#include "freshet/http/target.hpp"
#include "freshet/upstream/dialler.hpp"
#include "support/fake_clock.hpp"
#include "support/memory_transport.hpp"
#include "support/run_loop.hpp"

namespace freshet::test {

using boost::asio::ip::make_address;
using boost::asio::ip::tcp;

inline std::string block_of(FieldsView fields) {
  std::string out;
  for (const Field field : fields) out += std::string(field.name) + ": " + std::string(field.value) + "\n";
  return out;
}

class NoteInterim final : public Interim {
 public:
  Task<void> send(ResponseHead head) override {
    heads.push_back(std::to_string(head.status) + "\n" + block_of(head.fields));
    co_return;
  }
  bool is_client_gone() noexcept override { return gone; }
  std::vector<std::string> heads;
  bool gone = false;
};

class TableResolver final : public Resolver {
 public:
  Task<Result<std::vector<boost::asio::ip::address>>> resolve(std::string_view host, std::string_view) override {
    asked.emplace_back(host);
    const auto failure = failures.find(std::string(host));
    if (failure != failures.end()) co_return failure->second;
    const auto it = names.find(std::string(host));
    if (it == names.end()) co_return std::vector{make_address("192.0.2.1")};
    std::vector<boost::asio::ip::address> list;
    for (const std::string& address : it->second) list.push_back(make_address(address));
    co_return list;
  }
  std::map<std::string, std::vector<std::string>> names;
  std::map<std::string, Failure> failures;
  std::vector<std::string> asked;
};

/// Connects to memory. What the test does not forbid succeeds.
class MemoryDialler final : public Dialler {
 public:
  MemoryDialler(Worker& worker, FakeClock& clock) : worker_(worker), clock_(clock) {}
  Task<Result<std::unique_ptr<Transport>>> dial(tcp::endpoint endpoint, Milliseconds within) override {
    dialled.push_back(endpoint.address().to_string() + " " + std::to_string(endpoint.port()));
    patience.push_back(within);
    if (slow) {
      slow->started = true;
      co_await slow->go.wait();
    }
    const auto it = failures.find(endpoint.address().to_string());
    if (it != failures.end()) {
      if (it->second.reason == Reason::ConnectTimeout) clock_.advance(within);
      co_return it->second;
    }
    MemoryPair pair = make_memory_pair(worker_.loop().get_executor());
    if (prepare) prepare(*pair.here);
    origins.push_back(std::move(pair.there));
    co_return std::unique_ptr<Transport>(std::move(pair.here));
  }
  struct Slow {
    Wakeup go;
    bool started = false;
  };
  std::map<std::string, Failure> failures;  // by address
  std::vector<std::string> dialled;
  std::vector<Milliseconds> patience;
  std::vector<std::unique_ptr<MemoryTransport>> origins;
  void (*prepare)(MemoryTransport&) = nullptr;
  std::unique_ptr<Slow> slow;

 private:
  Worker& worker_;
  FakeClock& clock_;
};

/// A client's body that arrives when the test says so.
class TestBody final : public BodySource {
 public:
  struct State {
    std::deque<std::optional<Piece>> pieces;  // empty: a failure
    Failure failure{Reason::ClientClosed, Side::Client, 400};
    Fields trailers;
    Wakeup wakeup;
    int reads = 0;
    bool reading = false, cancelled = false, destroyed = false;

    void push(std::string text, bool last = false) {
      kept.push_back(std::move(text));
      pieces.emplace_back(Piece(as_bytes(std::string_view(kept.back())), nullptr, last));
      wakeup.wake();
    }
    void fail() {
      pieces.emplace_back(std::nullopt);
      wakeup.wake();
    }
    std::deque<std::string> kept;
  };
  explicit TestBody(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~TestBody() override {
    if (state_->reading) std::abort();  // never while a read() is under way
    state_->destroyed = true;
  }
  Task<Result<Piece>> read() override {
    State& state = *state_;
    ++state.reads;
    {
      const Reading reading(state);
      while (state.pieces.empty() && !state.cancelled) co_await state.wakeup.wait();
    }
    if (state.cancelled) co_return Failure(Reason::ClientClosed, Side::Self, 500);
    const std::optional<Piece> piece = state.pieces.front();
    state.pieces.pop_front();
    if (!piece) co_return state.failure;
    co_return *piece;
  }
  const Fields* trailers() const noexcept override { return state_->trailers.empty() ? nullptr : &state_->trailers; }
  void cancel() noexcept override {
    state_->cancelled = true;
    state_->wakeup.wake();
  }

 private:
  class Reading {
   public:
    explicit Reading(State& state) : state_(state) { state_.reading = true; }
    ~Reading() { state_.reading = false; }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

   private:
    State& state_;
  };
  std::shared_ptr<State> state_;
};

/// One request and what becomes of it.
struct Call {
  Arena arena;
  Peer peer;
  NoteInterim interim;
  Request request{arena, peer, interim};
  std::shared_ptr<TestBody::State> body;
  std::optional<Started<Reply>> started;
  std::optional<Reply> reply;

  /// True when serve() has returned; the reply is in `reply` then.
  bool done() {
    if (!reply && started->done()) reply.emplace(started->get());
    return reply.has_value();
  }
};

struct Read {
  std::string text;
  std::optional<Failure> failure;
  std::string trailers;
  bool last = false;
};

inline Task<Read> read_all(BodySource& source) {
  Read read;
  for (;;) {
    Result<Piece> piece = co_await source.read();
    if (!piece) {
      read.failure = piece.error();
      co_return read;
    }
    read.text += as_text(piece->bytes);
    if (piece->last) break;
  }
  read.last = true;
  if (source.trailers()) read.trailers = block_of(*source.trailers());
  co_return read;
}

inline Task<Read> read_once(BodySource& source) {
  Read read;
  Result<Piece> piece = co_await source.read();
  if (!piece) {
    read.failure = piece.error();
  } else {
    read.text = std::string(as_text(piece->bytes));
    read.last = piece->last;
  }
  co_return read;
}

class Rig {
 public:
  static OriginPoolOptions one_server() { return servers(1); }
  static OriginPoolOptions servers(int count) {
    OriginPoolOptions options;
    OriginUpstream upstream;
    upstream.name = "app";
    for (int i = 1; i <= count; ++i) upstream.servers.push_back({"10.0.0." + std::to_string(i), 80});
    options.upstreams.push_back(upstream);
    return options;
  }

  explicit Rig(OriginPoolOptions options = one_server()) : counters(1, options.upstreams.size()) {
    for (int i = 1; i <= 9; ++i) {
      const std::string address = "10.0.0." + std::to_string(i);
      resolver.names[address] = {address};
    }
    auto made = std::make_unique<MemoryDialler>(worker, clock);
    dialler = made.get();
    pool = make_origin_pool(std::move(options), worker, resolver, counters, "freshet", std::move(made),
                            {make_address("198.51.100.7")});
  }
  /// Whatever still waits is destroyed first, as at the end of a worker.
  ~Rig() {
    run();
    worker.discard();
  }

  void run() { run_ready(worker.loop()); }
  /// Lets time pass, in steps that no deadline is lost in.
  void pass(Milliseconds time) {
    clock.advance(time);
    worker.deadlines().advance(clock.now().steady + worker.deadlines().tick());
    run();
  }

  std::unique_ptr<Call> make(Method method, std::string_view name, std::string_view target = "/") {
    auto call = std::make_unique<Call>();
    call->request.head.method = method;
    call->request.head.method_name = name;
    call->request.head.scheme = "http";
    call->request.head.authority = "example.com";
    call->request.head.target = target;
    call->request.destination.upstream = 0;
    return call;
  }
  std::unique_ptr<Call> get(std::string_view target = "/") { return make(Method::Get, "GET", target); }
  std::unique_ptr<Call> forward(std::string_view authority) {
    auto call = get();
    call->request.head.authority = authority;
    call->request.destination.upstream = Destination::kForward;
    return call;
  }
  std::unique_ptr<Call> with_body(Method method, std::string_view name, std::optional<std::uint64_t> length) {
    auto call = make(method, name);
    call->body = std::make_shared<TestBody::State>();
    call->request.body = std::make_unique<TestBody>(call->body);
    call->request.body_length = length;
    return call;
  }
  std::unique_ptr<Call> connect(std::string_view authority) {
    auto call = with_body(Method::Connect, "CONNECT", {});
    call->request.head.authority = authority;
    call->request.head.target = authority;
    call->request.destination.upstream = Destination::kForward;
    return call;
  }
  /// Starts it and runs all that can run.
  void start(Call& call) {
    call.started.emplace(test::start(worker.loop(), pool->serve(call.request)));
    run();
  }
  /// Asks, and lets origin number `origin` answer `answer`.
  void exchange(Call& call, std::size_t origin, std::string_view answer) {
    start(call);
    this->origin(origin).pull();
    this->origin(origin).push(answer);
    run();
  }
  /// A connection that has been used once and is idle: origin number 0.
  void warm_up() {
    auto call = get("/warm");
    exchange(*call, origins(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    if (!call->done() || pool->idle() == 0) throw std::logic_error("the connection was not kept");
  }
  MemoryTransport& origin(std::size_t i) { return *dialler->origins.at(i); }
  /// Our side of the connection is closed; what it had sent before is thrown away.
  bool closed(std::size_t i) {
    origin(i).pull();
    return origin(i).ended() || origin(i).was_reset();
  }
  std::size_t origins() const { return dialler->origins.size(); }
  /// The whole body of a reply, read now.
  Read body_of(Call& call) {
    if (!call.reply->body.source) {
      Read read;
      read.text = std::string(as_text(call.reply->body.whole.bytes));
      read.last = true;
      return read;
    }
    return test::run(worker.loop(), read_all(*call.reply->body.source));
  }
  UpstreamCounters& counted() { return counters.upstream[0]; }

  FakeClock clock;
  Worker worker{0, clock};
  TableResolver resolver;
  WorkerCounters counters;
  MemoryDialler* dialler = nullptr;
  std::unique_ptr<OriginPool> pool;
};

}  // namespace freshet::test
