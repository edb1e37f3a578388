// A worker that ends destroys what is suspended, wherever that is. What these tests check is that nothing is left over
// or used after its end: run them with the address sanitizer.
#include <catch2/catch.hpp>

#include "origin_rig.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {

OriginPoolOptions open_to_all() {
  OriginPoolOptions options = Rig::one_server();
  options.forward_policies.resize(1);
  options.forward_policies[0].allow_internal = true;
  return options;
}

/// Brings a call to some point and leaves it there.
using Scene = std::unique_ptr<Call> (*)(Rig&);

std::unique_ptr<Call> dialling(Rig& rig) {
  rig.dialler->slow = std::make_unique<MemoryDialler::Slow>();
  auto call = rig.get();
  rig.start(*call);
  return call;
}
std::unique_ptr<Call> awaiting_head(Rig& rig) {
  auto call = rig.get();
  rig.start(*call);
  return call;
}
std::unique_ptr<Call> sending_head(Rig& rig) {
  rig.dialler->prepare = [](MemoryTransport& t) { t.set_send_capacity(5); };
  return awaiting_head(rig);
}
std::unique_ptr<Call> awaiting_client(Rig& rig) {
  auto call = rig.with_body(Method::Put, "PUT", 10);
  rig.start(*call);
  return call;
}
std::unique_ptr<Call> sending_body(Rig& rig) {
  rig.dialler->prepare = [](MemoryTransport& t) { t.set_send_capacity(100); };
  auto call = rig.with_body(Method::Put, "PUT", 1000);
  call->body->push(std::string(1000, 'x'), true);
  rig.start(*call);
  return call;
}
std::unique_ptr<Call> dialling_again(Rig& rig) {
  rig.warm_up();
  auto call = rig.with_body(Method::Put, "PUT", 6);
  rig.start(*call);
  rig.dialler->slow = std::make_unique<MemoryDialler::Slow>();
  rig.origin(0).close();
  rig.run();
  call->body->push("abc");
  rig.run();  // the piece waits for the second connection
  return call;
}
std::unique_ptr<Call> awaiting_continue(Rig& rig) {
  auto call = rig.with_body(Method::Put, "PUT", 10);
  call->request.expects_continue = true;
  rig.start(*call);
  return call;
}
std::unique_ptr<Call> answering_early(Rig& rig) {
  auto call = rig.with_body(Method::Put, "PUT", 10);
  rig.exchange(*call, 0, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  if (!call->done()) throw std::logic_error("no answer");
  return call;
}
std::unique_ptr<Call> tunnelling(Rig& rig) {
  auto call = rig.connect("10.0.0.1:443");
  rig.start(*call);
  if (!call->done()) throw std::logic_error("no answer");
  return call;
}

const Scene kScenes[] = {dialling,       awaiting_head,     sending_head,    awaiting_client, sending_body,
                         dialling_again, awaiting_continue, answering_early, tunnelling};

}  // namespace

TEST_CASE("A call may be destroyed at any point", "[upstream][shutdown]") {
  for (const Scene scene : kScenes) {
    Rig rig(open_to_all());
    auto call = scene(rig);
    call->reply.reset();
    rig.worker.discard();
    CHECK(rig.counted().connections_active.get() == 0);
    CHECK(rig.counters.forward().connections_active.get() == 0);
    CHECK(rig.worker.deadlines().armed() == rig.pool->idle());
  }
}

TEST_CASE("A reply that is held while its worker ends can be destroyed afterwards", "[upstream][shutdown]") {
  for (const Scene scene : {answering_early, tunnelling}) {
    Rig rig(open_to_all());
    auto call = scene(rig);
    rig.worker.discard();
    call->reply.reset();
    CHECK(rig.counted().connections_active.get() == 0);
  }
}
