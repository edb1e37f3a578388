#include "freshet/auth/digest.hpp"

#include <charconv>
#include <utility>

#include "freshet/base/ascii.hpp"
#include "freshet/http/credentials.hpp"
#include "freshet/http/target.hpp"
#include "hash.hpp"

namespace freshet {
namespace {

constexpr std::size_t kNonceCountDigits = 8;

bool read_algorithm(std::string_view text, DigestAlgorithm& out) noexcept {
  for (const DigestAlgorithm known : {DigestAlgorithm::Md5, DigestAlgorithm::Sha256}) {
    if (!ascii::iequals(text, name(known))) continue;
    out = known;
    return true;
  }
  return false;
}

bool read_nonce_count(std::string_view text, DigestCredentials& out) noexcept {
  out.nc = text;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out.nonce_count, 16);
  return text.size() == kNonceCountDigits && read.ec == std::errc() && read.ptr == text.data() + text.size();
}

/// Collects parameters, each at most once.
class Collector {
 public:
  explicit Collector(Arena& arena) : arena_(arena) {}

  bool take(std::string_view name, std::string_view value) {
    const std::string_view text = unquoted(value, arena_);
    struct Plain {
      std::string_view name;
      std::string_view DigestCredentials::*member;
    };
    static constexpr Plain kPlain[] = {
        {"username", &DigestCredentials::username}, {"realm", &DigestCredentials::realm},
        {"nonce", &DigestCredentials::nonce},       {"uri", &DigestCredentials::uri},
        {"response", &DigestCredentials::response}, {"cnonce", &DigestCredentials::cnonce}};
    for (const Plain& plain : kPlain) {
      if (!ascii::iequals(name, plain.name)) continue;
      if (found_.*plain.member != std::string_view()) return false;
      found_.*plain.member = text;
      return !text.empty();
    }
    return take_other(name, text);
  }

  std::optional<DigestCredentials> finish() const {
    const DigestCredentials& f = found_;
    for (const std::string_view needed : {f.username, f.realm, f.nonce, f.uri, f.response, f.cnonce, f.nc})
      if (needed.empty()) return {};
    if (!qop_ || f.response.size() != hex_size(f.algorithm)) return {};
    return found_;
  }

 private:
  bool take_other(std::string_view name, std::string_view text) {
    if (ascii::iequals(name, "nc")) return found_.nc.empty() && read_nonce_count(text, found_);
    if (ascii::iequals(name, "algorithm"))
      return !std::exchange(algorithm_, true) && read_algorithm(text, found_.algorithm);
    if (ascii::iequals(name, "qop")) return !std::exchange(qop_, true) && ascii::iequals(text, "auth");
    if (ascii::iequals(name, "userhash")) return ascii::iequals(text, "false");
    if (ascii::iequals(name, "username*")) {
      const auto decoded = decode_extended_value(text, arena_);
      if (!decoded || decoded->empty() || !found_.username.empty()) return false;
      found_.username = *decoded;
    }
    return true;  // RFC 7616 3.4: unknown parameters are ignored
  }

  Arena& arena_;
  DigestCredentials found_;
  bool algorithm_ = false, qop_ = false;
};

}  // namespace

std::string_view name(DigestAlgorithm algorithm) noexcept {
  return algorithm == DigestAlgorithm::Md5 ? "MD5" : "SHA-256";
}

bool is_available(DigestAlgorithm algorithm) noexcept { return Hash::of(algorithm).good(); }

HexHash hash_joined(DigestAlgorithm algorithm, std::initializer_list<std::string_view> parts) noexcept {
  Hash& hash = Hash::of(algorithm);
  hash.begin();
  bool first = true;
  for (const std::string_view part : parts) {
    if (!std::exchange(first, false)) hash.add(":");
    hash.add(part);
  }
  const HashBytes bytes = hash.finish();
  HexHash out(algorithm);
  for (std::size_t i = 0; i < hex_size(algorithm) / 2; ++i) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    out.digits()[2 * i] = kDigits[bytes[i] >> 4];
    out.digits()[2 * i + 1] = kDigits[bytes[i] & 15];
  }
  return out;
}

std::optional<DigestCredentials> parse_digest(std::string_view parameters, Arena& arena) {
  Collector collector(arena);
  AuthParameterReader reader(parameters);
  std::string_view name, value;
  for (;;) {
    switch (reader.next(name, value)) {
      case AuthParameterReader::Step::Malformed:
        return {};
      case AuthParameterReader::Step::End:
        return collector.finish();
      case AuthParameterReader::Step::Parameter:
        if (!collector.take(name, value)) return {};
    }
  }
}

HexHash digest_response(const DigestCredentials& said, std::string_view ha1, std::string_view method) noexcept {
  const HexHash ha2 = hash_joined(said.algorithm, {method, said.uri});
  return hash_joined(said.algorithm, {ha1, said.nonce, said.nc, said.cnonce, "auth", ha2.text()});
}

bool names_target(std::string_view uri, const RequestHead& head, Arena& arena) {
  const TargetVerdict named = decide_target(head.method, uri, {}, 0, Version::Http10, head.scheme, arena);
  if (named.error != Reason::None || named.target != head.target) return false;
  return !named.absolute || (named.scheme == head.scheme && named.authority == head.authority);
}

}  // namespace freshet
