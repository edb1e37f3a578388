// The files that we ship: configurations are right, other YAML and JSON files at least parse.
#include <yaml-cpp/yaml.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "freshet/config/load.hpp"
#include "freshet/config/reference.hpp"

using namespace freshet;
namespace fs = std::filesystem;

namespace {

const fs::path kRoot = fs::path(__FILE__).parent_path().parent_path().parent_path().parent_path();

std::string read_all(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::optional<std::string> no_variables(const std::string&) { return {}; }

/// The fenced blocks of that language in a Markdown text.
std::vector<std::string> fenced(const std::string& text, const std::string& language) {
  std::vector<std::string> blocks;
  const std::string fence = "```" + language + "\n";
  for (auto at = text.find(fence); at != text.npos; at = text.find(fence, at)) {
    at += fence.size();
    blocks.push_back(text.substr(at, text.find("```", at) - at));
  }
  return blocks;
}

}  // namespace

TEST_CASE("docs/configuration.md is what the table of settings says", "[config][docs]") {
  INFO("scripts/update-reference writes it anew");
  REQUIRE(read_all(kRoot / "docs/configuration.md") == configuration_reference());
}

TEST_CASE("The configurations that we ship have not even a warning", "[config][files]") {
  std::vector<fs::path> files{kRoot / "conf/freshet.yaml", kRoot / "docker/freshet.yaml"};
  for (const auto& entry : fs::directory_iterator(kRoot / "conf/examples")) files.push_back(entry.path());
  REQUIRE(files.size() >= 5);
  for (const auto& file : files) {
    const auto result = load_text(read_all(file), file.string(), no_variables);
    for (const auto& problem : result.problems) INFO(to_string(problem));
    CAPTURE(file.string());
    REQUIRE(result.problems.empty());
  }
}

TEST_CASE("The default configuration is a forward proxy and an admin endpoint on loopback", "[config][files]") {
  const auto settings = load_text(read_all(kRoot / "conf/freshet.yaml"), "f", no_variables).settings;
  REQUIRE(settings.summary() ==
          "1 listener (forward 127.0.0.1:3128), 0 upstreams, cache 256MiB, admin 127.0.0.1:9180, access log stdout");
  REQUIRE_FALSE(settings.listeners[0].forward->allow_private.all);
}

TEST_CASE("The configurations printed in the documents are right", "[config][docs]") {
  std::size_t found = 0;
  for (const char* document : {"README.md", "docs/configuration.md", "docs/access.md", "docs/authentication.md"})
    for (const auto& block : fenced(read_all(kRoot / document), "yaml")) {
      if (block.find("listeners:") == block.npos) continue;
      ++found;
      const auto result = load_text(block, document, no_variables);
      for (const auto& problem : result.problems) UNSCOPED_INFO(to_string(problem));
      REQUIRE(result.problems.empty());
    }
  REQUIRE(found >= 3);
}

TEST_CASE("Every YAML and JSON file for containers parses", "[config][files]") {
  std::size_t found = 0;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "docker")) {
    const auto kind = entry.path().extension();
    if (kind != ".yaml" && kind != ".yml" && kind != ".json") continue;
    CAPTURE(entry.path().string());
    REQUIRE_NOTHROW(YAML::Load(read_all(entry.path())));  // JSON is YAML too
    ++found;
  }
  REQUIRE(found >= 4);
}
