// The reader that judges in fuzz_connections can say no.
#include "fuzz/strict_http1.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace freshet::fuzz;

namespace {

Strict request(const std::string& text) {
  StrictMessage message;
  return read_request(text, message);
}

Strict response(const std::string& text, const Asked& asked = {}) {
  StrictMessage message;
  return read_response(text, asked, message);
}

}  // namespace

TEST_CASE("the strict reader takes requests as RFC 9112 wants them written", "[fuzz][rfc9112-3]") {
  for (const char* text : {
           "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
           "POST /x HTTP/1.1\r\nHost:\r\nContent-Length: 5\r\n\r\nhello",
           "PUT /x HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA\r\n0123456789\r\n0\r\nT: "
           "v\r\n\r\n",
       }) {
    const std::string whole = text;
    INFO(whole);
    CHECK(request(whole) == Strict::Complete);
    for (std::size_t size = 0; size < whole.size(); ++size) REQUIRE(request(whole.substr(0, size)) == Strict::NeedMore);
    StrictMessage message;
    REQUIRE(read_request(whole + whole, message) == Strict::Complete);
    CHECK(message.size == whole.size());
  }
}

TEST_CASE("the strict reader refuses requests that could be read in two ways", "[fuzz][rfc9112-6.3]") {
  const std::string start = "POST /x HTTP/1.1\r\nHost: a\r\n", chunked = start + "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::string& text : {
           std::string("GET / HTTP/1.0\r\nHost: a\r\n\r\n"),
           std::string("GET / HTTP/1.1\r\n\r\n"),
           std::string("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string("GET /\t HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string("G(T / HTTP/1.1\r\nHost: a\r\n\r\n"),
           start + "Host: b\r\n\r\n",
           start + "X : y\r\n\r\n",
           start + " X: y\r\n\r\n",
           start + "X: y\n\r\n",
           start + "X: y\rz\r\n\r\n",
           start + "X: \x01\r\n\r\n",
           start + "Content-Length: +5\r\n\r\n",
           start + "Content-Length: 5, 5\r\n\r\n",
           start + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
           start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
           start + "Transfer-Encoding: gzip, chunked\r\n\r\n",
           chunked + "5 \r\nhello\r\n",
           chunked + "5;x=y\r\nhello\r\n",
           chunked + "5\nhello\r\n",
           chunked + "5\r\nhello!\r\n",
           chunked + "\r\n",
           chunked + "FFFFFFFFFFFFFFFF\r\n",
           chunked + "0\r\nContent-Length: 5\r\n\r\n",
       }) {
    INFO(text);
    CHECK(request(text) == Strict::Bad);
  }
}

TEST_CASE("the strict reader knows where a response ends", "[fuzz][rfc9112-6.3]") {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  Asked to_head, connect, http10, http10_at_end;
  to_head.head = true;
  connect.connect = true;
  http10.http10 = http10_at_end.http10 = http10_at_end.at_end = true;
  CHECK(response(head + "Content-Length: 2\r\n\r\nhi") == Strict::Complete);
  CHECK(response(head + "Content-Length: 3\r\n\r\nhi") == Strict::NeedMore);
  CHECK(response(head + "Content-Length: 3\r\n\r\n", to_head) == Strict::Complete);
  CHECK(response(head + "\r\n", connect) == Strict::Complete);
  CHECK(response("HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n") == Strict::Complete);
  CHECK(response("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n") == Strict::Complete);
  CHECK(response(head + "\r\nhi", http10) == Strict::NeedMore);
  CHECK(response(head + "\r\nhi", http10_at_end) == Strict::Complete);

  CHECK(response(head + "\r\nhi") == Strict::Bad);
  CHECK(response(head + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n") == Strict::Bad);
  CHECK(response(head + "Transfer-Encoding: chunked\r\n\r\n", http10) == Strict::Bad);
  CHECK(response(head + "Content-Length: 0\r\n\r\n", connect) == Strict::Bad);
  CHECK(response("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n") == Strict::Bad);
  CHECK(response("HTTP/1.1 20 OK\r\n\r\n") == Strict::Bad);
  CHECK(response("HTTP/1.0 200 OK\r\n\r\n") == Strict::Bad);
  CHECK(response("hi\r\n") == Strict::Bad);
}
