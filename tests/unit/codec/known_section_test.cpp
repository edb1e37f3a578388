#include "freshet/codec/known_section.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "reading.hpp"

using namespace freshet;

namespace {

const std::vector<std::string> kSections{
    "Host: a.test\r\n\r\n",
    "Host: a.test\r\nAccept: */*\r\n\r\n",
    "Host: A.test:80\r\nUser-Agent: x\r\nAccept-Encoding: gzip\r\n\r\n",
    "Host: a.test:443\r\n\r\n",
    "Host: a.test:8080\r\nConnection: close\r\n\r\n",
    "Host: a.test\r\nConnection: keep-alive, X-Own\r\nX-Own: 1\r\nX-Other: 2\r\n\r\n",
    "Host: a.test\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\n\r\n",
    "Host: a.test\r\nContent-Length: 0\r\n\r\n",
    "Host: a.test\r\nContent-Length: 5\r\n\r\n",
    "Host: a.test\r\nTransfer-Encoding: chunked\r\n\r\n",
    "Host: a.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "Host: a.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    "Host: a.test\r\nExpect: 100-continue\r\n\r\n",
    "Host: a.test\r\nExpect: else\r\n\r\n",
    "Host: a.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "Host: a.test\r\nUpgrade: websocket\r\n\r\n",
    "Host: a.test\r\nCookie: a=b\r\n\r\n",
    "Host: a.test\r\nAuthorization: Basic YTpi\r\n\r\n",
    "Host: a.test\r\nProxy-Authorization: Basic YTpi\r\n\r\n",
    "Host: a.test\r\nHost: a.test\r\n\r\n",
    "Host: a b\r\n\r\n",
    "Host:\r\n\r\n",
    "Host:   a.test  \r\nx-own:y\r\n\r\n",
    "Host: a.test\r\nX_Forwarded_For: 1\r\n\r\n",
    "Host: a.test\r\nContent_Length: 1\r\n\r\n",
    "Host: a.test\r\nBad Name: 1\r\n\r\n",
    "Host: a.test\r\nX: \x01\r\n\r\n",
    "Host: a.test\r\nX: 1\n\r\n",
    "Host: a.test\r\n X: 1\r\n\r\n",
    "Accept: */*\r\n\r\n",
    "\r\n",
    "Host: a.test\r\nX: " + std::string(1200, 'x') + "\r\n\r\n",
};
const std::vector<std::string> kLines{
    "GET / HTTP/1.1\r\n",        "GET /x?y HTTP/1.1\r\n",       "GET /x?y HTTP/1.0\r\n",    "HEAD / HTTP/1.1\r\n",
    "POST / HTTP/1.1\r\n",       "OPTIONS * HTTP/1.1\r\n",      "GET * HTTP/1.1\r\n",       "GET http://a.test/ HTTP/1.1\r\n",
    "GET http://b.test/ HTTP/1.1\r\n", "GET https://a.test HTTP/1.1\r\n", "CONNECT a.test:443 HTTP/1.1\r\n", "CONNECT /x HTTP/1.1\r\n",
    "TRACE / HTTP/1.1\r\n",      "GET /\"x HTTP/1.1\r\n",       "GET /x#y HTTP/1.1\r\n",    "GET /%00 HTTP/1.1\r\n",
    "GET /x y HTTP/1.1\r\n",     "GET /\x7f HTTP/1.1\r\n",      "GET  / HTTP/1.1\r\n",      "GET /x\rHTTP/1.1\r\n",
    "GET /x HTTP/1.1\n",         "GET /x HTTP/1.2\r\n",         "GET /x HTTP/2.0\r\n",      "GET /x\r\n",
    "\r\nGET /x HTTP/1.1\r\n",   "get /x HTTP/1.1\r\n",         "GET / HTTP/1.1 \r\n",      "GET /" + std::string(60, 'x') + " HTTP/1.1\r\n",
    "GETX / HTTP/1.1\r\n",    "GET  HTTP/1.1\r\n",      "GET /x HTTP/1.1\r\r\n",
};

std::string in_all_words(const HeadProgress& progress, const ParsedRequest& parsed) {
  std::string words = in_words(progress, parsed);
  if (progress.state != HeadProgress::State::Complete) return words;
  words += parsed.head.version == Version::Http11 ? "1.1 " : "1.0 ";
  return words.append(parsed.head.method == parse_method(parsed.head.method_name) ? "" : "another method").append(parsed.proxy_credentials);
}

/// What one who knows nothing says.
std::string read_alone(const std::string& text, const HeadLimits& limits, std::string_view scheme) {
  H1RequestReader reader(limits, scheme);
  Arena arena;
  ParsedRequest parsed;
  return in_all_words(reader.read_head(ExactBytes(text).text(), parsed, arena), parsed);
}

std::size_t known_size(const ParsedRequest& parsed, std::string_view section) {
  return parsed.known_section.size_in(section, Method::Get, Version::Http11);
}

void read(ParsedRequest& parsed, Arena& arena, std::string_view section) {
  H1RequestReader reader((HeadLimits()));
  reader.read_head("GET / HTTP/1.1\r\n" + std::string(section), parsed, arena);
}

}  // namespace

