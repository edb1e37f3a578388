#include "support/pipeline.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <stdexcept>

#include "freshet/base/ascii.hpp"

namespace freshet::test {
namespace {

class NoInterim final : public Interim {
 public:
  Task<void> send(ResponseHead) override { co_return; }
  bool is_client_gone() noexcept override { return gone; }
  bool take_tunnel_place() noexcept override { return asked_for_place = true, place; }
  bool gone = false, place = true, asked_for_place = false;
};

class TextSource final : public BodySource {
 public:
  explicit TextSource(std::string text) : text_(std::move(text)) {}
  Task<Result<Piece>> read() override { co_return Piece(as_bytes(text_), nullptr, true); }

 private:
  std::string text_;
};

/// One client: all that a session would keep for a request.
struct Client {
  Arena arena;
  Peer peer;
  NoInterim interim;
  Request request{arena, peer, interim};
  std::size_t leave_after = SIZE_MAX;
  std::shared_ptr<Permits> permits;
  std::shared_ptr<Got> got = std::make_shared<Got>();
};

void fill_in(Client& client, const Ask& ask, Time now) {
  Request& request = client.request;
  Arena& arena = client.arena;
  client.interim.gone = ask.gone;
  client.interim.place = ask.place;
  client.peer.address = ask.client;
  client.peer.local_address = "192.0.2.1";
  client.peer.local_port = 8080;
  request.head.method_name = arena.copy(ask.method);
  request.head.method = parse_method(ask.method);
  const auto scheme_end = ask.url.find("://");
  request.head.scheme = arena.copy(ask.url.substr(0, scheme_end));
  const auto path = ask.url.find('/', scheme_end + 3);
  request.head.authority = arena.copy(ask.url.substr(scheme_end + 3, path - scheme_end - 3));
  request.head.target = path == std::string::npos ? "/" : arena.copy(ask.url.substr(path));
  if (request.head.method == Method::Connect) request.head.target = request.head.authority;
  for (const auto& [name, value] : ask.fields) {
    if (ascii::iequals(name, "Proxy-Authorization")) request.proxy_credentials = arena.copy(value);  // as the codec does
    else request.head.fields.add(name, value);
  }
  if (!ask.target.empty()) request.head.target = arena.copy(ask.target);
  request.absolute_form = ask.absolute_form;
  request.listener = ask.listener;
  request.received = now;
  request.upgrade = arena.copy(ask.upgrade);
  request.user = arena.copy(ask.user);
  if (ask.upload) {
    request.body = make_source(ask.upload);
  } else if (ask.has_body || !ask.body.empty()) {
    request.body_length = ask.body.size();
    request.body = std::make_unique<TextSource>(ask.body);
  }
}

void note_head(Got& got, const Reply& reply) {
  got.has_head = true;
  got.status = reply.head.status;
  for (const Field field : reply.head.fields) got.fields.emplace_back(field.name, field.value);
  for (const AddedField& field : reply.added) got.fields.emplace_back(field_name(field.id), field.value);
  got.length = reply.length;
  got.outcome = reply.outcome;
  got.cache_status = reply.outcome.cache_status;
  got.close = reply.close;
  got.tunnel = reply.tunnel;
}

Task<void> run_client(std::unique_ptr<Client> client, Service& service) {
  Got& got = *client->got;
  std::optional<Reply> reply = service.try_now(client->request);
  got.at_once = reply.has_value();
  if (!reply) {
    Reply served = co_await service.serve(client->request);
    reply.emplace(std::move(served));
  }
  note_head(got, *reply);
  got.user = client->request.user;
  got.took_place = client->interim.asked_for_place;
  got.body += as_text(reply->body.whole.bytes);
  for (std::size_t pieces = 0; reply->body.source; ++pieces) {
    if (pieces == client->leave_after) break;
    if (client->permits) co_await client->permits->take();
    Result<Piece> piece = co_await reply->body.source->read();
    if (!piece) {
      got.body_failure = piece.error().reason;
      break;
    }
    got.body += as_text(piece->bytes);
    if (piece->last) break;
  }
  got.done = true;
}

}  // namespace

std::string Got::field(std::string_view name) const {
  std::string out;
  for (const auto& [n, value] : fields)
    if (ascii::iequals(n, name)) out += (out.empty() ? "" : ", ") + value;
  return out;
}

std::size_t Got::count(std::string_view name) const {
  std::size_t n = 0;
  for (const auto& field : fields) n += ascii::iequals(field.first, name);
  return n;
}

ProxyOptions Pipeline::default_options() {
  ProxyOptions made;
  made.loop_token = "freshet-test";
  made.upstreams = {"app"};
  ListenerRules reverse;
  reverse.routes.push_back({"", "", 0});
  ListenerRules forward;
  forward.forward = true;
  forward.connect_ports = {443};
  forward.partition = "forward";
  made.listeners = {reverse, forward};
  return made;
}

Pipeline::Pipeline() : Pipeline(default_options()) {}
Pipeline::Pipeline(ProxyOptions given, StoreOptions store_options, Pause* pause)
    : options(std::move(given)), store(store_options, clock), counters(options.listeners.size(), options.upstreams.size()),
      proxy(make_caching_proxy(options, origin, store, clock, counters, pause)) {}
Pipeline::~Pipeline() = default;

std::shared_ptr<Got> Pipeline::start_and_leave(const Ask& ask, std::size_t pieces, std::shared_ptr<Permits> permits) {
  auto client = std::make_unique<Client>();
  client->leave_after = pieces;
  client->permits = std::move(permits);
  fill_in(*client, ask, clock.now());
  auto got = client->got;
  boost::asio::co_spawn(loop, run_client(std::move(client), *proxy), [](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
  });
  poll();
  return got;
}

std::shared_ptr<Got> Pipeline::start_on(boost::asio::io_context& other_loop, Service& other, const Ask& ask) {
  auto client = std::make_unique<Client>();
  fill_in(*client, ask, clock.now());
  auto got = client->got;
  boost::asio::co_spawn(other_loop, run_client(std::move(client), other), boost::asio::detached);
  return got;
}

std::shared_ptr<Got> Pipeline::start(const Ask& ask) { return start_and_leave(ask, SIZE_MAX); }

Got Pipeline::ask(const Ask& ask) {
  const auto got = start(ask);
  if (!got->done) throw std::logic_error("the answer to " + ask.method + " " + ask.url + " is not complete");
  return *got;
}

void Pipeline::poll() {
  loop.restart();
  loop.poll();
}

}  // namespace freshet::test
