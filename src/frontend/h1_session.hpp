// What the requests of an HTTP/1 client are answered with, while there are any.
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
#include "read_buffer.hpp"
#include "reply_plan.hpp"
#include "reply_stream.hpp"
#include "request_body.hpp"
#include "serving.hpp"
#include "session_log.hpp"

namespace freshet {

/// Serves one client from the first byte of a request until everything that has come is answered, then another one: what
/// it has allocated is used again. Owned by its client or the pool; on the worker's thread.
//
//   step     what it does                                         leads to
//   Wait     is the client's: until more bytes come               Answer, Finish (408, 400), Close
//   Answer   parses; answers what try_now() can, at once          Wait, Serve, Finish, Yield, Close
//   Serve    service.serve()                                      Finish
//   Finish   writes what is left of the reply, or streams its     Answer, Close
//            body, or relays a tunnel; drains the request's body
//   Yield    lets other connections have their turn               Answer
//   Close    lets the client take the last reply, then closes     the end
//
// All that a step leaves to the next lies in members. H1Client takes the steps: Answer as a plain call, others in a
// coroutine.
class H1Session final : private Interim {
 public:
  enum class Next : std::uint8_t { Wait, Answer, Serve, Finish, Yield, Close };

  explicit H1Session(Worker& worker);
  /// Leaves its line for a request that was read and is still under way: the loop has ended.
  ~H1Session();
  H1Session(const H1Session&) = delete;
  H1Session& operator=(const H1Session&) = delete;

  /// Turns to a client. `begun`: of a head that has come in part, how far it was looked at.
  void begin(H1Client& client, std::unique_ptr<H1RequestReader> begun);
  /// Turns away from it, and says how far a head was looked at of which the connection holds a part. REQUIRES: is_clean().
  std::unique_ptr<H1RequestReader> end();
  /// No request is under way, nor what is left of one.
  bool is_clean() const noexcept { return !is_under_way() && !body_ && !tunnel_; }
  bool wants_to_linger() const noexcept { return linger_ && !connection_->dead(); }

  Next answer_buffered();
  /// An error reply to what is not passed to the service.
  Next refuse(Reason reason, int status);
  Task<Next> serve();
  Task<Next> finish_reply();
  Task<void> hang_up();
  /// For a client that is not to be served.
  Task<void> turn_away(Reason reason);
  /// A request has been read, and its line in the log is not written yet.
  bool is_under_way() const noexcept { return reply_ || !subject_.version.empty(); }
  /// Writes that line: nobody goes on with the request.
  void log_unfinished() noexcept;
  /// Break everything off. The connection is aborted already.
  void break_off() noexcept;
  /// The same since the process ends.
  void abort() noexcept;

 private:
  /// What the log says about a request, taken before a service may change its head.
  struct Subject {
    std::string_view method_name, scheme, authority, target, version, referer, user_agent;
    bool absolute_form = false;
    bool fields_kept = false;  // referer and user_agent are filled in
  };

  Task<void> let_go(Milliseconds time);
  void give_memory_back();

  // Answer
  Next answer_head(const HeadProgress& head);
  Next take_request(std::size_t head_bytes);
  void take_head() noexcept;
  void make_body();
  bool has_odd_body() const noexcept;

  // Serve, Finish
  void keep_log_fields();
  void begin_reply();
  bool may_go_on();
  void render_head();
  Task<bool> send_reply();
  Task<bool> send_streamed();
  Task<bool> send_tunnel();
  Reason why_gone() const noexcept;
  void count_body_failure() noexcept;
  void replace_reply(const Failure& failure);
  Task<Next> finish_body(bool sent);
  void end_reply(bool sent);
  void log_reply() noexcept;
  void write_log(const FinishedRequest& finished) noexcept;
  Next end_request(bool sent) noexcept;

  Task<void> send(ResponseHead head) override;
  bool is_client_gone() noexcept override { return connection_->is_client_gone(); }
  bool seems_client_gone() noexcept override {
    return connection_->dead() || connection_->transport().peer() != Transport::Peer::There;
  }
  bool take_tunnel_place() noexcept override;
  /// The reply lies in the gather list, all of it.
  bool is_whole() const noexcept { return plan_.form == BodyForm::None || plan_.form == BodyForm::Whole; }
  const SessionOptions& options() const noexcept { return serving_->options; }
  SessionLimits& limits() const noexcept { return serving_->limits; }
  WorkerCounters& counters() const noexcept { return serving_->counters; }

  Worker& worker_;

  // The client that is served.
  H1Client* client_ = nullptr;
  Serving* serving_ = nullptr;
  Ref<Connection> connection_;

  // Memory that is used again.
  std::unique_ptr<Outgoing> outgoing_;  // lent to the connection
  ReadBuffer spare_;                    // its block too
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
  bool linger_ = false;
  bool cut_off_ = false;  // by abort()
  unsigned answered_in_a_row_ = 0;
};

}  // namespace freshet
