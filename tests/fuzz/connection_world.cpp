#include "connection_world.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "freshet/base/ascii.hpp"
#include "freshet/base/check.hpp"
#include "freshet/proxy/purge.hpp"

namespace freshet::fuzz {
namespace {

constexpr unsigned kForwardSlot = 3;
constexpr std::size_t kNoConnection = SIZE_MAX;
constexpr std::uint64_t kStoreSize = 1 << 20;
constexpr std::string_view kStampName = "X-Asked-By";

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "connection world: %s\n", what.c_str());
  std::abort();
}

void require(bool condition, const std::string& what) {
  if (!condition) fail(what);
}

/// With FRESHET_FUZZ_SHOW in the environment: what goes over the wires, for someone who looks at a finding.
void show(const std::string& who, std::string_view text) {
  static const bool wanted = std::getenv("FRESHET_FUZZ_SHOW") != nullptr;
  if (wanted && !text.empty())
    std::fprintf(stderr, "--- %s\n%.*s\n", who.c_str(), static_cast<int>(text.size()), text.data());
}

std::string padded(unsigned number, std::size_t width) {
  std::string text = std::to_string(number);
  return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

std::string expanded(std::string_view text, const std::string& marker) {
  std::string out;
  for (const char c : text) {
    if (c == '$')
      out += marker;
    else
      out += c == '{' || c == '}' ? '-' : c;  // markers are ours alone
  }
  return out;
}

ProxyOptions make_proxy_options() {
  ProxyOptions made;
  made.loop_token = "freshet-fuzz";
  made.upstreams = {"app"};
  made.policy.max_object_size = kStoreSize / 8;
  ListenerRules reverse, forward;
  reverse.routes.push_back({"", "", 0});
  forward.forward = true;
  forward.connect_ports = {443};
  forward.partition = "forward";
  made.listeners = {reverse, forward};
  return made;
}

OriginPoolOptions make_pool_options() {
  OriginPoolOptions made;
  OriginUpstream app;
  app.name = "app";
  app.servers = {{"10.0.0.1", 80}, {"10.0.0.2", 80}};
  made.upstreams = {app};
  AddressPolicy everywhere;
  everywhere.allow_internal = true;
  made.forward_policies = {AddressPolicy(), everywhere};
  return made;
}

Manner& manner_of_dials() {
  static Manner manner = Manner::Plain;
  return manner;
}

void behave(test::MemoryTransport& link, Manner manner) {
  if (manner == Manner::ByteByByte) link.set_max_read(1);
  if (manner == Manner::SmallAndHesitant) {
    link.set_max_read(7);
    link.set_max_write(3);
  }
  link.set_hesitant(manner == Manner::Hesitant || manner == Manner::SmallAndHesitant);
}

/// Whether a response is for the client that asked and nobody else, in the plainest words that there are. `authorised`:
/// the request had Authorization (RFC 9111 3.5).
bool is_plainly_secret(std::string_view answer, bool authorised) {
  const std::size_t end = answer.find("\r\n\r\n");
  if (end == std::string_view::npos || !answer.starts_with("HTTP/1.1 ")) return false;
  if (answer.substr(9, 1) == "1" || answer.substr(9, 3) == "304") return false;
  std::string head;
  for (const char c : answer.substr(0, end + 2)) head += ascii::lower(c);
  const auto has = [&head](std::string_view text) { return head.find(text) != std::string::npos; };
  if (has("cdn-cache-control") || has("must-understand")) return false;
  for (const char* word : {"private", "no-store"})
    for (const char* behind : {"\r\n", ", "})
      if (has(std::string("\r\ncache-control: ") + word + behind)) return true;
  const bool permitted = has("public") || has("s-maxage");
  if (authorised && !permitted && !has("must-revalidate")) return true;
  return has("\r\nset-cookie:") && !permitted;
}

/// The clients, as two digits, whose whole markers of these kinds are in the text. One that was cut says nothing.
std::vector<std::string> marked_for(std::string_view text, std::string_view kinds) {
  std::vector<std::string> found;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1)) {
    const std::string_view marker = text.substr(at, text.substr(at).find('}') + 1);
    const std::size_t size = marker.size() > 1 && marker[1] == 'c' ? 5 : 9;
    if (marker.size() == size && kinds.find(marker[1]) != std::string_view::npos && is_digit(marker[2]) &&
        is_digit(marker[3]))
      found.emplace_back(marker.substr(2, 2));
  }
  return found;
}

bool is_tunnel_port(const std::string& dialled) { return dialled.ends_with(" 443"); }

}  // namespace

