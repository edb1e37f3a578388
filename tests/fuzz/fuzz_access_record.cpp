// Access log lines of any bytes: one record is one line, and nothing that a client sends gets out of its quotes.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "freshet/base/check.hpp"
#include "freshet/metrics/access_log.hpp"

using namespace freshet;

namespace {

std::string_view take(std::string_view& text) {
  const std::string_view part = text.substr(0, text.find('\0'));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

bool is_one_line(std::string_view line) {
  if (!line.ends_with('\n')) return false;
  line.remove_suffix(1);
  for (const char c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return false;
  return true;
}

// Quotes that no backslash stands before come in pairs. Returns how many, or -1.
int quotes(std::string_view line) {
  int found = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\')
      ++i;
    else if (line[i] == '"')
      ++found;
  }
  return found % 2 == 0 ? found : -1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  AccessRecord record;
  record.client = "192.0.2.1";
  record.version = "HTTP/1.1";
  for (std::string_view* field :
       {&record.method, &record.target, &record.authority, &record.scheme, &record.referer, &record.user_agent,
        &record.user, &record.content_type, &record.cache_status, &record.upstream_address})
    *field = take(text);
  record.absolute_form = text.starts_with('a');
  record.status = static_cast<int>(text.size());
  for (const AccessLogFormat format : {AccessLogFormat::Combined, AccessLogFormat::Json, AccessLogFormat::Squid}) {
    std::string line;
    format_access_record(record, format, line);
    ENSURE(is_one_line(line));
    if (format == AccessLogFormat::Combined) ENSURE(quotes(line) == 6);
    if (format == AccessLogFormat::Json) ENSURE(quotes(line) > 0 && line.starts_with('{') && line.ends_with("}\n"));
    if (format == AccessLogFormat::Squid) {
      std::size_t columns = 0;
      for (std::size_t at = 0; at < line.size();
           at = line.find(' ', at) == std::string::npos ? line.size() : line.find(' ', at) + 1)
        columns += line[at] != ' ' && line[at] != '\n';
      ENSURE(columns == 10);
    }
  }
  return 0;
}
