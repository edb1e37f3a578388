// Secrets that stand in files of their own, so that the configuration can be shown to others.
#pragma once

#include <optional>
#include <string>

namespace freshet {

struct SecretFile {
  std::string secret;        ///< without the white space around it
  bool open_to_all = false;  ///< everybody on this machine may read the file
};

/// Reads a bearer token (RFC 6750 2.1): one line of 16 to 4096 letters, digits and -._~+/=. Empty when it cannot be
/// read or is no such thing, with `what` saying why and what was expected; the secret is in no message.
std::optional<SecretFile> read_token_file(const std::string& path, std::string& what);

}  // namespace freshet