// A plain function, so that nothing is built in the pool's coroutine.
Task<Reply> StampingService::serve(Request& request) {
  const std::string_view address = request.peer->address;
  Stamp stamp;
  stamp.method = request.head.method_name;
  stamp.target = request.head.target;
  stamp.client =
      static_cast<unsigned>(std::strtoul(std::string(address.substr(address.rfind('.') + 1)).c_str(), nullptr, 10));
  given_.push_back(stamp);
  request.head.fields.remove(kStampName);
  request.head.fields.add(kStampName, std::to_string(stamp.client) + "-" + std::to_string(given_.size() - 1));
  return pool_.serve(request);
}

const StampingService::Stamp* StampingService::find(std::string_view stamp) const {
  const auto dash = stamp.find('-');
  if (dash == std::string_view::npos) return nullptr;
  const auto number = ascii::parse_decimal(stamp.substr(dash + 1));
  if (!number || *number >= given_.size()) return nullptr;
  const Stamp& found = given_[*number];
  return std::to_string(found.client) == stamp.substr(0, dash) ? &found : nullptr;
}

World::World()
    : store_(StoreOptions{.max_size = kStoreSize}, clock_),
      held_at_start_(store_.held()),
      counters_(2, 1),
      proxy_options_(make_proxy_options()),
      slots_(4, kNoConnection) {
  for (const char* address : {"10.0.0.1", "10.0.0.2"}) resolver_.names[address] = {address};
  auto made = std::make_unique<test::MemoryDialler>(worker_, clock_);
  dialler_ = made.get();
  dialler_->prepare = [](test::MemoryTransport& link) { behave(link, manner_of_dials()); };
  set_manner(Manner::Plain);
  pool_ = make_origin_pool(make_pool_options(), worker_, resolver_, counters_, "freshet", std::move(made), {});
  stamping_.emplace(*pool_);
  proxy_ = make_caching_proxy(proxy_options_, *stamping_, store_, clock_, counters_);
  reverse_.name = "reverse";
  forward_.name = "forward";
  forward_.listener = 1;
  clients_.reserve(kMostClients);
}

World::~World() {
  end_everything();
  judge_what_is_left();
  for (unsigned number = 0; number < clients_.size(); ++number) {
    judge_client(number);
    judge_requests(number);
    judge_markers(number);
  }
  worker_.discard();
}

ClientEnd* World::client(unsigned slot) {
  std::size_t& current = slots_[slot];
  const bool usable = current != kNoConnection && !clients_[current].left && !clients_[current].session->done();
  if (usable) return &clients_[current];
  if (clients_.size() == kMostClients) return nullptr;
  current = clients_.size();
  ClientEnd& made = clients_.emplace_back();
  test::MemoryPair pair = test::make_memory_pair(worker_.loop().get_executor());
  behave(*pair.here, manner_);
  made.link = std::move(pair.there);
  Peer peer;
  peer.address = "192.0.2." + std::to_string(current);
  made.session.emplace(test::start(
      worker_.loop(), run_h1_session(std::move(pair.here), std::move(peer), worker_, *proxy_,
                                     slot == kForwardSlot ? forward_ : reverse_, limits_, counters_, &log_)));
  return &made;
}

void World::client_sends(unsigned slot, std::string_view text) {
  ClientEnd* const end = client(slot);
  if (end == nullptr) return;
  const auto number = static_cast<unsigned>(slots_[slot]);
  const std::string bytes = expanded(text, "{c" + padded(number, 2) + "}");
  show("client " + std::to_string(number) + " sends", bytes);
  if (end->link->push(bytes)) end->sent += bytes;
  settle();
}

void World::client_does(unsigned slot, std::string_view what) {
  if (slots_[slot] == kNoConnection || what.empty()) return;
  ClientEnd& end = clients_[slots_[slot]];
  if (end.left) return;
  switch (what.front()) {
    case 'e':
      end.link->shutdown_write();
      break;
    case 'x':
      end.left = true;
      end.link->abort();
      break;
    case 'q':
      end.left = true;
      end.link->close();
      break;
    case 's':
      end.reads = false;
      break;
    default:
      end.reads = true;
  }
  settle();
}

void World::set_manner(Manner manner) { manner_ = manner_of_dials() = manner; }

void World::dial_fails(std::optional<Failure> how) {
  dialler_->failures.clear();
  if (!how) return;
  for (const char* address : {"10.0.0.1", "192.0.2.1"}) dialler_->failures.emplace(address, *how);
}

