#include <catch2/catch.hpp>

#include "reading.hpp"

namespace freshet {
namespace {

FramingVerdict framing_of(BodyKind kind, std::uint64_t length = 0) {
  FramingVerdict framing;
  framing.body = kind;
  framing.length = length;
  return framing;
}

std::string read_chunked(std::string_view text) { return read_body(chunked_framing(), {text}); }

// One byte at a time, every way to cut into two, and for short texts every way to cut into three.
void check_splits(std::string_view text, std::size_t max_trailer_bytes = 8 * 1024) {
  const auto read = [&](const std::vector<std::string_view>& pieces) {
    return read_body(chunked_framing(), pieces, max_trailer_bytes);
  };
  const std::string whole = read({text});
  INFO(text);
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < text.size(); ++i) bytes.push_back(text.substr(i, 1));
  CHECK(read(bytes) == whole);
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (read({text.substr(0, i), text.substr(i)}) != whole) FAIL_CHECK("cut at " << i << " gives another result");
    if (text.size() > 64) continue;
    for (std::size_t j = i + 1; j < text.size(); ++j)
      if (read({text.substr(0, i), text.substr(i, j - i), text.substr(j)}) != whole)
        FAIL_CHECK("cut at " << i << ", " << j);
  }
}

std::string trailers(std::size_t count) {
  std::string text = "0\r\n";
  for (std::size_t i = 0; i < count; ++i) text += "x" + std::to_string(i) + ": y\r\n";
  return text + "\r\n";
}

}  // namespace

TEST_CASE("a body with a length ends after its last byte", "[codec][rfc9112-6.2]") {
  CHECK(read_body(framing_of(BodyKind::Length, 5), {"hel", "loGET"}) == "hello|end after 5\n");
  CHECK(read_body(framing_of(BodyKind::Length, 5), {"hell"}) == "hell|unfinished");
  CHECK(read_body(framing_of(BodyKind::Length, 0), {"GET"}) == "|end after 0\n");
  H1BodyReader reader;
  reader.start(framing_of(BodyKind::Length, 2), TrailerRules::Refuse);
  const ExactBytes bytes("abc");
  CHECK_FALSE(reader.done());
  const auto step = reader.step(bytes.bytes());
  CHECK(step.state == H1BodyReader::Step::State::Data);
  CHECK(step.data.size() == 2);
  CHECK(reader.done());  // the last byte is known to be the last
}

TEST_CASE("a message without body has none, and a tunnel and an unframed body last until the connection ends",
          "[codec][rfc9112-6.3]") {
  CHECK(read_body(framing_of(BodyKind::None), {"GET"}) == "|end after 0\n");
  CHECK(read_body(framing_of(BodyKind::UntilClose), {"a", "", "bc"}) == "abc|closed");
  CHECK(read_body(framing_of(BodyKind::Tunnel), {"a", "bc"}) == "abc|closed");
  H1BodyReader reader;
  CHECK(reader.done());
  CHECK(reader.end_of_input());
}

TEST_CASE("a chunked body is cut out of its chunks", "[codec][rfc9112-7.1]") {
  CHECK(read_chunked("5\r\nhello\r\n0\r\n\r\nGET") == "hello|end after 15\n");
  CHECK(read_chunked("0\r\n\r\n") == "|end after 5\n");
  CHECK(read_chunked("000\r\n\r\n") == "|end after 7\n");
  CHECK(read_chunked("a\r\n0123456789\r\nA\r\n0123456789\r\n00000001\r\nx\r\n0\r\n\r\n")
            .starts_with("01234567890123456789x|end"));
  CHECK(read_chunked("5\r\nhello\r\n0\r\n") == "hello|unfinished");
  CHECK(read_chunked("5\r\nhello\r\n") == "hello|unfinished");
  CHECK(read_chunked("5\r\nhel") == "hel|unfinished");
}

TEST_CASE("chunk extensions are checked and dropped", "[codec][rfc9112-7.1.1]") {
  for (const char* extension : {";a", ";a=b", ";a=\"b\"", ";a;b=c;d=\"\"", " ;a", "\t ; \ta = b ; c",
                                ";a=\"x;\\\"\\\\ \t\xff\"", ";a=\"q\" ;b", ";a ;b", ";!#$%&'*+-.^_`|~=1"}) {
    INFO(extension);
    CHECK(read_chunked("1" + std::string(extension) + "\r\nx\r\n0" + extension + "\r\n\r\n").starts_with("x|end"));
  }
}

