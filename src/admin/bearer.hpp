// The token that may be asked for on the admin endpoint (RFC 6750).
#pragma once

#include <cstdint>
#include <string_view>

#include "freshet/http/message.hpp"

namespace freshet {

enum class ShownToken : std::uint8_t { None, Wrong, Right };

/// What `Authorization: Bearer TOKEN` in `fields` is worth. More than one Authorization line is wrong. How long the
/// comparison takes says nothing about the secret. REQUIRES: a secret that is not empty.
ShownToken shown_token(FieldsView fields, std::string_view secret) noexcept;

}  // namespace freshet
