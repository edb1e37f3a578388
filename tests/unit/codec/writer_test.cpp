#include <catch2/catch.hpp>
#include <cstdint>

#include "freshet/codec/h1_writer.hpp"
#include "reading.hpp"
#include "support/alloc_counter.hpp"

namespace freshet {

unsigned long bugs_found() noexcept;  // its header, base/check.hpp, has a CHECK of its own

namespace {

std::string text_of(const RenderedHead& head) {
  std::string text;
  for (std::size_t i = 0; i < head.count; ++i) text += head.pieces[i];
  CHECK(head.size() == text.size());
  return text;
}

std::string render(int status, FieldsView fields, std::vector<AddedField> added = {},
                   const OutgoingFraming& framing = {}) {
  Arena arena;
  return text_of(render_response_head({status, fields}, added, framing, arena));
}

RequestHead request(Method method, std::string_view name, std::string_view target) {
  RequestHead head;
  head.method = method;
  head.method_name = name;
  head.scheme = "http";
  head.authority = "example.com:8080";
  head.target = target;
  return head;
}

std::string render(const RequestHead& head, const OutgoingFraming& framing = {}, bool absolute = false) {
  std::string out = "before|";
  render_request_head(head, framing, absolute, out);
  REQUIRE(out.starts_with("before|"));
  return out.substr(7);
}

OutgoingFraming with_length(std::uint64_t length) {
  OutgoingFraming framing;
  framing.length = length;
  return framing;
}

}  // namespace

TEST_CASE("a response head is written as status line, fields, added lines and framing", "[codec][rfc9112-4]") {
  Fields fields;
  fields.add("Content-Type", "text/plain");
  fields.add("x-a", "");
  OutgoingFraming framing = with_length(12345678901234567890U);
  framing.keep_alive = true;
  CHECK(render(200, fields, {{FieldId::Age, "7"}, {FieldId::Via, "1.1 freshet"}}, framing) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nx-a: \r\nAge: 7\r\nVia: 1.1 freshet\r\n"
        "Content-Length: 12345678901234567890\r\nConnection: keep-alive\r\n\r\n");
  CHECK(render(103, {}) == "HTTP/1.1 103 Early Hints\r\n\r\n");
}

TEST_CASE("every status code gets a status line", "[codec][rfc9112-4]") {
  for (int status = 100; status < 1000; ++status) {
    const std::string code = std::to_string(status);
    CHECK(render(status, {}) == "HTTP/1.1 " + code + " " + std::string(reason_phrase(status)) + "\r\n\r\n");
  }
}

TEST_CASE("each part of the framing becomes its line", "[codec][rfc9112-6]") {
  const auto lines = [](auto change) {
    OutgoingFraming framing;
    change(framing);
    const std::string text = render(200, {}, {}, framing);
    CHECK(text.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(text.ends_with("\r\n\r\n"));
    return text.substr(17, text.size() - 19);
  };
  CHECK(lines([](auto&) {}).empty());
  CHECK(lines([](auto& f) { f.length = 0; }) == "Content-Length: 0\r\n");
  CHECK(lines([](auto& f) { f.length = UINT64_MAX; }) == "Content-Length: 18446744073709551615\r\n");
  CHECK(lines([](auto& f) { f.chunked = true; }) == "Transfer-Encoding: chunked\r\n");
  CHECK(lines([](auto& f) { f.close = true; }) == "Connection: close\r\n");
  CHECK(lines([](auto& f) { f.keep_alive = true; }) == "Connection: keep-alive\r\n");
  CHECK(lines([](auto& f) { f.close = f.keep_alive = true; }) == "Connection: close\r\n");
  CHECK(lines([](auto& f) { f.upgrade = "websocket"; }) == "Connection: upgrade\r\nUpgrade: websocket\r\n");
  CHECK(lines([](auto& f) { f.upgrade = "x", f.close = true; }) == "Connection: close, upgrade\r\nUpgrade: x\r\n");
  CHECK(lines([](auto& f) { f.upgrade = "x", f.keep_alive = true; }) ==
        "Connection: keep-alive, upgrade\r\nUpgrade: x\r\n");
}

TEST_CASE("fields in one block are not copied, fields with holes are", "[codec]") {
  Fields fields;
  fields.add("a", "1");
  fields.add("b", "2");
  fields.add("c", "3");
  Arena arena;
  const RenderedHead whole = render_response_head({200, fields}, {}, {}, arena);
  REQUIRE(whole.count == 3);
  CHECK(whole.pieces[1].data() == fields.view().wire()->data());
  fields.remove("b");
  CHECK(text_of(render_response_head({200, fields}, {}, {}, arena)) == "HTTP/1.1 200 OK\r\na: 1\r\nc: 3\r\n\r\n");
}

TEST_CASE("a response head costs no heap allocation", "[codec][performance]") {
  Fields fields;
  fields.add("Content-Type", "text/plain");
  const AddedField extra[] = {{FieldId::Age, "7"}, {FieldId::Via, "1.1 freshet"}};
  const OutgoingFraming framing = with_length(7);
  Arena arena;
  for (int status : {200, 299}) {
    (void)render_response_head({status, fields}, extra, framing, arena);
    arena.reset();
    AllocCounter counter;
    (void)render_response_head({status, fields}, extra, framing, arena);
    CHECK(counter.count() == 0);
  }
}

#ifdef NDEBUG  // a doubt ends a debug build
TEST_CASE("nothing that could end a line is written from a value", "[codec][rfc9110-5.5]") {
  using namespace std::string_view_literals;
  const unsigned long before = bugs_found();
  CHECK(render(200, {}, {{FieldId::Age, "b\r\nc: d"}, {FieldId::Via, "f\n"}, {FieldId::Date, "\0"sv}, {FieldId::Unknown, "j"}, {FieldId::ETag, "m"}}) ==
        "HTTP/1.1 200 OK\r\nETag: m\r\n\r\n");
  OutgoingFraming framing;
  framing.upgrade = "x\r\ny: z";
  CHECK(render(200, {}, {}, framing) == "HTTP/1.1 200 OK\r\n\r\n");
  framing = with_length(5);
  framing.chunked = true;
  CHECK(render(200, {}, {}, framing) == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK(render(99, {}) == "HTTP/1.1 500 Internal Server Error\r\n\r\n");
  CHECK(bugs_found() == before + 7);
}
#endif

TEST_CASE("a request head is written in the form that its receiver needs", "[codec][rfc9112-3.2]") {
  const auto first_lines = [](const RequestHead& head, bool absolute) {
    const std::string text = render(head, {}, absolute);
    CHECK(text.ends_with("\r\n\r\n"));
    return text.substr(0, text.size() - 4);
  };
  CHECK(first_lines(request(Method::Get, "GET", "/a?b"), false) == "GET /a?b HTTP/1.1\r\nHost: example.com:8080");
  CHECK(first_lines(request(Method::Get, "GET", "/a?b"), true) ==
        "GET http://example.com:8080/a?b HTTP/1.1\r\nHost: example.com:8080");
  CHECK(first_lines(request(Method::Options, "OPTIONS", "*"), false) == "OPTIONS * HTTP/1.1\r\nHost: example.com:8080");
  CHECK(first_lines(request(Method::Options, "OPTIONS", "*"), true) ==
        "OPTIONS http://example.com:8080 HTTP/1.1\r\nHost: example.com:8080");
  for (bool absolute : {false, true})
    CHECK(first_lines(request(Method::Connect, "CONNECT", "a:443"), absolute) ==
          "CONNECT a:443 HTTP/1.1\r\nHost: example.com:8080");
  CHECK(first_lines(request(Method::Other, "BREW", "/"), false) == "BREW / HTTP/1.1\r\nHost: example.com:8080");
  CHECK(first_lines(request(Method::Head, "", "/"), false) == "HEAD / HTTP/1.1\r\nHost: example.com:8080");
  RequestHead head = request(Method::Get, "GET", "/");
  head.authority = {};
  CHECK(first_lines(head, false) == "GET / HTTP/1.1\r\nHost: ");
  head = request(Method::Connect, "CONNECT", "a:443");
  head.authority = {};
  CHECK(first_lines(head, false) == "CONNECT a:443 HTTP/1.1\r\nHost: a:443");
}

TEST_CASE("a request head carries its fields and its framing", "[codec]") {
  RequestHead head = request(Method::Post, "POST", "/");
  head.fields.add("a", "1");
  head.fields.add("b", "2");
  OutgoingFraming framing;
  framing.chunked = true;
  framing.close = true;
  const std::string tail = "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
  const std::string start = "POST / HTTP/1.1\r\nHost: example.com:8080\r\n";
  CHECK(render(head, framing) == start + "a: 1\r\nb: 2\r\n" + tail);
  head.fields.remove("a");
  CHECK(render(head, framing) == start + "b: 2\r\n" + tail);
}

TEST_CASE("what was read is written so that it is read the same", "[codec]") {
  const std::string text =
      "POST http://Example.com/x HTTP/1.1\r\nHost: example.com\r\nA:b\r\nConnection: z, upgrade\r\nUpgrade: w\r\nz: "
      "1\r\n"
      "Content-Length: 3\r\nA: \t c \r\n\r\n";
  H1RequestReader reader{HeadLimits{}};
  Arena arena;
  ParsedRequest parsed;
  REQUIRE(reader.read_head(text, parsed, arena).state == HeadProgress::State::Complete);
  OutgoingFraming framing = with_length(parsed.framing.length);
  framing.upgrade = parsed.upgrade;
  CHECK(render(parsed.head, framing) ==
        "POST /x HTTP/1.1\r\nHost: example.com\r\nA: b\r\nA: c\r\nContent-Length: 3\r\nConnection: upgrade\r\nUpgrade: "
        "w\r\n\r\n");
}

TEST_CASE("chunks are framed in hexadecimal", "[codec][rfc9112-7.1]") {
  const auto start = [](std::uint64_t size) {
    std::array<char, 20> room;
    return std::string(render_chunk_start(size, room));
  };
  CHECK(start(0) == "0\r\n");
  CHECK(start(1) == "1\r\n");
  CHECK(start(255) == "ff\r\n");
  CHECK(start(65536) == "10000\r\n");
  CHECK(start(UINT64_MAX) == "ffffffffffffffff\r\n");

  std::string out = "x";
  render_last_chunk(nullptr, out);
  CHECK(out == "x0\r\n\r\n");
  Fields trailers;
  trailers.add("a", "1");
  trailers.add("b", "2");
  out.clear();
  render_last_chunk(&trailers, out);
  CHECK(out == "0\r\na: 1\r\nb: 2\r\n\r\n");
  trailers.remove("a");
  out.clear();
  render_last_chunk(&trailers, out);
  CHECK(out == "0\r\nb: 2\r\n\r\n");
}

}  // namespace freshet
