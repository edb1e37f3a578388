// crypt(3), by libxcrypt: slow on purpose, so never on an event loop.
#pragma once

#include <string>

namespace freshet {

/// Whether `password` is what `hash` was made from. Blocks for as long as the hash costs, often a tenth of a second and
/// more. Any thread.
bool crypt_matches(const std::string& hash, const std::string& password);

}  // namespace freshet
