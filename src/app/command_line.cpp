#include "freshet/app/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>
#include <utility>

namespace freshet {
namespace {

constexpr std::string_view kExamples = R"(Examples:
  freshet forward                             a proxy for browsers and curl on 127.0.0.1:3128
  freshet reverse --to http://127.0.0.1:8000  a cache before an origin, on 127.0.0.1:8080
  freshet check -c freshet.yaml               is this file right?
  freshet run -c freshet.yaml                 serve as this file says

SIGTERM or SIGINT stops it once the requests in flight are done; a second one stops it at once.
Exit codes: 0 good, 1 failure while running, 2 wrong usage or configuration.
)";

constexpr std::string_view kReverseExamples = R"(Examples:
  freshet reverse --to http://127.0.0.1:8000
  freshet reverse --listen 0.0.0.0:8080 --to http://app1:8000 --to http://app2:8000 --cache-size 1GiB
)";

constexpr std::string_view kForwardExamples = R"(Examples:
  freshet forward
  freshet forward --listen "[::1]:3128" --allow-private --admin off
  curl -x http://127.0.0.1:3128 http://example.com/      (the second time it is a HIT: see Cache-Status)
)";

constexpr std::string_view kHashExamples = R"(Examples:
  freshet hash-password alice >> users                       for listeners[].forward.auth.users
  freshet hash-password alice --realm office >> digest       for listeners[].forward.auth.digest_users

The password is the first line of standard input; a terminal does not show it.
)";

/// What stands on the command line for `reverse` and `forward`, still as text.
struct ServeOptions {
  std::string listen;
  std::vector<std::string> servers;
  bool allow_private = false;
  std::string users;
  std::string admin, cache_size, workers, access_log, log_level, user;
};

/// A text that says what was wrong with the command line.
struct Usage {
  std::string what;
};

void add_serve_options(CLI::App& command, ServeOptions& options) {
  command.add_option("--listen", options.listen, "Where to listen; port 0 lets the system choose")
      ->type_name("ADDR:PORT")
      ->capture_default_str();
  command.add_option("--admin", options.admin, "Where /metrics and /healthz are served, or off [127.0.0.1:9180]")
      ->type_name("ADDR:PORT|unix:PATH");
  command.add_option("--cache-size", options.cache_size, "Memory for the cache, e.g. 64MiB or 2GiB [256MiB]")
      ->type_name("SIZE");
  command.add_option("--workers", options.workers, "Threads that serve, or auto: one for each processor [auto]")
      ->type_name("N");
  command.add_option("--access-log", options.access_log, "stdout, off, or a file to append to [stdout]")
      ->type_name("WHERE");
  command.add_option("--log-level", options.log_level, "debug, info, warn, error or off [info]")->type_name("LEVEL");
  command.add_option("--user", options.user, "Started as root: whom to become once the ports are open")
      ->type_name("NAME");
}

Endpoint endpoint_of(const char* option, const std::string& text) {
  auto endpoint = parse_endpoint(text);
  if (!endpoint)
    throw Usage{std::string{option} + ": is '" + text +
                "', expected ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080"};
  return *std::move(endpoint);
}

AdminBind admin_of(const char* option, const std::string& text) {
  auto bind = parse_admin_bind(text);
  if (!bind)
    throw Usage{std::string{option} + ": is '" + text + "', expected ADDRESS:PORT such as 127.0.0.1:9180, or unix:/PATH"};
  return *std::move(bind);
}

std::vector<ServerUrl> servers_of(const std::vector<std::string>& texts) {
  std::vector<ServerUrl> servers;
  for (const auto& text : texts) {
    std::string what;
    auto server = parse_server_url(text, what);
    if (!server) throw Usage{"--to: " + what};
    servers.push_back(*std::move(server));
  }
  return servers;
}

/// Puts the options that `reverse` and `forward` share into settings.
Settings with_options(Settings settings, const CLI::App& command, const ServeOptions& options) {
  const struct {
    const char* option;
    const char* path;
    const std::string& text;
  } pairs[] = {{"--admin", "admin.bind", options.admin},
               {"--cache-size", "cache.max_size", options.cache_size},
               {"--workers", "workers", options.workers},
               {"--access-log", "access_log.path", options.access_log},
               {"--log-level", "log.level", options.log_level},
               {"--user", "user", options.user}};
  for (const auto& pair : pairs) {
    if (command.count(pair.option) == 0) continue;
    const auto problem = set(settings, pair.path, pair.text);
    if (!problem.empty()) throw Usage{std::string{pair.option} + ": " + problem};
  }
  const Endpoint& listen = settings.listeners.front().bind;
  if (settings.admin && listen.port != 0 && settings.admin->bind == AdminBind{listen, {}})
    throw Usage{"--listen: is " + to_string(listen) + " like --admin, expected another one"};
  return settings;
}

