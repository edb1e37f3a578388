#include "freshet/http/structured.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "freshet/http/grammar.hpp"

using namespace freshet;

namespace {

// "key=Kind:content", one after the other, or "invalid".
std::string shown(std::string_view text) {
  const auto members = parse_dictionary(text);
  if (!members) return "invalid";
  std::string out;
  for (const DictionaryMember& m : *members) {
    using Kind = DictionaryMember::Kind;
    out += (out.empty() ? "" : " ") + std::string(m.key) + "=";
    switch (m.kind) {
      case Kind::Boolean:
        out += m.boolean ? "true" : "false";
        break;
      case Kind::Integer:
        out += "int:" + std::to_string(m.integer);
        break;
      case Kind::Decimal:
        out += "dec:" + std::string(m.text);
        break;
      case Kind::String:
        out += "str:" + std::string(m.text);
        break;
      case Kind::Token:
        out += "tok:" + std::string(m.text);
        break;
      case Kind::Bytes:
        out += "bin:" + std::string(m.text);
        break;
      case Kind::InnerList:
        out += "list:" + std::string(m.text);
        break;
      case Kind::Date:
        out += "date:" + std::to_string(m.integer);
        break;
      case Kind::Display:
        out += "disp:" + std::string(m.text);
        break;
    }
  }
  return out;
}

}  // namespace

