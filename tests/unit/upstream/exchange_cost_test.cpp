// What nearly every exchange does is done with few calls and in memory that was used before.
#include <catch2/catch.hpp>

#include "../../../src/upstream/arrived_bytes.hpp"
#include "../../../src/upstream/reply_head.hpp"
#include "origin_rig.hpp"
#include "support/alloc_counter.hpp"

using namespace freshet;
using namespace freshet::test;

namespace {
std::vector<MemoryTransport*> ours;  // our ends of the connections

std::string ok(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}
}  // namespace

TEST_CASE("An exchange on a kept connection is one look at it, one write and one read", "[upstream][exchange]") {
  Rig rig;
  ours.clear();
  rig.dialler->prepare = [](MemoryTransport& here) { ours.push_back(&here); };
  rig.warm_up();
  const std::size_t reads = ours.at(0)->reads(), writes = ours.at(0)->writes();
  auto call = rig.get();
  rig.exchange(*call, 0, ok("small"));
  REQUIRE(call->done());
  CHECK(rig.body_of(*call).text == "small");
  CHECK(ours.at(0)->reads() - reads == 2);
  CHECK(ours.at(0)->writes() - writes == 1);
}

TEST_CASE("A request that waits for its origin holds no buffer", "[upstream][exchange][alloc]") {
  Rig rig;
  rig.warm_up();
  const AllocCounter allocations;
  std::vector<decltype(rig.get())> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(rig.get());
    rig.start(*waiting.back());
  }
  CHECK(allocations.bytes() < SpareBuffers::kUsual);
  for (std::size_t i = 0; i < waiting.size(); ++i) rig.origin(i).push(ok("x"));
  rig.run();
  for (auto& call : waiting) CHECK(call->done());
}

TEST_CASE("A small body stays what it is while its connection carries the next one", "[upstream][exchange]") {
  Rig rig;
  auto first = rig.get("/1");
  rig.exchange(*first, 0, ok("the first body"));
  REQUIRE(first->done());
  CHECK(rig.pool->idle() == 1);
  auto second = rig.get("/2");
  rig.exchange(*second, 0, ok("another, and a longer one"));
  REQUIRE(second->done());
  CHECK(rig.origins() == 1);
  CHECK(rig.body_of(*first).text == "the first body");
  CHECK(rig.body_of(*second).text == "another, and a longer one");
}

TEST_CASE("A head that was read stays what it is while others come", "[upstream][exchange]") {
  Rig rig;
  auto first = rig.get("/1");
  rig.exchange(*first, 0, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Name: first\r\n\r\n");
  REQUIRE(first->done());
  for (int i = 0; i < 3; ++i) {
    auto other = rig.get("/2");
    rig.exchange(*other, 0, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Name: other\r\nX-More: 1\r\n\r\n");
    REQUIRE(other->done());
    CHECK(block_of(other->reply->head.fields) == "X-Name: other\nX-More: 1\n");
  }
  CHECK(block_of(first->reply->head.fields) == "X-Name: first\n");
}

TEST_CASE("A write that has to wait goes on where it stopped", "[upstream][exchange]") {
  Rig rig;
  rig.dialler->prepare = [](MemoryTransport& here) { here.set_send_capacity(10); };
  auto call = rig.get("/some/path");
  rig.start(*call);
  std::string sent;
  for (std::string part; !(part = rig.origin(0).pull()).empty(); rig.run()) sent += part;
  CHECK(sent.starts_with("GET /some/path HTTP/1.1\r\n"));
  CHECK(sent.ends_with("\r\n\r\n"));
  rig.origin(0).push(ok("x"));
  rig.run();
  REQUIRE(call->done());
  CHECK(rig.body_of(*call).text == "x");
}

TEST_CASE("The buffer that was given back last is taken next, and few are kept", "[upstream][buffers]") {
  SpareBuffers spare;
  SpareBuffers::Buffer first = spare.take(SpareBuffers::kUsual);
  std::byte* const at = first.get();
  spare.give_back(std::move(first), SpareBuffers::kUsual);
  CHECK(spare.take(2 * SpareBuffers::kUsual).get() != at);
  SpareBuffers::Buffer again = spare.take(SpareBuffers::kUsual);
  CHECK(again.get() == at);
  for (std::size_t i = 0; i < 2 * SpareBuffers::kKept; ++i)
    spare.give_back(std::make_unique_for_overwrite<std::byte[]>(SpareBuffers::kUsual), SpareBuffers::kUsual);
  spare.give_back(std::move(again), SpareBuffers::kUsual);
  CHECK(spare.take(SpareBuffers::kUsual).get() != at);
}

TEST_CASE("Bytes that arrived move along into a larger buffer", "[upstream][buffers]") {
  SpareBuffers spare;
  ArrivedBytes bytes(spare);
  const std::span<std::byte> room = bytes.space(SpareBuffers::kUsual);
  REQUIRE(room.size() == SpareBuffers::kUsual);
  std::fill(room.begin(), room.end(), std::byte{'a'});
  room[7] = std::byte{'b'};
  bytes.commit(room.size());
  bytes.consume(7);
  CHECK(bytes.space(2 * SpareBuffers::kUsual).size() == SpareBuffers::kUsual + 7);
  CHECK(bytes.size() == SpareBuffers::kUsual - 7);
  CHECK(bytes.data()[0] == std::byte{'b'});
  bytes.consume(bytes.size());
  CHECK(bytes.space(1).size() == 2 * SpareBuffers::kUsual);
}

TEST_CASE("A head's memory is used again, but not a large one's", "[upstream][buffers]") {
  Ref<ReplyHead> head = ReplyHead::make();
  head->fields.add("X-Name", "value");
  const ReplyHead* const at = head.get();
  const char* const block = head->fields.view()[0].name.data();
  head = nullptr;
  head = ReplyHead::make();
  CHECK(head.get() == at);
  CHECK(head->fields.empty());
  head->fields.add("Y", "1");
  CHECK(head->fields.view()[0].name.data() == block);
  head->large = true;
  head = nullptr;
  Ref<ReplyHead> next = ReplyHead::make();
  CHECK(next->fields.empty());
  CHECK_FALSE(next->large);
}
