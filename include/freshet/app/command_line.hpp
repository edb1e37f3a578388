// What the command line asks for.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "freshet/config/settings.hpp"

namespace freshet {

/// `freshet run`: serve as a file says.
struct RunFile {
  std::string path;
};
/// `freshet reverse` and `freshet forward`: serve without a file.
struct RunSettings {
  Settings settings;
};
/// `freshet check`: report on a file.
struct CheckFile {
  std::string path;
};
/// `freshet check --print-reference`: print the text of docs/configuration.md.
struct PrintReference {};
/// `freshet healthcheck`: ask a running freshet.
struct CheckHealth {
  AdminBind admin;
};
/// `freshet hash-password`: print a line for a file of users.
struct HashPassword {
  std::string user;
  std::string method = "bcrypt";  ///< bcrypt, sha512 or yescrypt
  std::string realm;              ///< not empty: a line for Digest with SHA-256 instead
};
/// Nothing to do but to print: help and version (exit code 0, to stdout), usage errors (exit code 2, to stderr).
struct Print {
  std::string text;
  int exit_code = 0;
};
using Command = std::variant<RunFile, RunSettings, CheckFile, PrintReference, CheckHealth, HashPassword, Print>;

/// Where `run` and `check` look when no file is named.
inline constexpr const char* kDefaultConfiguration = "/etc/freshet/freshet.yaml";

/// `arguments`: without the program's name. Reads no file and changes nothing.
Command parse_command_line(std::vector<std::string> arguments);

}  // namespace freshet
