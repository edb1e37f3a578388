// The whole pipeline in one thread, with a fake origin and a fake clock: what scenario tests talk to.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "freshet/proxy/caching_proxy.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_origin.hpp"

namespace freshet::test {

/// An answer as a client sees it.
struct Got {
  bool done = false;        ///< the reply is complete, or has failed
  bool has_head = false;
  int status = 0;
  FieldList fields;         ///< head and added lines
  std::string body;
  std::optional<std::uint64_t> length;
  Reason body_failure = Reason::None;
  Outcome outcome;
  std::string cache_status;
  std::string user;         ///< whom the proxy took the client for
  bool at_once = false;     ///< try_now() answered
  bool close = false, tunnel = false;
  bool took_place = false;  ///< it was let through, and took (or wanted) a place for a tunnel
  std::string field(std::string_view name) const;
  std::size_t count(std::string_view name) const;
};

/// What a client asks.
struct Ask {
  std::string method = "GET";
  std::string url = "http://a.example/x";
  FieldList fields;
  std::string body;
  bool has_body = false;
  std::shared_ptr<Trickle> upload;  ///< instead of `body`: of unknown length, in pieces
  std::uint16_t listener = 0;
  std::string upgrade;
  bool absolute_form = true;
  std::string target;  ///< instead of the URL's
  std::string client = "192.0.2.7";  ///< its address
  std::string user;                  ///< who it has proven to be
  bool gone = false;   ///< the client has closed its connection
  bool place = true;   ///< there is one for a tunnel
  Ask() = default;
  Ask(std::string u) : url(std::move(u)) {}            // NOLINT: asks read better without ceremony
  Ask(const char* u) : url(u) {}                       // NOLINT
  Ask(std::string u, FieldList f) : url(std::move(u)), fields(std::move(f)) {}
  Ask(std::string m, std::string u, FieldList f = {}) : method(std::move(m)), url(std::move(u)), fields(std::move(f)) {}
};

/// What a slow client waits for before each piece. One thread.
class Permits {
 public:
  void give(std::size_t more) {
    left_ += more;
    wakeup_.wake();
  }
  Task<void> take() {
    while (left_ == 0) co_await wakeup_.wait();
    --left_;
  }

 private:
  std::size_t left_ = 0;
  Wakeup wakeup_;
};

class Pipeline {
 public:
  Pipeline();
  explicit Pipeline(ProxyOptions options, StoreOptions store_options = {}, Pause* pause = nullptr);
  ~Pipeline();

  /// Asks and waits for the whole answer. REQUIRES: nothing that the test itself has to release is in its way.
  Got ask(const Ask& ask);
  /// Asks without waiting; poll() moves it on.
  std::shared_ptr<Got> start(const Ask& ask);
  /// The same for a client that reads `pieces` pieces of the body and then leaves.
  /// With permits: one for each piece.
  std::shared_ptr<Got> start_and_leave(const Ask& ask, std::size_t pieces, std::shared_ptr<Permits> permits = nullptr);
  /// A client that reads as fast as the permits come.
  std::shared_ptr<Got> start_slow(const Ask& ask, std::shared_ptr<Permits> permits) {
    return start_and_leave(ask, SIZE_MAX, std::move(permits));
  }
  /// Asks another worker's proxy, on its loop, without running that.
  std::shared_ptr<Got> start_on(boost::asio::io_context& other_loop, Service& other, const Ask& ask);
  /// Runs all that can run.
  void poll();

  /// Listener 0: reverse, everything to upstream "app". Listener 1: forward.
  static ProxyOptions default_options();

  FakeClock clock;
  FakeOrigin origin;
  ProxyOptions options;
  Store store;
  WorkerCounters counters;
  std::unique_ptr<Service> proxy;
  boost::asio::io_context loop;  // last: the coroutines in it use all the others
};

}  // namespace freshet::test
