// Whole connections: the input is a program for several clients, the origins behind the proxy, the network and the
// clock.
//
// Steps are divided by '|'; the first character of each says what it is.
//   a b c d    send the rest as that client (a to c on the reverse listener, d on the forward one)
//   A B C D    that client: e stops sending, x resets, q closes, s stops reading, g reads again
//   o          the origin's answer to the request that waits longest, or to the next one
//   r0 to r9   send the rest on a connection to an origin, 0 is the newest, whatever is expected there
//   l0 to l9   the same, that many times 3000 bytes
//   k0, K0     an origin closes that connection, or resets it
//   n0 to n2   connecting works, is refused, takes too long
//   m0 to m3   how later connections cut what is read and written (Manner)
//   t0 to t9   time passes
//   p          the rest are URLs to purge
//   v          all that can be evicted is
// '$' is a marker in what is sent; '{' cannot be sent. What must hold is written in connection_world.cpp.
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connection_steps.hpp"
#include "connection_world.hpp"

using namespace freshet;
using namespace freshet::fuzz;

namespace {

constexpr std::size_t kMostSteps = 60;
constexpr std::array kTimes = {Milliseconds(50),         Milliseconds(1000),
                               Milliseconds(5000),       Milliseconds(11'000),
                               Milliseconds(31'000),     Milliseconds(61'000),
                               Milliseconds(300'000),    Milliseconds(601'000),
                               Milliseconds(86'400'000), Milliseconds(400ll * 86'400'000)};

std::size_t digit(std::string_view text) {
  return text.empty() || text.front() < '0' || text.front() > '9' ? 0 : static_cast<std::size_t>(text.front() - '0');
}

std::optional<Failure> dial_failure(std::size_t kind) {
  if (kind == 1) return Failure(Reason::ConnectionRefused, Side::Origin, 502);
  if (kind == 2) return Failure(Reason::ConnectTimeout, Side::Origin, 504);
  return {};
}

void take_step(World& world, char what, std::string_view rest) {
  const std::size_t n = digit(rest);
  const std::string_view after = rest.substr(std::min<std::size_t>(1, rest.size()));
  switch (what) {
    case 'a':
    case 'b':
    case 'c':
    case 'd':
      return world.client_sends(static_cast<unsigned>(what - 'a'), rest);
    case 'A':
    case 'B':
    case 'C':
    case 'D':
      return world.client_does(static_cast<unsigned>(what - 'A'), rest);
    case 'o':
      return world.origin_answers(rest);
    case 'r':
      return world.origin_sends(n, after);
    case 'l':
      return world.origin_sends(0, std::string(n * 3000, 'x'));
    case 'k':
      return world.origin_closes(n, false);
    case 'K':
      return world.origin_closes(n, true);
    case 'n':
      return world.dial_fails(dial_failure(n));
    case 'm':
      return world.set_manner(static_cast<Manner>(n % 4));
    case 'p':
      return world.purges(rest);
    case 'v':
      return world.evicts();
    case 't':
      return world.pass(kTimes[n]);
    default:
      return;
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

// Half of the mutations know what a program is.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  if (seed % 2 == 0) return LLVMFuzzerMutate(data, size, most);
  const std::string program = mutate_program({reinterpret_cast<const char*>(data), size}, seed / 2);
  if (program.empty() || program.size() > most) return LLVMFuzzerMutate(data, size, most);
  std::copy(program.begin(), program.end(), data);
  return program.size();
}

// Each run goes through so much code that keeping count of rare features would take longer than the run itself.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  static std::vector<char*> arguments(*argv, *argv + *argc);
  static std::string plain = "-entropic=0";
  arguments.insert(arguments.begin() + 1, plain.data());
  *argc = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  *argv = arguments.data();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view program(reinterpret_cast<const char*>(data), size);
  World world;
  for (std::size_t steps = 0; steps < kMostSteps && !program.empty(); ++steps) {
    const std::string_view step = program.substr(0, program.find('|'));
    program.remove_prefix(std::min(step.size() + 1, program.size()));
    if (!step.empty()) take_step(world, step.front(), step.substr(1));
  }
  return 0;
}
