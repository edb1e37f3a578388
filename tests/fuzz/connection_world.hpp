// Everything between a client's bytes and an origin's, without a port: real sessions, the real caching proxy and the
// real origin pool over memory, with clients and origins that do what they are told, and a clock that stands still
// until it is moved.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/frontend/listener.hpp"
#include "freshet/proxy/caching_proxy.hpp"
#include "strict_http1.hpp"
#include "support/fake_clock.hpp"
#include "support/memory_transport.hpp"
#include "support/run_loop.hpp"
#include "unit/upstream/origin_rig.hpp"

namespace freshet::fuzz {

/// How a new connection behaves: where its reads and writes are cut.
enum class Manner : std::uint8_t { Plain, ByteByByte, Hesitant, SmallAndHesitant };

/// What the access log was told of one request.
struct LoggedRequest {
  std::string client, method, target, version;
  int status = 0;
};

class RememberingLog final : public AccessLog {
 public:
  void write(const AccessRecord& r) noexcept override {
    lines.push_back(
        {std::string(r.client), std::string(r.method), std::string(r.target), std::string(r.version), r.status});
  }
  void reopen() noexcept override {}
  std::uint64_t dropped() const noexcept override { return 0; }
  std::vector<LoggedRequest> lines;
};

/// Stands between the cache and the pool, and writes on every request which connection made the cache ask, and a
/// number. What an origin sees without them was smuggled.
class StampingService final : public Service {
 public:
  struct Stamp {
    std::string method, target;
    unsigned client = 0;
  };
  explicit StampingService(Service& pool) : pool_(pool) {}
  Task<Reply> serve(Request&) override;
  /// What was asked under the number in "<client>-<number>"; null: never given out.
  const Stamp* find(std::string_view stamp) const;

 private:
  Service& pool_;
  std::vector<Stamp> given_;
};

/// A connection from a client. Its number is in its address: 192.0.2.<number>.
struct ClientEnd {
  std::unique_ptr<test::MemoryTransport> link;
  std::optional<test::Started<void>> session;
  std::string sent, received;
  bool reads = true;
  bool left = false;  ///< closed or reset by the client itself
};

/// The other end of a connection that the pool has dialled.
struct OriginEnd {
  std::string received;  ///< not yet read as requests
  bool free = false;     ///< a tunnel may be in it: bytes, not HTTP
  bool waits = false;    ///< a request is complete, and nothing has been answered
  bool asks_upgrade = false, authorised = false;
  bool secret = false;  ///< the last answer is for its client alone
  unsigned client = 0;
  unsigned number = 0;  ///< of the last request
  bool gone = false;    ///< closed by the origin
};

class World {
 public:
  static constexpr std::size_t kMostClients = 24;

  World();
  /// Everything ends: clients stop sending, time passes. Then nothing may be left, and what was written is judged.
  ~World();

  /// Sends as client `slot`; on a new connection when it has none (nothing, beyond kMostClients). Every '$' becomes
  /// "{c<NN>}", the number of the connection.
  void client_sends(unsigned slot, std::string_view text);
  void client_does(unsigned slot, std::string_view what);
  /// Answers the oldest request that waits; kept for the next one when none does. Every '$' becomes "{P<NN>.<NNN>}" (S
  /// when others may have it): for which client, and which request it answers.
  void origin_answers(std::string_view text);
  /// Sends without being asked.
  void origin_sends(std::size_t which, std::string_view text);
  void origin_closes(std::size_t which, bool reset);
  /// Until told otherwise, the next connections fail, or are made, in this way.
  void dial_fails(std::optional<Failure> how);
  void set_manner(Manner);
  void pass(Milliseconds time);
  void purges(std::string_view urls);
  /// Somebody else needs all the memory for a moment: what can be evicted is.
  void evicts();

 private:
  ClientEnd* client(unsigned slot);
  void settle();
  bool play_origins();
  bool take_requests(OriginEnd&);
  void accept_request(OriginEnd&, const StrictMessage&);
  void push_answer(std::size_t which, std::string_view text);
  void judge_client(unsigned number) const;
  void judge_requests(unsigned number) const;
  void judge_markers(unsigned number) const;
  void end_everything();
  void judge_what_is_left();

  test::FakeClock clock_;
  Store store_;
  std::uint64_t held_at_start_;
  WorkerCounters counters_;
  Worker worker_{0, clock_};
  test::TableResolver resolver_;
  test::MemoryDialler* dialler_;
  std::unique_ptr<OriginPool> pool_;
  std::optional<StampingService> stamping_;
  ProxyOptions proxy_options_;
  std::unique_ptr<Service> proxy_;
  SessionOptions reverse_, forward_;
  SessionLimits limits_;
  RememberingLog log_;
  Manner manner_ = Manner::Plain;
  std::vector<ClientEnd> clients_;
  std::vector<std::size_t> slots_;  // the connection that each slot uses now
  std::vector<OriginEnd> origins_;  // as dialler_->origins
  std::deque<std::string> answers_;
};

}  // namespace freshet::fuzz