TEST_CASE("malformed chunks are refused", "[codec][rfc9112-7.1]") {
  using namespace std::string_view_literals;
  for (const std::string_view bad :
       {"\r\n"sv,       "x\r\n"sv,          " 5\r\n"sv,      "5 \r\n"sv,         "5\t\r\n"sv,    "5\n"sv,
        "5\r5"sv,       "5\r\r\n"sv,        "0x5\r\n"sv,     "+5\r\n"sv,         "-5\r\n"sv,     "5;\r\n"sv,
        "5;=a\r\n"sv,   "5;a=\r\n"sv,       "5;a=\"b\r\n"sv, "5;a=\"b\"c\r\n"sv, "5;a b\r\n"sv,  "5;a \r\n"sv,
        "5;a=b \r\n"sv, "5;a=\"b\" \r\n"sv, "5;a\n"sv,       "5;a=\"\n"sv,       "5;a=\"\\\n"sv, "5;a=\"\0"sv,
        "5;\x01"sv,     "5;a=\x7f"sv,       "5 5\r\n"sv,     "5,a\r\n"sv,        ";a\r\n"sv,     "5;a=b=c\r\n"sv,
        "5;(\r\n"sv,    "5;;a\r\n"sv,       "5_\r\n"sv,      "g\r\n"sv,          "\x16"sv}) {
    INFO(bad);
    CHECK(read_chunked(bad) == "|bad-chunk");
  }
  CHECK(read_chunked("1\r\nxy") == "x|bad-chunk");
  CHECK(read_chunked("1\r\nx\n0\r\n\r\n") == "x|bad-chunk");
  CHECK(read_chunked("1\r\nx\ry") == "x|bad-chunk");
  CHECK(read_chunked("1\r\nx0\r\n\r\n") == "x|bad-chunk");
}

TEST_CASE("a chunk size that is too large for anybody is refused", "[codec][rfc9112-7.1]") {
  CHECK(read_chunked("7fffffffffffffff\r\nx") == "x|unfinished");
  CHECK(read_chunked("8000000000000000\r\nx") == "|bad-chunk");
  CHECK(read_chunked("ffffffffffffffff\r\nx") == "|bad-chunk");
  CHECK(read_chunked("10000000000000000\r\nx") == "|bad-chunk");
  CHECK(read_chunked("10000000000000005\r\nhello") == "|bad-chunk");
  CHECK(read_chunked("0000000000000001\r\nx") == "x|unfinished");
  CHECK(read_chunked("00000000000000001\r\nx") == "|bad-chunk");
}

TEST_CASE("chunk extensions are bounded in one line and in proportion to the data", "[codec][rfc9112-7.1.1]") {
  const auto line = [](std::string_view size, std::size_t bytes) {  // `bytes` with CRLF
    return std::string(size) + ";" + std::string(bytes - size.size() - 3, 'e') + "\r\n";
  };
  CHECK(read_chunked(line("1", H1BodyReader::kMaxChunkLine) + "x") == "x|unfinished");
  CHECK(read_chunked(line("1", H1BodyReader::kMaxChunkLine + 1) + "x") == "|bad-chunk");
  CHECK(read_chunked("1;" + std::string(H1BodyReader::kMaxChunkLine, 'e')) == "|bad-chunk");  // without an end

  std::string many_tiny;
  for (int i = 0; i < 1000; ++i) many_tiny += line("1", 100) + "x\r\n";
  CHECK(read_chunked(many_tiny).ends_with("|bad-chunk"));
  std::string many_signed;  // as some object stores want it
  for (int i = 0; i < 1000; ++i) many_signed += line("400", 88) + std::string(1024, 'x') + "\r\n";
  CHECK(read_chunked(many_signed + "0\r\n\r\n").find("|end") == 1000 * 1024);
  std::string many_plain;
  for (int i = 0; i < 10000; ++i) many_plain += "1\r\nx\r\n";
  CHECK(read_chunked(many_plain + "0\r\n\r\n").find("|end") == 10000);
}

TEST_CASE("trailers are read after the last chunk", "[codec][rfc9112-7.1.2]") {
  CHECK(read_chunked("1\r\nx\r\n0\r\nA: b\r\nC:d \r\n\r\nGET") == "x|end after 23\nA: b\nC: d\n");
}

