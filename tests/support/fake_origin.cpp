#include "support/fake_origin.hpp"

namespace freshet::test {

void Trickle::push(std::string bytes) {
  pieces_.push_back(std::move(bytes));
  wakeup_.wake();
}
void Trickle::finish() {
  finished_ = true;
  wakeup_.wake();
}
void Trickle::fail(Reason why) {
  failed_ = why;
  wakeup_.wake();
}

class TrickleSource final : public BodySource {
 public:
  explicit TrickleSource(std::shared_ptr<Trickle> trickle) : trickle_(std::move(trickle)) {}
  ~TrickleSource() override { trickle_->dropped_ = !ended_; }
  void cancel() noexcept override {
    cancelled_ = true;
    trickle_->wakeup_.wake();
  }

  Task<Result<Piece>> read() override {
    for (;;) {
      if (cancelled_) co_return Failure(Reason::ClientClosed, Side::Client, 0);
      if (!trickle_->pieces_.empty()) {
        current_ = std::move(trickle_->pieces_.front());
        trickle_->pieces_.pop_front();
        ended_ = trickle_->finished_ && trickle_->pieces_.empty();
        co_return Piece(as_bytes(current_), nullptr, ended_);
      }
      if (trickle_->failed_ != Reason::None) {
        ended_ = true;
        co_return Failure(trickle_->failed_, Side::Origin, 502);
      }
      if (trickle_->finished_) {
        ended_ = true;
        co_return Piece({}, nullptr, true);
      }
      co_await trickle_->wakeup_.wait();
    }
  }

 private:
  std::shared_ptr<Trickle> trickle_;
  std::string current_;
  bool ended_ = false;
  bool cancelled_ = false;
};

std::unique_ptr<BodySource> make_source(std::shared_ptr<Trickle> trickle) {
  return std::make_unique<TrickleSource>(std::move(trickle));
}

namespace {

class Made final : public Pinned {
 public:
  Fields fields;
  std::string body;
};

Task<std::string> read_all(std::unique_ptr<BodySource> source) {
  std::string out;
  while (source) {
    Result<Piece> piece = co_await source->read();
    if (!piece) break;
    out += as_text(piece->bytes);
    if (piece->last) break;
  }
  co_return out;
}

Reply make_reply(const Request& request, const Answer& answer) {
  auto made = make_ref<Made>();
  for (const auto& [name, value] : answer.fields) made->fields.add(name, value);
  made->body = answer.body;
  Reply reply;
  reply.head = {answer.status, made->fields.view()};
  reply.outcome.origin_status = static_cast<std::uint16_t>(answer.status);
  reply.outcome.origin_asked = true;
  reply.tunnel = answer.tunnel;
  const bool bodyless = request.head.method == Method::Head || answer.status == 304 || answer.status == 204;
  if (answer.trickle) {
    if (answer.trickle_length) reply.length = answer.trickle_length;
    reply.body = Body(std::make_unique<TrickleSource>(answer.trickle));
  } else {
    if (answer.known_length) reply.length = made->body.size();
    if (answer.as_source && !bodyless) {
      auto trickle = std::make_shared<Trickle>();
      if (!made->body.empty()) trickle->push(made->body);
      trickle->finish();
      reply.body = Body(std::make_unique<TrickleSource>(trickle));
    } else if (!bodyless) {
      reply.body = Body(Piece(as_bytes(made->body), Pin(made), true));
    }
  }
  reply.pin = std::move(made);
  return reply;
}

}  // namespace

Task<Reply> FakeOrigin::serve(Request& request) {
  most_in_flight = std::max(most_in_flight, ++in_flight);
  Seen now;
  now.method = request.head.method_name;
  now.scheme = request.head.scheme;
  now.authority = request.head.authority;
  now.target = request.head.target;
  now.fields = request.head.fields;
  now.upstream = request.destination.upstream;
  if (request.body && request.head.method != Method::Connect) now.body = co_await read_all(std::move(request.body));
  seen.push_back(now);
  Answer chosen = answer(now);
  if (chosen.wait_for) {
    co_await chosen.wait_for->wait();
  }
  if (chosen.drop_if_gone && request.interim.is_client_gone()) chosen.failure = Reason::ClientClosed;
  --in_flight;
  if (chosen.failure != Reason::None) {
    Reply failed = make_error_reply(request, {chosen.failure, Side::Origin, 502}, "freshet");
    failed.outcome.origin_asked = true;
    co_return failed;
  }
  co_return make_reply(request, chosen);
}

}  // namespace freshet::test
