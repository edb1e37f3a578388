#include "freshet/config/reference.hpp"

#include "rows.hpp"

namespace freshet {
namespace {

std::string code(std::string_view text) { return '`' + std::string{text} + '`'; }

constexpr std::string_view kIntroduction = R"(# Configuration

<!-- Made from include/freshet/config/settings.def by `scripts/update-reference`; edit that table, not this file. -->

A YAML file. Whatever it leaves out has the default given here. `freshet check -c FILE` reports every mistake with its line,
column and the nearest known name, and exits with 2 if there is any; `freshet run -c FILE` refuses a file that has one.

```yaml
listeners:
  - bind: 127.0.0.1:8080          # a reverse proxy
    routes:
      - {host: "img.example.com", path: /thumbs/, upstream: images}
      - {upstream: app}           # no match: everything else
  - bind: 127.0.0.1:3128          # a forward proxy
    forward: {allow_private: false, connect_ports: [443]}
upstreams:
  app:    {servers: ["http://127.0.0.1:8000"]}
  images: {servers: ["http://127.0.0.1:8001", "http://127.0.0.1:8002"]}
cache: {max_size: 256MiB, max_object_size: 64MiB}
admin: {bind: 127.0.0.1:9180}
access_log: {path: stdout, format: combined}
workers: auto
```

**Durations** have a unit: `500ms`, `30s`, `5m`, `1h`, `1d`. **Sizes** are bytes, or have a unit: `1000`, `64KiB`, `256MiB`, `1GiB`
(powers of 1024), `10MB` (powers of 1000). **Environment variables** are put in wherever a value has `${NAME}` or
`${NAME:-default}` (the default also replaces an empty variable; a variable that is missing and has no default is an error);
`$$` is a dollar. Inside `[...]` and `{...}` write them in quotes: `{bind: "${LISTEN}"}`. YAML anchors, aliases and tags are refused.
)";

void add_row(std::string& out, std::string_view path, const config::RowText& row) {
  std::string help{row.help};
  out += "| " + code(path.empty() ? std::string{row.name} : std::string{path} + '.' + std::string{row.name});
  out += " | " + std::string{row.type.name};
  if (!row.low.empty()) out += ", " + std::string{row.low} + " to " + std::string{row.high};
  out += " | " + (row.required() ? "required" : code(row.fallback));
  out += " | " + help + " |\n";
}

}  // namespace

std::string configuration_reference() {
  std::string out{kIntroduction};
  for (const auto& section : config::all_sections()) {
    out += "\n## " + (section.path.empty() ? "Top level" : code(section.path)) + "\n\n" + std::string{section.help} +
           "\n\n";
    out += "| setting | type | default | what it does |\n|---|---|---|---|\n";
    for (const auto& row : section.rows) add_row(out, section.path, row);
  }
  return out;
}

}  // namespace freshet
