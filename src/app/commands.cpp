#include "freshet/app/commands.hpp"

#include <ostream>

#include "freshet/config/load.hpp"
#include "translate.hpp"

namespace freshet {

std::optional<Settings> load_or_explain(const std::string& path, std::ostream& err) {
  auto result = load_file(path);
  for (const auto& problem : result.problems) err << to_string(problem) << '\n';
  if (!result.good()) return {};
  return std::move(result.settings);
}

int check_file(const std::string& path, std::ostream& out, std::ostream& err) {
  const auto settings = load_or_explain(path, err);
  if (!settings) return 2;
  const SystemClock clock;
  Authentication authentication(clock);
  ProxyOptions options = proxy_options(*settings, settings->via);
  std::vector<std::string> problems;
  add_realms(*settings, authentication, options, problems);
  for (const auto& problem : problems) err << problem << '\n';
  if (!problems.empty()) return 2;
  out << path << ": good: " << settings->summary() << '\n';
  return 0;
}

}  // namespace freshet
