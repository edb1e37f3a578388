// The whole life of one HTTP/1 client connection.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "admission.hpp"
#include "connection.hpp"
#include "freshet/base/arena.hpp"
#include "freshet/codec/h1_reader.hpp"
#include "freshet/exchange/service.hpp"
#include "freshet/frontend/listener.hpp"
#include "reply_plan.hpp"
#include "reply_stream.hpp"
#include "request_body.hpp"

namespace freshet {

/// One coroutine, run(), on the worker's thread; drain() and abort() are called between its steps, on the same thread.
//
//   step     what it does                                         leads to
//   Wait     reads: idle until the first byte, then a head        Answer, Finish (408, 400), Close
//   Answer   parses; answers what try_now() can, at once          Wait, Serve, Finish, Yield, Close
//   Serve    service.serve()                                      Finish
//   Finish   writes what is left of the reply, or streams its     Answer, Close
//            body, or relays a tunnel; drains the request's body
//   Yield    lets other connections have their turn               Answer
//   Close    lets the client take the last reply, then closes     the end
//
// All that a step leaves to the next lies in members, so that the hit path (Wait, Answer) stays in one coroutine frame.
class H1Session final : public Pinned, private Interim {
 public:
  H1Session(std::unique_ptr<Transport> transport, Peer peer, Worker& worker, Service& service,
            const SessionOptions& options, SessionLimits& limits, WorkerCounters& counters, AccessLog* log);

  /// To be awaited once, by somebody who holds a Ref. Does not throw.
  Task<void> run();
  /// Finish the request under way with Connection: close; now, when there is none.
  void drain() noexcept;
  /// Break everything off.
  void abort() noexcept;

 private:
  enum class Next : std::uint8_t { Wait, Answer, Serve, Finish, Yield, Close };

  /// What the log says about a request, taken before a service may change its head.
  struct Subject {
    std::string_view method_name, scheme, authority, target, version, referer, user_agent;
    bool absolute_form = false;
    bool fields_kept = false;  // referer and user_agent are filled in
  };

  Task<void> talk();
  Task<void> turn_away(Reason reason);
  Task<void> hang_up();
  Task<void> let_go(Milliseconds time);

  // Wait
  bool begin_wait();
  Next end_wait(Arrival arrival);
  void limit_wait(Milliseconds limit) noexcept;
  Next rest();
  void leave_idle() noexcept;
  void give_memory_back();

  // Answer
  Next answer_buffered();
  Next answer_head(const HeadProgress& head);
  Next take_request(std::size_t head_bytes);
  /// An error reply to what is not passed to the service.
  Next refuse(Reason reason, int status);
  void make_body();
  bool has_odd_body() const noexcept;
  bool has_room_for_tunnel() noexcept;

  // Serve, Finish
  Task<Next> serve();
  void keep_log_fields();
  void begin_reply();
  bool may_go_on();
  void render_head();
  Task<Next> finish_reply();
  Task<bool> send_reply();
  Task<bool> send_streamed();
  Task<bool> send_tunnel();
  Reason why_gone() const noexcept;
  void count_body_failure() noexcept;
  void replace_reply(const Failure& failure);
  Task<Next> finish_body(bool sent);
  void end_reply(bool sent);
  void log_reply() noexcept;
  Next end_request(bool sent) noexcept;

  Task<void> send(ResponseHead head) override;
  bool is_client_gone() noexcept override { return connection_->is_client_gone(); }
  bool seems_client_gone() noexcept override {
    return connection_->dead() || connection_->transport().peer() != Transport::Peer::There;
  }
  /// The reply lies in the gather list, all of it.
  bool is_whole() const noexcept { return plan_.form == BodyForm::None || plan_.form == BodyForm::Whole; }
  bool draining() const noexcept { return told_to_drain_ || limits_.draining; }

  const Peer peer_;
  Worker& worker_;
  Service& service_;
  const SessionOptions& options_;
  SessionLimits& limits_;
  WorkerCounters& counters_;
  AccessLog* log_;
  Ref<Connection> connection_;
  Arena arena_;
  H1RequestReader reader_;
  ParsedRequest parsed_;

  // The request under way.
  Request request_;
  Ref<RequestBody> body_;
  std::optional<TunnelPlace> tunnel_;
  std::optional<Reply> reply_;
  ReplyPlan plan_;
  Subject subject_;
  std::uint64_t reply_at_ = 0;    // connection_->written() when its head was queued
  std::uint64_t head_bytes_ = 0;  // of the reply
  std::uint64_t streamed_ = 0;    // body bytes
  bool wants_more_ = false;       // the client is willing to go on after this request
  bool reply_begun_ = false;
  bool refused_ = false;  // the service has not seen it
  bool large_head_ = false;

  Milliseconds more_patience_{0};  // when the read limit of a wait has passed
  bool resting_ =
      true;  // waits without a large read buffer: until the first head is complete, and when nothing comes for a while
  bool idle_ = false;
  bool idle_limited_ = false;
  bool head_limited_ = false;
  bool linger_ = false;
  bool told_to_drain_ = false;
  unsigned answered_in_a_row_ = 0;
};

}  // namespace freshet
