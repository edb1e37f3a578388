#include "connection_steps.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <random>
#include <vector>

namespace freshet::fuzz {
namespace {

// What mutations put in: a line into a head, or a step into the program.
constexpr const char* kLines[] = {
    "Cache-Control: max-age=60\r\n",
    "Cache-Control: no-store\r\n",
    "Cache-Control: private\r\n",
    "Cache-Control: no-cache\r\n",
    "Cache-Control: max-age=1, stale-while-revalidate=60\r\n",
    "Cache-Control: only-if-cached\r\n",
    "Vary: *\r\n",
    "Cache-Control: s-maxage=1, must-revalidate, stale-if-error=9\r\n",
    "Vary: Accept, X\r\n",
    "Accept: $\r\n",
    "X: y\r\n",
    "ETag: \"1\"\r\n",
    "ETag: W/\"1\"\r\n",
    "If-None-Match: \"1\"\r\n",
    "If-Range: \"1\"\r\n",
    "Range: bytes=0-8\r\n",
    "Range: bytes=-3, 0-1\r\n",
    "Range: bytes=9-\r\n",
    "Content-Range: bytes 0-8/18\r\n",
    "Content-Range: bytes 9-17/18\r\n",
    "Last-Modified: Wed, 31 Dec 2025 00:00:00 GMT\r\n",
    "If-Modified-Since: Wed, 31 Dec 2025 00:00:00 GMT\r\n",
    "Age: 30\r\n",
    "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n",
    "Expires: Thu, 01 Jan 2026 00:01:00 GMT\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive, X\r\n",
    "Connection: upgrade\r\nUpgrade: foo\r\n",
    "Content-Length: 9\r\n",
    "Content-Length: 0\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Expect: 100-continue\r\n",
    "Authorization: x\r\n",
    "Set-Cookie: a=$\r\n",
    "No-Vary-Search: params\r\n",
    "CDN-Cache-Control: max-age=9\r\n",
    "Max-Forwards: 0\r\n",
    "Host: $\r\n",
    "Trailer: X\r\n",
    "Location: /x\r\n",
    "Content-Location: /x\r\n",
    "Content-Encoding: gzip\r\n",
    "Accept-Encoding: gzip\r\n",
    " folded\r\n",
};
constexpr const char* kSteps[] = {
    "aGET /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "bGET /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "cHEAD /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "aPOST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n$",
    "bPUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "b5\r\n$\r\n",
    "b0\r\n\r\n",
    "dGET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "dCONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    "aQUERY /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n$",
    "oHTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 9\r\n\r\n$",
    "oHTTP/1.1 200 OK\r\nCache-Control: private\r\nContent-Length: 9\r\n\r\n$",
    "oHTTP/1.1 304 Not Modified\r\n\r\n",
    "oHTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-8/18\r\nETag: \"1\"\r\nContent-Length: 9\r\n\r\n$",
    "oHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: max-age=60\r\n\r\n",
    "r09\r\n$\r\n",
    "r00\r\n\r\n",
    "r0$",
    "l1",
    "l9",
    "oHTTP/1.1 200 OK\r\n\r\n$",
    "oHTTP/1.1 100 Continue\r\n\r\n",
    "oHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    "oHTTP/1.1 101 S\r\n\r\n",
    "phttp://a/x",
    "v",
    "k0",
    "k1",
    "K0",
    "K1",
    "n0",
    "n1",
    "n2",
    "m0",
    "m1",
    "m2",
    "m3",
    "t1",
    "t2",
    "t3",
    "t5",
    "t7",
    "t8",
    "Ae",
    "Ax",
    "Aq",
    "As",
    "Ag",
    "Be",
    "Bx",
    "Bs",
    "Bg",
    "De",
    "Dx",
};

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t n) { return n == 0 ? 0 : engine_() % n; }

 private:
  std::minstd_rand engine_;
};

using Steps = std::vector<std::string>;

Steps split(std::string_view program) {
  Steps steps;
  while (!program.empty()) {
    steps.emplace_back(program.substr(0, program.find('|')));
    program.remove_prefix(std::min(steps.back().size() + 1, program.size()));
  }
  return steps;
}

std::string joined(const Steps& steps) {
  std::string program;
  for (const std::string& step : steps) program += (program.empty() ? "" : "|") + step;
  return program;
}

void add_line(std::string& step, Dice& dice) {
  std::vector<std::size_t> ends;
  for (std::size_t at = step.find("\r\n"); at != std::string::npos; at = step.find("\r\n", at + 1))
    ends.push_back(at + 2);
  if (!ends.empty()) step.insert(ends[dice.below(ends.size())], kLines[dice.below(std::size(kLines))]);
}

void mutate(Steps& steps, Dice& dice) {
  const std::size_t at = dice.below(steps.size()), other = dice.below(steps.size());
  const auto place = steps.begin() + static_cast<std::ptrdiff_t>(dice.below(steps.size() + 1));
  switch (steps.empty() ? 0 : dice.below(7)) {
    case 0:
    case 1:
      steps.insert(place, kSteps[dice.below(std::size(kSteps))]);
      break;
    case 2:
      steps.insert(place, std::string(steps[at]));
      break;
    case 3:
      steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(at));
      break;
    case 4:
      std::swap(steps[at], steps[other]);
      break;
    default:
      add_line(steps[at], dice);
  }
}

}  // namespace

std::string mutate_program(std::string_view program, unsigned seed) {
  Dice dice(seed);
  Steps steps = split(program);
  for (std::size_t times = 1 + dice.below(3); times > 0; --times) mutate(steps, dice);
  return joined(steps);
}

}  // namespace freshet::fuzz
