#include <exception>
#include <iostream>
#include <string>
#include <variant>
#include <vector>

#include "freshet/app/command_line.hpp"
#include "freshet/app/commands.hpp"
#include "freshet/app/server.hpp"
#include "freshet/config/reference.hpp"

namespace freshet {
namespace {

struct Execute {
  int operator()(const RunFile& command) const {
    const auto settings = load_or_explain(command.path, std::cerr);
    return settings ? run_server(*settings, command.path) : 2;
  }
  int operator()(const RunSettings& command) const { return run_server(command.settings, "command line"); }
  int operator()(const CheckFile& command) const { return check_file(command.path, std::cout, std::cerr); }
  int operator()(const PrintReference&) const {
    std::cout << configuration_reference();
    return 0;
  }
  int operator()(const CheckHealth& command) const {
    return check_health(command.admin, Milliseconds{3000}, std::cout, std::cerr);
  }
  int operator()(const HashPassword& command) const { return print_user(command, std::cin, std::cout, std::cerr); }
  int operator()(const Print& command) const {
    (command.exit_code == 0 ? std::cout : std::cerr) << command.text;
    return command.exit_code;
  }
};

}  // namespace
}  // namespace freshet

int main(int argc, char** argv) {
  try {
    return std::visit(freshet::Execute{}, freshet::parse_command_line({argv + 1, argv + argc}));
  } catch (const std::exception& problem) {
    std::cerr << "freshet: " << problem.what() << '\n';
    return 1;
  }
}
