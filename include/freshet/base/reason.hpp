// Why something happened: one word for the log, the metric, Cache-Status, Proxy-Status, the error page and the test.
#pragma once

#include <cstdint>
#include <string_view>

namespace freshet {

/// The rows of reasons.def.
enum class Reason : std::uint8_t {
#define REASON(id, word, text) id,
#include "freshet/base/reasons.def"
#undef REASON
};

/// The word: lower case with hyphens; used in logs, metrics and as the detail parameter of Cache-Status.
std::string_view word(Reason) noexcept;
/// A sentence for a person, without a full stop.
std::string_view text(Reason) noexcept;

}  // namespace freshet
