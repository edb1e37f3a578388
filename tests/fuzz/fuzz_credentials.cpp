// Proxy-Authorization over arbitrary text: the grammar, Basic and Digest.
#include <cstdint>
#include <string_view>

#include "freshet/auth/basic.hpp"
#include "freshet/auth/digest.hpp"
#include "freshet/base/check.hpp"
#include "freshet/http/credentials.hpp"
#include "freshet/http/grammar.hpp"

using namespace freshet;

namespace {

void check_parameters(std::string_view parameters, Arena& arena) {
  AuthParameterReader reader(parameters);
  std::string_view name, value;
  while (reader.next(name, value) == AuthParameterReader::Step::Parameter) {
    ENSURE(is_token(name) && !value.empty());
    const std::string_view text = unquoted(value, arena);
    std::string again;
    append_quoted(again, text);
    ENSURE(unquoted(again, arena) == text);
    ENSURE(unquote(value) == std::string(text));  // the other reader of quoted-strings sees the same
    if (const auto decoded = decode_extended_value(text, arena)) ENSURE(decoded->size() <= text.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Arena arena;
  const auto found = parse_credentials(text);
  if (!found) return 0;
  ENSURE(is_token(found->scheme) && (found->token68.empty() || found->parameters.empty()));
  check_parameters(found->parameters, arena);
  if (const auto basic = decode_basic(found->token68, arena)) {
    ENSURE(!basic->user.empty() && basic->user.find(':') == std::string_view::npos);
    ENSURE(is_printable(basic->user) && is_utf8(basic->user) && is_printable(basic->password));
  }
  const auto digest = parse_digest(found->parameters, arena);
  if (!digest) return 0;
  ENSURE(!digest->username.empty() && digest->nc.size() == 8 && digest->response.size() == hex_size(digest->algorithm));
  ENSURE(digest_response(*digest, "0123", "GET").text().size() == hex_size(digest->algorithm));
  RequestHead head;
  head.method_name = "GET";
  head.scheme = "http";
  head.authority = "a.example";
  head.target = "/";
  if (names_target(digest->uri, head, arena))
    ENSURE(digest->uri == "/" || digest->uri.size() >= std::string_view("http://a.example").size());
  return 0;
}