TEST_CASE("a head means the same whatever was read before it, and however it is cut", "[codec][known_section][property]") {
  std::mt19937 random(3);
  const auto one_of = [&random](const auto& all) -> const auto& { return all[random() % all.size()]; };
  const std::vector<HeadLimits> limits{{}, {}, {}, {60, 40, 5}, {2000, 30, 2}, {2000, 100, 1}, {2000, 100, 9, 20}};
  ParsedRequest parsed;  // goes from one to the next, as a session's does
  std::size_t known = 0, section = 0;
  for (int i = 0; i < 60000; ++i) {
    if (random() % 3 == 0) section = random() % kSections.size();
    const std::string text = one_of(kLines) + kSections[section] + (random() % 4 == 0 ? "GET / HTTP/1.1\r\n" : "");
    const HeadLimits& bounds = one_of(limits);
    const std::string_view scheme = random() % 4 == 0 ? "https" : "http";
    CAPTURE(text, bounds.bytes, bounds.target_bytes, bounds.fields, scheme);
    H1RequestReader reader(bounds, scheme);
    Arena arena;
    HeadProgress progress;
    known += known_size(parsed, kSections[section]) != 0;
    for (std::size_t end = random() % 3 == 0 ? text.size() : random() % text.size(); progress.state == HeadProgress::State::NeedMore;
         end = std::min(text.size(), end + 1 + random() % 40)) {
      const ExactBytes buffered(std::string_view(text).substr(0, end));
      if (random() % 2 == 0) reader.target(buffered.text());
      progress = reader.read_head(buffered.text(), parsed, arena);
      if (end == text.size()) break;
    }
    REQUIRE(in_all_words(progress, parsed) == read_alone(text, bounds, scheme));
  }
  CHECK(known > 1000);  // else this has tested nothing
}

TEST_CASE("the section of a plain request is known to the next one", "[codec][known_section]") {
  ParsedRequest parsed;
  Arena arena;
  const std::string section = "Host: A.test:80\r\nAccept: */*\r\nConnection: close\r\n\r\n";
  CHECK(known_size(parsed, section) == 0);
  read(parsed, arena, section);
  const KnownSection& known = parsed.known_section;
  CHECK(known_size(parsed, section + "GET / HTTP/1.1\r\n") == section.size());
  CHECK(known.size_in(section, Method::Head, Version::Http11) == 0);
  CHECK(known.size_in(section, Method::Get, Version::Http10) == 0);
  CHECK(known_size(parsed, section.substr(0, section.size() - 1)) == 0);
  CHECK(known_size(parsed, "Host: A.test:80\r\nAccept: */*\r\nConnection: closE\r\n\r\n") == 0);
  CHECK(known.host() == "A.test:80");
  CHECK(known.authority() == "a.test");
  CHECK(in_words(known.fields().view()) == "Accept: */*\n");
  CHECK(known.meaning().lines == 3);
  CHECK_FALSE(known.meaning().framing.persistent);
}

TEST_CASE("nobody's secrets are remembered, nor what asks for more than an answer", "[codec][known_section]") {
  for (const char* line : {"Cookie: a=b", "Authorization: Basic YTpi", "Proxy-Authorization: Basic YTpi", "Content-Length: 1", "Transfer-Encoding: chunked",
                           "Upgrade: websocket", "Expect: 100-continue", "Host: a.test"}) {
    ParsedRequest parsed;
    Arena arena;
    const std::string section = "Host: a.test\r\n" + std::string(line) + "\r\n\r\n";
    CAPTURE(line);
    read(parsed, arena, section);
    CHECK(known_size(parsed, section) == 0);
  }
  ParsedRequest parsed;
  Arena arena;
  const std::string start = "Host: a.test\r\nX: ", end = "\r\n\r\n";
  const std::string largest = start + std::string(KnownSection::kLongest - start.size() - end.size(), 'x') + end;
  read(parsed, arena, start + "x" + largest.substr(start.size()));
  CHECK(known_size(parsed, start + "x" + largest.substr(start.size())) == 0);
  read(parsed, arena, largest);
  CHECK(known_size(parsed, largest) == largest.size());
}

TEST_CASE("one of eight sections that are not known takes the place of the one that is", "[codec][known_section]") {
  ParsedRequest parsed;
  Arena arena;
  const auto section = [](int i) { return "Host: " + std::to_string(i) + ".test\r\n\r\n"; };
  for (int i = 0; i <= 16; ++i) {
    read(parsed, arena, section(i));
    CHECK((known_size(parsed, section(i)) != 0) == (i % 8 == 0));
    CHECK(known_size(parsed, section(i - i % 8)) != 0);
    read(parsed, arena, section(i - i % 8));  // known: does not count
  }
}

TEST_CASE("the target is told once the request line is whole", "[codec][rfc9112-3]") {
  struct Row {
    const char* text;
    const char* target;
  };
  for (const Row& row : {Row{"GET /x?y HTTP/1.1\r\n", "/x?y"}, Row{"GET /x?y HTTP/1.1\r\nHost: a", "/x?y"}, Row{"\r\nHEAD http://a.test/ HTTP/1.0\r\n", "http://a.test/"},
                         Row{"GET /x?y HTTP/1.1\r", ""}, Row{"GET /x", ""}, Row{"", ""}, Row{"GET /x HTTP/3.0\r\n", ""}, Row{"GET  /x HTTP/1.1\r\n", ""},
                         Row{"GET /x y HTTP/1.1\r\n", ""}, Row{"GET /x\r\n", ""}}) {
    H1RequestReader reader((HeadLimits()));
    CAPTURE(row.text);
    const ExactBytes buffered(row.text);
    CHECK(reader.target(buffered.text()) == row.target);
    CHECK(reader.target(buffered.text()) == row.target);
  }
}

TEST_CASE("asking for the target of a line that is too long does not let it pass", "[codec][rfc9112-3]") {
  const std::string text = "GET /" + std::string(40, 'x') + " HTTP/1.1\r\nHost: a.test\r\n\r\n";
  H1RequestReader reader(HeadLimits{1000, 20, 9});
  ParsedRequest parsed;
  Arena arena;
  CHECK(reader.target(text).empty());
  const HeadProgress progress = reader.read_head(text, parsed, arena);
  CHECK(progress.status == 414);
}
