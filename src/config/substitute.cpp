#include "substitute.hpp"

#include <algorithm>
#include <optional>

#include "freshet/base/ascii.hpp"

namespace freshet::config {
namespace {

constexpr std::size_t kMaxText = 64 << 10;

bool is_name(std::string_view name) noexcept {
  return !name.empty() && !ascii::is_digit(name.front()) &&
         std::ranges::all_of(name, [](char c) { return ascii::is_alpha(c) || ascii::is_digit(c) || c == '_'; });
}

/// What stands between "${" and "}".
std::string look_up(std::string_view inside, const Environment& environment, std::string& problem) {
  const auto split = inside.find(":-");
  const std::string name{inside.substr(0, split)};
  if (!is_name(name)) {
    problem = "has '${" + std::string{inside} + "}', expected ${NAME} or ${NAME:-default} ($$ is a dollar)";
    return {};
  }
  const auto value = environment(name);
  if (split != inside.npos) return value && !value->empty() ? *value : std::string{inside.substr(split + 2)};
  if (value) return *value;
  problem = "the environment variable " + name + " is not set, expected it to be, or ${" + name + ":-default}";
  return {};
}

}  // namespace

Substituted substitute(std::string_view text, const Environment& environment) {
  Substituted result;
  while (!text.empty() && result.problem.empty()) {
    const auto dollar = text.find('$');
    result.text += text.substr(0, dollar);
    if (dollar == text.npos) break;
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      result.text += '$';
      text.remove_prefix(1);
    } else if (text.starts_with('{')) {
      const auto end = text.find('}');
      if (end == text.npos) {
        result.problem = "has '${' without '}', expected ${NAME} ($$ is a dollar)";
        break;
      }
      result.text += look_up(text.substr(1, end - 1), environment, result.problem);
      text.remove_prefix(end + 1);
    } else {
      result.text += '$';
    }
    if (result.text.size() > kMaxText) {
      result.text.clear();
      result.problem = "is longer than 64 KiB once its variables are replaced, expected less";
    }
  }
  return result;
}

}  // namespace freshet::config
