// The commands that do not serve. They return the exit code: 0 good, 1 runtime failure, 2 usage or configuration error.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "freshet/app/command_line.hpp"
#include "freshet/base/clock.hpp"
#include "freshet/config/settings.hpp"

namespace freshet {

/// Loads a file and prints every problem to `err`, a line each. Empty when one of them is an error.
std::optional<Settings> load_or_explain(const std::string& path, std::ostream& err);

/// `freshet check`: problems to `err`, also those of the files of users that it names; a one-line summary of a good file to `out`.
int check_file(const std::string& path, std::ostream& out, std::ostream& err);

/// `freshet hash-password`: reads a password, the first line of `in`, and prints the user's line for a file of users.
int print_user(const HashPassword& command, std::istream& in, std::ostream& out, std::ostream& err);

/// `freshet healthcheck`: asks `admin` for /healthz, which needs no token, and says what came on `out` or `err`. Blocks for
/// at most `patience`.
int check_health(const AdminBind& admin, Milliseconds patience, std::ostream& out, std::ostream& err);

}  // namespace freshet
