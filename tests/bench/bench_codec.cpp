// How long the HTTP/1 codec takes for usual messages. Run it alone on a quiet machine: `bench_codec [seconds for each
// line]`.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "freshet/codec/h1_reader.hpp"
#include "freshet/codec/h1_writer.hpp"

namespace {

using namespace freshet;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kCurl =
    "GET /static/logo.png HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n"
    "Proxy-Connection: Keep-Alive\r\n\r\n";
constexpr std::string_view kBrowser =
    "GET /articles/2024/05/index.html?from=home HTTP/1.1\r\nHost: www.example.com\r\nConnection: keep-alive\r\n"
    "Cache-Control: max-age=0\r\nUpgrade-Insecure-Requests: 1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 "
    "Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\nCookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
    "If-None-Match: \"5f3c-61a2b3c4d5e6f\"\r\n\r\n";
constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Tue, 07 May 2024 08:49:37 GMT\r\nContent-Type: text/html\r\n"
    "Content-Length: 1024\r\nLast-Modified: Mon, 06 May 2024 08:49:37 GMT\r\nConnection: keep-alive\r\n"
    "ETag: \"6638b4d1-400\"\r\nCache-Control: max-age=60\r\nAccept-Ranges: bytes\r\n\r\n";

double seconds_per_line = 1;

// Prints the best of many rounds of some 20 microseconds: the one that nothing disturbed.
template <class Body>
void measure(const char* what, Body body) {
  long calls = 20;
  double best = 1e9;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds_per_line);
  for (auto start = Clock::now(); start < end; start = Clock::now()) {
    for (long i = 0; i < calls; ++i) body();
    const double took = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::min(best, took / static_cast<double>(calls));
    calls = std::max(1L, static_cast<long>(2e-5 / best));
  }
  std::printf("%-34s %8.0f ns\n", what, best * 1e9);
}

void check(bool good) {
  if (!good) std::abort();
}

void measure_request(const char* what, std::string_view text) {
  H1RequestReader reader{HeadLimits{}};
  Arena arena;
  ParsedRequest parsed;
  measure(what, [&] {
    arena.reset();
    check(reader.read_head(text, parsed, arena).state == HeadProgress::State::Complete);
  });
}

void measure_byte_by_byte(const char* what, std::string_view text) {
  H1RequestReader reader{HeadLimits{}};
  Arena arena;
  ParsedRequest parsed;
  measure(what, [&] {
    arena.reset();
    for (std::size_t end = 1; end <= text.size(); ++end) (void)reader.read_head(text.substr(0, end), parsed, arena);
  });
}

void measure_response() {
  H1ResponseReader reader{HeadLimits{}};
  ParsedResponse parsed;
  measure("response head, 9 fields",
          [&] { check(reader.read_head(kResponse, Method::Get, parsed).state == HeadProgress::State::Complete); });
  parsed.fields.compact();
  Arena arena;
  const ExtraField extra[] = {{"Age", "17"}, {"Via", "1.1 freshet"}, {"Cache-Status", "freshet; hit; ttl=43"}};
  OutgoingFraming framing;
  framing.length = 1024;
  measure("response head written, 3 added", [&] {
    arena.reset();
    check(render_response_head({200, parsed.fields}, extra, framing, arena).count == 3);
  });
}

void measure_chunks() {
  std::string text;
  for (int i = 0; i < 64; ++i) text.append("400\r\n").append(1024, 'x').append("\r\n");
  text += "0\r\n\r\n";
  FramingVerdict framing;
  framing.body = BodyKind::Chunked;
  H1BodyReader reader;
  measure("64 chunks of 1 KiB", [&] {
    reader.start(framing, TrailerRules::Refuse);
    std::span<const std::byte> rest = std::as_bytes(std::span(text));
    while (!reader.done()) rest = rest.subspan(reader.step(rest).consumed);
    check(rest.empty());
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) seconds_per_line = std::max(0.01, std::atof(argv[1]));
  measure_request("request head, 4 fields (curl)", kCurl);
  measure_request("request head, 12 fields (browser)", kBrowser);
  measure_byte_by_byte("the same, byte by byte", kBrowser);
  measure_response();
  measure_chunks();
  return 0;
}