/// The whole of CLI11's part.
class Parser {
 public:
  Parser() {
    app_.name("freshet");
    app_.footer(std::string{kExamples});
    app_.set_version_flag("--version", version());
    app_.require_subcommand(0, 1);
    app_.failure_message(CLI::FailureMessage::simple);
    for (auto* command : {run_, check_})
      command->add_option("-c,--config", file_, "The configuration file")->type_name("FILE")->capture_default_str();
    run_->footer("Every setting is described in docs/configuration.md.");
    check_->footer(
        "Prints every mistake as FILE:LINE:COLUMN: SETTING: what it is, expected what.\nExit codes: 0 good, 2 not.");
    check_->add_flag("--print-reference", print_reference_)->group("");
    health_->add_option("--admin", health_admin_, "Where the running freshet serves /healthz")
        ->type_name("ADDR:PORT|unix:PATH")
        ->capture_default_str();
    health_->footer("Waits for 3 seconds at most. Exit codes: 0 healthy, 1 not; made for a container's HEALTHCHECK.");
    hash_->add_option("user", hash_options_.user, "The user's name")->required()->type_name("USER");
    hash_->add_option("--method", hash_options_.method, "The kind of hash")
        ->check(CLI::IsMember({"bcrypt", "sha512", "yescrypt"}))
        ->capture_default_str();
    hash_->add_option("--realm", hash_options_.realm, "Make a line for Digest (SHA-256) with this realm instead");
    hash_->footer(std::string{kHashExamples});
    reverse_->add_option("--to", reverse_options_.servers, "The origin; repeat it for several, which take turns")
        ->type_name("URL")
        ->required()
        ->allow_extra_args(false);
    reverse_options_.listen = "127.0.0.1:8080";
    add_serve_options(*reverse_, reverse_options_);
    reverse_->footer(std::string{kReverseExamples});
    forward_->add_flag("--allow-private", forward_options_.allow_private,
                       "Let clients reach loopback, private and other non-global addresses");
    forward_->add_option("--users", forward_options_.users, "Ask for a password: a file of USER:HASH lines (see hash-password)")
        ->type_name("FILE");
    forward_options_.listen = "127.0.0.1:3128";
    add_serve_options(*forward_, forward_options_);
    forward_->footer(std::string{kForwardExamples});
  }

  Command parse(std::vector<std::string> arguments) {
    const bool names_one = !arguments.empty() && !arguments.front().starts_with('-');
    if (names_one && !is_command(arguments.front()))
      return usage_error("'" + arguments.front() + "' is not a command, " + kExpected);
    std::ranges::reverse(arguments);  // CLI11 takes them from the back
    try {
      app_.parse(std::move(arguments));
      return chosen();
    } catch (const CLI::CallForHelp&) {
      return help();
    } catch (const CLI::CallForVersion&) {
      return Print{version() + '\n', 0};
    } catch (const CLI::ParseError& problem) {
      return usage_error(problem.what());
    } catch (const Usage& usage) {
      return usage_error(usage.what);
    }
  }

 private:
  static constexpr const char* kExpected = "expected run, reverse, forward, check, healthcheck, hash-password or version";

  bool is_command(const std::string& name) const {
    return std::ranges::any_of(app_.get_subcommands([](const CLI::App*) { return true; }),
                               [&](const CLI::App* command) { return command->get_name() == name; });
  }

  static std::string version() { return "freshet " FRESHET_VERSION; }

  /// The command whose help is meant.
  static const CLI::App& deepest(const CLI::App& app) {
    const auto commands = app.get_subcommands();
    return commands.empty() ? app : *commands.front();
  }

  Command help() const {
    const auto& command = deepest(app_);
    return Print{command.help(&command == &app_ ? "" : app_.get_name()), 0};
  }

  Command usage_error(std::string what) const {
    // CLI11 ends some of its messages with a line break.
    std::ranges::replace(what, '\n', ' ');
    const auto& command = deepest(app_);
    const std::string name = &command == &app_ ? "freshet" : "freshet " + command.get_name();
    return Print{"freshet: " + what + " (see '" + name + " --help')\n", 2};
  }

  Command chosen() const {
    if (run_->parsed()) return RunFile{file_};
    if (check_->parsed() && print_reference_) return PrintReference{};
    if (check_->parsed()) return CheckFile{file_};
    if (health_->parsed()) return CheckHealth{admin_of("--admin", health_admin_)};
    if (hash_->parsed()) return hash_options_;
    if (version_->parsed()) return Print{version() + '\n', 0};
    if (!reverse_->parsed() && !forward_->parsed()) throw Usage{std::string{"there is no command, "} + kExpected};
    const bool reverse = reverse_->parsed();
    const auto& options = reverse ? reverse_options_ : forward_options_;
    auto listen = endpoint_of("--listen", options.listen);
    auto settings = reverse ? reverse_settings(std::move(listen), servers_of(options.servers))
                            : forward_settings(std::move(listen), options.allow_private);
    if (options.users == "off") throw Usage{"--users: is 'off', expected a file of users"};
    if (!options.users.empty()) settings.listeners.front().forward->auth.emplace().users = options.users;
    return RunSettings{with_options(std::move(settings), reverse ? *reverse_ : *forward_, options)};
  }

  CLI::App app_{"Freshet, a caching HTTP proxy, forward and reverse."};
  CLI::App* run_ = app_.add_subcommand("run", "Serve as a configuration file says");
  CLI::App* reverse_ = app_.add_subcommand("reverse", "Serve as a caching reverse proxy, without a file");
  CLI::App* forward_ = app_.add_subcommand("forward", "Serve as a caching forward proxy, without a file");
  CLI::App* check_ = app_.add_subcommand("check", "Report on a configuration file");
  CLI::App* health_ = app_.add_subcommand("healthcheck", "Ask a running freshet whether it is well");
  CLI::App* hash_ = app_.add_subcommand("hash-password", "Make a line for a file of users");
  CLI::App* version_ = app_.add_subcommand("version", "Print the version");
  std::string file_ = kDefaultConfiguration;
  bool print_reference_ = false;
  HashPassword hash_options_;
  std::string health_admin_ = "127.0.0.1:9180";
  ServeOptions reverse_options_, forward_options_;
};

}  // namespace

Command parse_command_line(std::vector<std::string> arguments) { return Parser{}.parse(std::move(arguments)); }

}  // namespace freshet
