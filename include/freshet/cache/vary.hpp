// Which of several stored responses a request selects (RFC 9111 4.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "freshet/http/fields.hpp"

namespace freshet {

/// The request fields that a response's Vary names, with their normalised values, as one comparable text; empty text when there is
/// no Vary. Empty optional for "*". Normalised: lines joined, white space around commas dropped; Accept-Encoding and Accept-Language
/// further, where the meaning stays the same.
std::optional<std::string> make_vary_key(FieldsView response, FieldsView request);

/// True when `request` has the same normalised values for the fields that `vary_key` names. No allocation when fields are equal byte for byte.
bool vary_matches(std::string_view vary_key, FieldsView request);

}  // namespace freshet