TEST_CASE("a dictionary has members of every type", "[http][structured][rfc9651-3.2]") {
  struct Case {
    const char *text, *expected;
  };
  const Case cases[] = {
      {"", ""},
      {"   ", ""},
      {"a", "a=true"},
      {"  a  ", "a=true"},
      {"a\t", "a=true"},
      {"a=?1", "a=true"},
      {"a=?0", "a=false"},
      {"a,b", "a=true b=true"},
      {"a , b\t,\t c", "a=true b=true c=true"},
      {"*a.b-c_9=1", "*a.b-c_9=int:1"},
      {"a=0", "a=int:0"},
      {"a=-0", "a=int:0"},
      {"a=-42", "a=int:-42"},
      {"a=007", "a=int:7"},
      {"a=999999999999999", "a=int:999999999999999"},
      {"a=-999999999999999", "a=int:-999999999999999"},
      {"a=1.5", "a=dec:1.5"},
      {"a=-0.125", "a=dec:-0.125"},
      {"a=123456789012.123", "a=dec:123456789012.123"},
      {"a=\"\"", "a=str:"},
      {"a=\"x, y=z;\"", "a=str:x, y=z;"},
      {"a=\"q\\\"b\\\\\"", "a=str:q\\\"b\\\\"},
      {"a=tok", "a=tok:tok"},
      {"a=*x", "a=tok:*x"},
      {"a=A:b/c!#$%&'*+-.^_`|~1", "a=tok:A:b/c!#$%&'*+-.^_`|~1"},
      {"a=::", "a=bin:"},
      {"a=:YWJj:", "a=bin:YWJj"},
      {"a=:YQ==:", "a=bin:YQ=="},
      {"a=:YQ:", "a=bin:YQ"},
      {"a=:+/8=:", "a=bin:+/8="},
      {"a=()", "a=list:()"},
      {"a=(  )", "a=list:(  )"},
      {"a=(1 \"x\" tok;p)", "a=list:(1 \"x\" tok;p)"},
      {"a=( 1  2 );q=3", "a=list:( 1  2 )"},
      {"a=@1659578233", "a=date:1659578233"},
      {"a=@-1", "a=date:-1"},
      {"a=%\"\"", "a=disp:"},
      {"a=%\"f%c3%bc\"", "a=disp:f%c3%bc"},
      {"a=%\"%e2%82%ac %f0%9f%98%80\"", "a=disp:%e2%82%ac %f0%9f%98%80"},
      {"a;p", "a=true"},
      {"a;p=1;q=\"x\";*r=:YQ==:; s", "a=true"},
      {"a=1;p, b", "a=int:1 b=true"},
      {"a=1, b=2, a=3", "a=int:3 b=int:2"},
      {"a=1, a", "a=true"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(shown(c.text) == c.expected);
  }
}

TEST_CASE("one fault makes the whole dictionary invalid", "[http][structured][rfc9651-4.2]") {
  for (const char* text : {
           ",",
           "a,",
           "a, ",
           ",a",
           "a,,b",
           "a b",
           "A",
           "aB",
           "1a",
           "-a",
           "_a",
           "a=",
           "a =1",
           "a= 1",
           "=1",
           "a==1",
           "&&&&&",
           "a, &",
           "\ta",
           "a\x01",
           "\xC3\xA4",
           // numbers
           "a=-",
           "a=--1",
           "a=+1",
           "a=.5",
           "a=1.",
           "a=1.5.5",
           "a=1.2345",
           "a=1000000000000000",
           "a=1234567890123.1",
           "a=-.5",
           "a=1e5",
           "a=0x1",
           "a=1 2",
           "a=- 1",
           // strings
           "a=\"",
           "a=\"x",
           "a=\"x\\\"",
           "a=\"\\x\"",
           "a=\"\\",
           "a=\"\x7f\"",
           "a=\"\t\"",
           "a=\"\xC3\xA4\"",
           "a='x'",
           "a=\"x\"y",
           // tokens and booleans
           "a=!x",
           "a=x\"y\"",
           "a=x@",
           "a=?",
           "a=?2",
           "a=?true",
           "a=?11",
           // byte sequences
           "a=:",
           "a=:YWJj",
           "a=:Y:",
           "a=:Y===:",
           "a=:YWJj=:",
           "a=:YQ=:",
           "a=:=:",
           "a=:Y-_j:",
           "a=:Y Q:",
           "a=:Y=Q=:",
           // inner lists
           "a=(",
           "a=(1",
           "a=(1,2)",
           "a=(1\t2)",
           "a=((1))",
           "a=(1)2",
           "a=(\"a\"\"b\")",
           "a=)",
           "a=(1 ;p)",
           "a=(1;)",
           // dates and display strings
           "a=@",
           "a=@1.5",
           "a=@x",
           "a=@ 1",
           "a=%",
           "a=%x",
           "a=%\"",
           "a=%\"x",
           "a=%\"%\"",
           "a=%\"%c\"",
           "a=%\"%C3%BC\"",
           "a=%\"%c3\"",
           "a=%\"%ff\"",
           "a=%\"%80\"",
           "a=%\"%c0%80\"",
           "a=%\"%ed%a0%80\"",
           "a=%\"%e0%80%80\"",
           "a=%\"%f4%90%80%80\"",
           "a=%\"%f8%88%80%80%80\"",
           "a=%\"%c3x\"",
           "a=%\"\xC3\xBC\"",
           "a=%\"\t\"",
           "a=%\"%c3\\\"",
           // parameters
           "a;",
           "a; ",
           "a;P",
           "a;p=",
           "a;p= 1",
           "a;p =1",
           "a ;p",
           "a;p=(1)",
           "a;=1",
           "a=1;p=\"",
           "a;\tp",
       }) {
    CAPTURE(text);
    CHECK(shown(text) == "invalid");
  }
  CHECK(shown(std::string_view("a\0", 2)) == "invalid");
}

TEST_CASE("every cut of a valid dictionary is read or refused without a crash", "[http][structured][rfc9651-4.2]") {
  const std::string good = "a=1;p=\"x\", b=(1 \"y\";q tok), c=:YWJj:, d=%\"%c3%bc\", e=@12, f=?0, g=1.25, h=\"z\\\"\"";
  REQUIRE(parse_dictionary(good)->size() == 8);
  for (std::size_t i = 0; i < good.size(); ++i) {
    const std::string head = good.substr(0, i), tail = good.substr(i);
    if (const auto members = parse_dictionary(head)) CHECK(members->size() <= 8);
    if (const auto members = parse_dictionary(tail)) CHECK(members->size() <= 8);
  }
}

TEST_CASE("1024 members are read, more are refused", "[http][structured][rfc9651-3.2]") {
  std::string text;
  for (int i = 0; i < 1024; ++i) text += (i ? ",k" : "k") + std::to_string(i);
  REQUIRE(parse_dictionary(text));
  CHECK(parse_dictionary(text)->size() == 1024);
  CHECK(parse_dictionary(text + ",k7"));
  CHECK_FALSE(parse_dictionary(text + ",k1024"));
}

TEST_CASE("a written string holds any text and is read back", "[http][structured][rfc9651-4.1.6]") {
  const auto written = [](std::string_view text) {
    std::string out = ">";
    append_sf_string(out, text);
    return out;
  };
  CHECK(written("") == ">\"\"");
  CHECK(written("a b") == ">\"a b\"");
  CHECK(written("a\"b\\c") == ">\"a\\\"b\\\\c\"");
  CHECK(written("a\r\nb\x7f\xC3\xA4\t") == ">\"a??b????\"");
  for (int i = 0; i < 256; ++i) {
    const std::string text(2, static_cast<char>(i));
    const std::string member = "a=" + written(text).substr(1);
    CAPTURE(i);
    REQUIRE(parse_dictionary(member));
    CHECK(unquote(member.substr(2)) == (i >= 0x20 && i < 0x7F ? text : "??"));
  }
}

TEST_CASE("a token starts with a letter or a star", "[http][structured][rfc9651-3.3.4]") {
  for (const char* good : {"a", "*", "A:/!", "hit", "a1", "*/*"}) CHECK(is_sf_token(good));
  for (const char* bad : {"", "1a", "-a", "a b", "a\"", ":a", "/", "a,b", "a;b", "\xC3"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_sf_token(bad));
  }
}