TEST_CASE("P4: trailers that may not be there: a request is refused, of a response they are dropped",
          "[codec][rfc9110-6.5.1]") {
  for (const std::string name :
       {"Content-Length", "Transfer-Encoding", "Host", "Connection", "TE", "Authorization", "Proxy-Authorization",
        "Cookie", "Content-Type", "Cache-Control", "X-Forwarded-Host", "X-HTTP-Method-Override", "Max-Forwards"}) {
    CAPTURE(name);
    const std::string text = "0\r\nX-Sum: 1\r\n" + name + ": 1\r\n\r\n";
    CHECK(read_body(chunked_framing(), {text}, 8 * 1024, TrailerRules::Refuse) == "|bad-trailer");
    CHECK(read_body(chunked_framing(), {text}, 8 * 1024, TrailerRules::Drop).ends_with("\nX-Sum: 1\n"));
  }
  CHECK(read_body(chunked_framing(), {"0\r\nHost: a\r\n\r\n"}, 8 * 1024, TrailerRules::Drop) ==
        "|end after 14\n");  // nothing left of them
}

TEST_CASE("malformed trailers are refused", "[codec][rfc9112-7.1.2]") {
  using namespace std::string_view_literals;
  for (const std::string_view bad : {"x\r\n"sv, "x : y\r\n"sv, ": y\r\n"sv, " x: y\r\n"sv, "a: b\r\n c\r\n"sv,
                                     "a: b\n"sv, "\n"sv, "\rx\n"sv, "a: \0\r\n"sv, "a: b\rc\r\n"sv, "a: \x7f\r\n"sv}) {
    INFO(bad);
    CHECK(read_chunked("0\r\n" + std::string(bad) + "\r\n") == "|bad-trailer");
  }
}

TEST_CASE("trailers are bounded in bytes and in number", "[codec]") {
  CHECK(read_chunked(trailers(H1BodyReader::kMaxTrailerFields)).starts_with("|end"));
  CHECK(read_chunked(trailers(H1BodyReader::kMaxTrailerFields + 1)) == "|bad-trailer");
  const auto read = [](std::string_view text, std::size_t bytes) {
    return read_body(chunked_framing(), {text}, bytes);
  };
  const std::string_view ten = "0\r\na: b\r\nc:\r\n\r\n";
  CHECK(read(ten, 10).starts_with("|end"));
  CHECK(read(ten, 9) == "|bad-trailer");
  CHECK(read("0\r\n\r\n", 0).starts_with("|end"));
  CHECK(read("0\r\na", 0) == "|unfinished");
  CHECK(read("0\r\naaa", 0) == "|bad-trailer");  // no line end needed to see it
  CHECK(read("0\r\n" + std::string(10, 'a'), 8) == "|unfinished");
  CHECK(read("0\r\n" + std::string(11, 'a'), 8) == "|bad-trailer");
}

TEST_CASE("the result does not depend on how a chunked body is cut into reads", "[codec]") {
  for (const char* text :
       {"5\r\nhello\r\n0\r\n\r\nGET", "5;a=\"b\\\"c\" ; d = e\r\nhello\r\n0;x\r\nA: b\r\nHost: c\r\n\r\nGET",
        "5\r\nhello0\r\n\r\n", "5 \r\nhello", "1\r\nx\r\n1\r\ny\r\n0\r\na\r\n\r\n", "0\r\na: b\n\r\n",
        "0\r\na: b\r\n c\r\n\r\n", "8000000000000000\r\n", "00000000000000000\r\n"})
    check_splits(text);
  for (std::size_t bytes = 0; bytes < 14; ++bytes) check_splits("0\r\na: b\r\nc:\r\n\r\n", bytes);
}

TEST_CASE("bad stays bad, end stays end, and start makes all new", "[codec]") {
  using State = H1BodyReader::Step::State;
  H1BodyReader reader;
  reader.start(chunked_framing(), TrailerRules::Refuse);
  const ExactBytes bad("zz"), good("0\r\na: b\r\n\r\n0");
  CHECK(reader.step(bad.bytes()).state == State::Bad);
  CHECK(reader.step(good.bytes()).state == State::Bad);
  CHECK_FALSE(reader.done());
  CHECK_FALSE(reader.end_of_input());
  CHECK(reader.trailers() == nullptr);
  reader.start(chunked_framing(), TrailerRules::Refuse);
  CHECK(reader.step(good.bytes()).consumed == 11);
  CHECK(reader.done());
  CHECK(reader.trailers() != nullptr);
  CHECK(reader.step(good.bytes()).state == State::End);
  CHECK(reader.step(good.bytes()).consumed == 0);
  reader.start(chunked_framing(), TrailerRules::Refuse);
  CHECK(reader.trailers() == nullptr);
}

}  // namespace freshet
