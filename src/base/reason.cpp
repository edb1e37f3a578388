#include "freshet/base/reason.hpp"

#include <array>

namespace freshet {
namespace {
struct Row {
  std::string_view word, text;
};
constexpr auto kRows = std::to_array<Row>({
#define REASON(id, word, text) {word, text},
#include "freshet/base/reasons.def"
#undef REASON
});
}  // namespace

std::string_view word(Reason reason) noexcept { return kRows[static_cast<std::size_t>(reason)].word; }
std::string_view text(Reason reason) noexcept { return kRows[static_cast<std::size_t>(reason)].text; }

}  // namespace freshet
