#include "freshet/http/message.hpp"

#include <catch2/catch.hpp>

#include "freshet/http/grammar.hpp"

using namespace freshet;

TEST_CASE("methods are known by their exact name, and have their properties", "[http][message][rfc9110-9.2]") {
  struct Case {
    const char* name;
    Method method;
    bool safe, idempotent;
  };
  const Case cases[] = {
      {"GET", Method::Get, true, true},          {"HEAD", Method::Head, true, true},
      {"POST", Method::Post, false, false},      {"PUT", Method::Put, false, true},
      {"DELETE", Method::Delete, false, true},   {"CONNECT", Method::Connect, false, false},
      {"OPTIONS", Method::Options, true, true},  {"TRACE", Method::Trace, true, true},
      {"PATCH", Method::Patch, false, false},    {"QUERY", Method::Query, true, true},
      {"M-SEARCH", Method::Other, false, false}, {"get", Method::Other, false, false},
      {"Get", Method::Other, false, false},      {"", Method::Other, false, false},
      {"GETX", Method::Other, false, false},     {"GE", Method::Other, false, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(parse_method(c.name) == c.method);
    CHECK(is_safe(c.method) == c.safe);
    CHECK(is_idempotent(c.method) == c.idempotent);
  }
}

TEST_CASE("known status codes have their phrase, all others none", "[http][message][rfc9110-15]") {
  CHECK(reason_phrase(100) == "Continue");
  CHECK(reason_phrase(103) == "Early Hints");
  CHECK(reason_phrase(200) == "OK");
  CHECK(reason_phrase(304) == "Not Modified");
  CHECK(reason_phrase(413) == "Content Too Large");
  CHECK(reason_phrase(502) == "Bad Gateway");
  CHECK(reason_phrase(504) == "Gateway Timeout");
  CHECK(reason_phrase(508) == "Loop Detected");
  CHECK(reason_phrase(511) == "Network Authentication Required");
  for (int status : {-1, 0, 99, 105, 199, 299, 306, 499, 512, 599, 999, 1000}) {
    CAPTURE(status);
    CHECK(reason_phrase(status) == "");
  }
  for (int status = 0; status < 1000; ++status) CHECK(is_field_value(reason_phrase(status)));
}
