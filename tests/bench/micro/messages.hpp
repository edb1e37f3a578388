// The messages that the benchmarks work on.
#pragma once

#include <string_view>

#include "freshet/codec/h1_reader.hpp"

namespace freshet::bench {

inline constexpr std::string_view kSmall =
    "GET /static/logo.png HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n";
inline constexpr std::string_view kBrowser =
    "GET /articles/2024/05/index.html?from=home HTTP/1.1\r\nHost: www.example.com\r\nConnection: keep-alive\r\n"
    "Cache-Control: max-age=0\r\nUpgrade-Insecure-Requests: 1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 "
    "Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\nCookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
    "If-None-Match: \"5f3c-61a2b3c4d5e6f\"\r\n\r\n";
inline constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: text/html\r\n"
    "Content-Length: 1024\r\nLast-Modified: Wed, 31 Dec 2025 08:49:37 GMT\r\nConnection: keep-alive\r\n"
    "ETag: \"6638b4d1-400\"\r\nCache-Control: max-age=86400\r\nAccept-Ranges: bytes\r\n\r\n";

/// False, and the benchmark is over, when the text is no whole head.
inline bool parse(std::string_view text, ParsedRequest& out, Arena& arena) {
  H1RequestReader reader{HeadLimits{}};
  return reader.read_head(text, out, arena).state == HeadProgress::State::Complete;
}
inline bool parse(std::string_view text, ParsedResponse& out) {
  H1ResponseReader reader{HeadLimits{}};
  return reader.read_head(text, Method::Get, out).state == HeadProgress::State::Complete;
}

}  // namespace freshet::bench
