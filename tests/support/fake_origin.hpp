// An origin without sockets: answers what the test tells it, when the test tells it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "freshet/async/wakeup.hpp"
#include "freshet/exchange/error_reply.hpp"
#include "freshet/exchange/service.hpp"

namespace freshet::test {

using FieldList = std::vector<std::pair<std::string, std::string>>;

/// A body that arrives when the test says so. One thread.
class Trickle {
 public:
  void push(std::string bytes);
  void finish();
  void fail(Reason why);
  /// The reader has gone away before the end.
  bool dropped() const noexcept { return dropped_; }

 private:
  friend class TrickleSource;
  std::deque<std::string> pieces_;
  bool finished_ = false;
  Reason failed_ = Reason::None;
  bool dropped_ = false;
  Wakeup wakeup_;
};

/// Reads what `trickle` is given.
std::unique_ptr<BodySource> make_source(std::shared_ptr<Trickle> trickle);

/// What the origin answers to one request.
struct Answer {
  int status = 200;
  FieldList fields;
  std::string body;
  bool known_length = true;              ///< Content-Length, or chunked
  bool as_source = false;                ///< the body comes through a source even though it is short
  std::shared_ptr<Trickle> trickle;      ///< the body, instead of `body`
  std::uint64_t trickle_length = 0;      ///< declared length of a trickle; 0: chunked
  Reason failure = Reason::None;         ///< no answer at all: this happened
  std::shared_ptr<Wakeup> wait_for;      ///< answers only after this has been woken
  bool tunnel = false;
  bool drop_if_gone = false;             ///< ClientClosed after `wait_for` when the client has gone, as at the end of a queue
};

/// What the origin saw.
struct Seen {
  std::string method, scheme, authority, target, body;
  Fields fields;
  std::uint16_t upstream = 0;
  std::string field(std::string_view name) const {
    std::string out;
    fields.view().join(name, out);
    return out;
  }
};

/// The Service at the end of the pipeline.
class FakeOrigin final : public Service {
 public:
  /// Decides every answer; by default 200 "hello" with max-age=60.
  std::function<Answer(const Seen&)> answer = [](const Seen&) {
    return Answer{200, {{"Cache-Control", "max-age=60"}}, "hello", true, false, nullptr, 0, Reason::None, nullptr, false};
  };
  std::vector<Seen> seen;
  std::size_t in_flight = 0, most_in_flight = 0;

  Task<Reply> serve(Request& request) override;
};

}  // namespace freshet::test