void World::pass(Milliseconds time) {
  clock_.advance(time);
  worker_.deadlines().advance(clock_.now().steady + worker_.deadlines().tick());
  store_.cut_off_slow_readers();
  store_.expire_some(clock_.now().steady, 10'000);
  settle();
}

void World::purges(std::string_view urls) {
  purge_list(store_, proxy_options_, urls);
  settle();
}

void World::evicts() {
  const std::uint64_t rest = store_.limit() - held_at_start_;
  if (store_.charge(rest)) store_.credit(rest);
  settle();
}

void World::settle() {
  for (unsigned rounds = 0;; ++rounds) {
    require(rounds < 100'000, "it never comes to rest");
    bool moved = test::run_ready(worker_.loop()) > 0;
    moved |= play_origins();
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      ClientEnd& end = clients_[i];
      const std::string text = end.reads ? end.link->pull() : std::string();
      show("client " + std::to_string(i) + " receives", text);
      end.received += text;
      moved |= !text.empty();
    }
    if (!moved) return;
  }
}

bool World::play_origins() {
  bool moved = false;
  while (origins_.size() < dialler_->origins.size()) {
    origins_.emplace_back().free = is_tunnel_port(dialler_->dialled.at(dialler_->dialled.size() - 1));
    moved = true;
  }
  for (std::size_t i = 0; i < origins_.size(); ++i) {
    const std::string text = dialler_->origins[i]->pull();
    show("origin " + std::to_string(i) + " receives", text);
    if (text.empty()) continue;
    moved = true;
    OriginEnd& end = origins_[i];
    if (end.free) continue;
    end.received += text;
    if (!take_requests(end) || answers_.empty()) continue;
    const std::string answer = std::move(answers_.front());
    answers_.pop_front();
    push_answer(i, answer);
  }
  return moved;
}

/// True when a request is complete.
bool World::take_requests(OriginEnd& end) {
  for (bool complete = false;; complete = true) {
    StrictMessage request;
    const Strict state = end.free ? Strict::NeedMore : read_request(end.received, request);
    if (state == Strict::Bad) fail("what was sent to an origin is no clear request: " + request.why);
    if (state == Strict::NeedMore) return complete;
    require(!complete, "two requests at once on one connection to an origin");
    end.received.erase(0, request.size);
    accept_request(end, request);
  }
}

void World::accept_request(OriginEnd& end, const StrictMessage& request) {
  const std::string stamp = request.only("x-asked-by");
  const StampingService::Stamp* asked = stamping_->find(stamp);
  require(asked != nullptr, "a request to an origin that nobody asked for: " + request.method + " " + request.target);
  require(asked->method == request.method && asked->target == request.target,
          "a request that was asked in other words");
  for (const std::string* text : {&request.target, &request.body})
    for (const std::string& owner : marked_for(*text, "c"))
      require(owner == padded(asked->client, 2), "a request has in it what another client has sent");
  end.waits = true;
  end.secret = false;
  end.asks_upgrade = request.count("upgrade") > 0;
  end.authorised = request.count("authorization") > 0;
  end.client = asked->client;
  end.number = static_cast<unsigned>(std::strtoul(stamp.substr(stamp.find('-') + 1).c_str(), nullptr, 10));
}

void World::push_answer(std::size_t which, std::string_view text) {
  OriginEnd& end = origins_[which];
  if (end.waits) {
    end.secret = is_plainly_secret(text, end.authorised);
    if (!text.starts_with("HTTP/1.1 1") || text.starts_with("HTTP/1.1 101")) end.waits = false;
  }
  // Once an origin has agreed, what comes is whatever both ends have agreed on.
  if (end.asks_upgrade && text.find("101") != std::string_view::npos) end.free = true;
  const char* kind = end.secret ? "{P" : "{S";
  const std::string bytes = expanded(text, kind + padded(end.client, 2) + "." + padded(end.number, 3) + "}");
  show("origin " + std::to_string(which) + " sends", bytes);
  dialler_->origins[which]->push(bytes);
}

void World::origin_answers(std::string_view text) {
  const auto waiting =
      std::find_if(origins_.begin(), origins_.end(), [](const OriginEnd& e) { return e.waits && !e.gone; });
  if (waiting == origins_.end())
    answers_.emplace_back(text);
  else
    push_answer(static_cast<std::size_t>(waiting - origins_.begin()), text);
  settle();
}

void World::origin_sends(std::size_t which, std::string_view text) {
  if (which >= origins_.size()) return;
  push_answer(origins_.size() - 1 - which, text);
  settle();
}

void World::origin_closes(std::size_t which, bool reset) {
  if (which >= origins_.size()) return;
  const std::size_t index = origins_.size() - 1 - which;
  origins_[index].gone = true;
  if (reset)
    dialler_->origins[index]->abort();
  else
    dialler_->origins[index]->close();
  settle();
}

void World::end_everything() {
  dial_fails({});
  answers_.clear();
  for (ClientEnd& end : clients_) {
    end.reads = true;
    if (!end.left) end.link->shutdown_write();
  }
  settle();
  // Longer than every time-out, several times over: each can begin when another one ends.
  for (int i = 0; i < 12; ++i) pass(Milliseconds(61'000));
  for (int i = 0; i < 3; ++i) pass(Milliseconds(601'000));
}

void World::judge_what_is_left() {
  for (const ClientEnd& end : clients_) require(end.session->done(), "a session has not ended");
  for (std::size_t i = 0; i < origins_.size(); ++i) {
    test::MemoryTransport& link = *dialler_->origins[i];
    require(link.ended() || link.was_reset() || origins_[i].gone, "a connection to an origin is still open");
  }
  require(limits_.open == 0 && pool_->idle() == 0, "connections are still counted");
  require(worker_.deadlines().armed() == 0, "a deadline is still armed");
  for (const ListenerCounters& l : counters_.listener)
    require(l.connections_open.get() == 0 && l.connections_idle.get() == 0, "the counters of a listener");
  for (const UpstreamCounters& u : counters_.upstream)
    require(u.connections_active.get() == 0 && u.connections_idle.get() == 0, "the counters of an upstream");
  require(counters_.fills_in_flight.get() == 0 && counters_.tunnels_active.get() == 0,
          "a fill or a tunnel is still counted");
  // Somebody who needs all the memory gets all of it.
  const std::uint64_t rest = store_.limit() - held_at_start_;
  require(store_.charge(rest), "stored responses that cannot be evicted");
  store_.credit(rest);
  require(store_.figures().objects == 0, "stored responses that never leave");
  require(store_.held() == held_at_start_, "the store still holds " + std::to_string(store_.held()) + " bytes");
}

// The log says which requests there were; what the client got must be their answers, whole and in order. Only when the
// connection was cut, by either side, may something be missing at its end.
void World::judge_client(unsigned number) const {
  const ClientEnd& end = clients_[number];
  const std::string address = "192.0.2." + std::to_string(number);
  const bool cut = end.left || end.link->was_reset();
  std::string_view rest = end.received;
  for (const LoggedRequest& line : log_.lines) {
    if (line.client != address) continue;
    const Asked asked{line.method == "HEAD", line.method == "CONNECT", line.version == "HTTP/1.0", end.link->ended()};
    StrictMessage response;
    Strict state = read_response(rest, asked, response);
    while (state == Strict::Complete && response.status / 100 == 1 && response.status != 101) {
      rest.remove_prefix(response.size);
      state = read_response(rest, asked, response);
    }
    if (state == Strict::Bad) fail("a client got what is no clear response: " + response.why);
    if (state == Strict::NeedMore) {
      require(cut, "a response ends too early, and nothing tells the client");
      return;
    }
    require(response.status == line.status,
            "the log says " + std::to_string(line.status) + ", the client got " + std::to_string(response.status));
    rest.remove_prefix(response.size);
    if (response.status == 101 || (asked.connect && response.status / 100 == 2)) return;
  }
  require(rest.empty(), "a client got more than the log knows of: " + std::string(rest));
}

// As long as what a client sends is plain to the strict reader too, the log knows the same requests, in the same order,
// and no others: neither a body nor what follows a request is taken for one (pitfall P1).
void World::judge_requests(unsigned number) const {
  const std::string address = "192.0.2." + std::to_string(number);
  std::string_view rest = clients_[number].sent;
  bool complete = true;
  for (const LoggedRequest& line : log_.lines) {
    if (line.client != address) continue;
    require(complete && !rest.empty(),
            "the log has a request that the client never sent: " + line.method + " " + line.target);
    StrictMessage request;
    const Strict state = read_request(rest, request);
    if (state == Strict::Bad) return;
    complete = state == Strict::Complete;
    if (!complete || line.method.empty()) continue;
    require(line.method == request.method, "the log says " + line.method + ", the client sent " + request.method);
    if (request.target.starts_with('/'))
      require(line.target == request.target, "the log says " + line.target + ", the client sent " + request.target);
    rest.remove_prefix(request.size);
    if (line.status == 101 || (line.method == "CONNECT" && line.status / 100 == 2)) return;
  }
}

void World::judge_markers(unsigned number) const {
  for (const std::string& owner : marked_for(clients_[number].received, "Pc"))
    require(owner == padded(number, 2),
            "client " + std::to_string(number) + " got what is for client " + owner + " alone");
}

}  // namespace freshet::fuzz
