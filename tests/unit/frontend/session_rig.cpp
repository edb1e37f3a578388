#include "session_rig.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

namespace freshet::test {
namespace {

class TextBlock final : public Pinned {
 public:
  Fields fields;
  std::string body;
};

}  // namespace

void StubService::expect(std::string_view target) noexcept { expected.emplace_back(target); }

std::optional<Reply> StubService::try_now(Request& request) noexcept {
  seen.push_back(std::string(request.head.method_name) + " " + std::string(request.head.authority) + " " +
                 std::string(request.head.target));
  if (now) return now(request);
  if (later) return {};
  return text_reply(200, request.head.target);
}

Task<Reply> StubService::serve(Request& request) { return later(request); }

Task<Reply> reply_later(Reply reply) { co_return std::move(reply); }

Reply text_reply(int status, std::string_view body) {
  auto block = make_ref<TextBlock>();
  block->fields.add(FieldId::ContentType, "text/plain");
  block->body = body;
  Reply reply;
  reply.head = ResponseHead(status, block->fields);
  reply.length = block->body.size();
  reply.body = Body(Piece(as_bytes(block->body), Pin(block), true));
  reply.pin = std::move(block);
  return reply;
}

Reply empty_reply(int status) {
  Reply reply;
  reply.head.status = status;
  return reply;
}

ScriptedSource::Step::Step(Kind k, std::string_view text) : kind(k), data(text) {}
ScriptedSource::Step::Step(const Step&) = default;
ScriptedSource::Step& ScriptedSource::Step::operator=(const Step&) = default;
ScriptedSource::Step::~Step() = default;

ScriptedSource::Step data(const std::string& text) { return {ScriptedSource::Step::Kind::Data, text}; }
ScriptedSource::Step last(std::string_view text) { return {ScriptedSource::Step::Kind::Last, text}; }
ScriptedSource::Step wait() { return {ScriptedSource::Step::Kind::Wait, {}}; }
ScriptedSource::Step fail() { return {ScriptedSource::Step::Kind::Fail, {}}; }

Task<Result<Piece>> ScriptedSource::read() {
  ++script_->reads;
  for (;;) {
    const Failure cut(Reason::ResponseCutShort, Side::Origin, 502);
    if (script_->cancelled || script_->steps.empty()) co_return Result<Piece>(cut);
    current_ = std::move(script_->steps.front());
    script_->steps.pop_front();
    if (current_.kind == Step::Kind::Wait) {
      co_await script_->gate.wait();
      continue;
    }
    if (current_.kind == Step::Kind::Fail) co_return Result<Piece>(cut);
    Piece piece(as_bytes(current_.data), Pin(), current_.kind == Step::Kind::Last);
    co_return Result<Piece>(std::move(piece));
  }
}

void ScriptedSource::cancel() noexcept {
  script_->cancelled = true;
  script_->gate.wake();
}

std::shared_ptr<ScriptedSource::Script> script(std::vector<ScriptedSource::Step> steps) {
  auto made = std::make_shared<ScriptedSource::Script>();
  for (auto& step : steps) made->steps.push_back(std::move(step));
  return made;
}

Reply streamed_reply(std::shared_ptr<ScriptedSource::Script> script, std::optional<std::uint64_t> length) {
  Reply reply = text_reply(200, "");
  reply.length = length;
  reply.body = Body(std::make_unique<ScriptedSource>(std::move(script)));
  return reply;
}

Task<void> pump(std::unique_ptr<BodySource> source, std::shared_ptr<Upload> upload, bool keep) {
  while (!upload->ended && !upload->failure) {
    Result<Piece> got = co_await source->read();
    if (!got) {
      upload->failure = got.error();
      break;
    }
    upload->data += as_text(got->bytes);
    upload->ended = got->last;
  }
  if (const Fields* trailers = source->trailers())
    for (const Field field : trailers->view())
      upload->trailers += std::string(field.name) + ": " + std::string(field.value) + "\n";
  if (keep) upload->source = std::move(source);
}

Task<Reply> echo(Request& request) {
  auto upload = std::make_shared<Upload>();
  if (request.body) co_await pump(std::move(request.body), upload, false);
  const int status = upload->failure ? upload->failure->status : 200;
  Reply reply = text_reply(status, upload->data + upload->trailers);
  if (upload->failure) reply.outcome.reason = upload->failure->reason;
  co_return std::move(reply);
}

void RecordingLog::write(const AccessRecord& r) noexcept {
  lines.push_back({std::string(r.method), std::string(r.target), std::string(r.reason), std::string(r.user_agent),
                   std::string(r.client), std::string(r.version), std::string(r.cache_result), std::string(r.user), r.status,
                   r.request_bytes, r.response_bytes, r.duration});
}

Rig::Rig() { options.name = "test"; }

Rig::~Rig() {
  if (client) client->abort();
  run();
}

void Rig::open(const std::function<void(MemoryTransport&)>& prepare) {
  MemoryPair pair = make_memory_pair(worker.loop().get_executor());
  if (prepare) prepare(*pair.here);
  client = std::move(pair.there);
  Peer peer;
  peer.address = "192.0.2.7";
  session_.emplace(start(worker.loop(), run_h1_session(std::move(pair.here), std::move(peer), worker, service, options,
                                                       limits, counters, &log)));
  run();
}

std::string Rig::send(std::string_view text) {
  client->push(text);
  return receive();
}

std::string Rig::receive() {
  std::string all;
  for (;;) {  // taking makes room for more
    run();
    const std::string some = client->pull();
    if (some.empty()) return all;
    all += some;
  }
}

void Rig::pass(Milliseconds time) {
  for (constexpr Milliseconds kStep(500); time > Milliseconds(0); time -= kStep) {  // as time passes, and not in one leap
    clock.advance(std::min(time, kStep));
    worker.deadlines().advance(clock.now().steady);
    run();
  }
}

std::string ok(std::string_view body, std::string_view connection) {
  std::string text = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
  text += kDate;
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  if (!connection.empty()) text += "Connection: " + std::string(connection) + "\r\n";
  text += "\r\n";
  text += body;
  return text;
}

}  // namespace freshet::test
