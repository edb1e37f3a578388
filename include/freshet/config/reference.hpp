// docs/configuration.md, made from settings.def.
#pragma once

#include <string>

namespace freshet {

/// The text of docs/configuration.md. A test compares it with the file; `freshet check --print-reference` prints it.
std::string configuration_reference();

}  // namespace freshet
