// Request targets and Host fields: what is accepted is one clean authority and one clean target, and stays so when it
// is decided again.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "freshet/base/ascii.hpp"
#include "freshet/base/check.hpp"
#include "freshet/http/target.hpp"

using namespace freshet;

namespace {

bool is_clean(std::string_view s) {
  return std::all_of(s.begin(), s.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '#'; });
}

void check_again(Method method, const TargetVerdict& v, Version version, Arena& arena) {
  const std::size_t hosts = v.authority.empty() ? 0 : 1;
  const TargetVerdict again = decide_target(method, v.target, v.authority, hosts, version, v.scheme, arena);
  ENSURE(again.status == 0 && !again.absolute);
  ENSURE(again.authority == v.authority && again.target == v.target && again.scheme == v.scheme);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto method = static_cast<Method>(data[0] % 11);
  const Version version = data[1] % 2 == 0 ? Version::Http11 : Version::Http10;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t end = text.find('\n');
  const std::string_view target = text.substr(0, end);
  std::optional<std::string_view> host;
  if (end != std::string_view::npos) host = ascii::trim(text.substr(end + 1));
  Arena arena;
  KnownHost known;
  if (host)
    for (int times = 0; times < 2; ++times)
      ENSURE(known.normalise(*host, "http", arena) == normalise_authority(*host, "http", arena));
  const TargetVerdict v = decide_target(method, target, host, host ? 1 : 0, version, "http", arena);
  ENSURE((v.error == Reason::None) == (v.status == 0));
  const TargetVerdict same = decide_target(method, target, host, host ? 1 : 0, version, "http", arena, &known);
  ENSURE(same.status == v.status && same.authority == v.authority && same.target == v.target);
  if (v.status == 0) {
    ENSURE(is_clean(v.authority) && is_clean(v.target) && !v.target.empty());
    ENSURE(v.scheme == "http" || v.scheme == "https");
    ENSURE(!v.authority.empty() || (version == Version::Http10 && !host));
    ENSURE(v.authority.find('@') == std::string_view::npos && v.authority.find('/') == std::string_view::npos);
    ENSURE(method == Method::Connect || v.target.front() == '/' || (v.target == "*" && method == Method::Options));
    check_again(method, v, version, arena);
  }
  if (const auto normal = normalise_authority(target, "https", arena)) {
    ENSURE(normalise_authority(*normal, "https", arena) == normal);
    ENSURE(!split_authority(*normal)->host.ends_with('.'));
  }
  return 0;
}
