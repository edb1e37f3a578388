#include "rows.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace freshet::config {
namespace {

template <typename T>
bool in_range(const T& value, const RowText& row) {
  if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, Milliseconds>) {
    T bound{};
    std::string what;
    if (!row.low.empty() && ValueType<T>::read(row.low, bound, what) && value < bound) return false;
    if (!row.high.empty() && ValueType<T>::read(row.high, bound, what) && value > bound) return false;
  }
  return true;
}

void complain(const RowText& row, const Node& node, const std::string& key, Report& report, std::string what) {
  if (what.empty()) what = describe(node);
  report.error(node.mark, key, std::move(what) + ", expected " + row.expected());
}

template <typename T>
void read_value(const RowText& row, const Node& node, const std::string& key, Report& report, T& out) {
  T value{};
  std::string what;
  if (node.kind == Node::Kind::Scalar && ValueType<T>::read(node.text, value, what) && in_range(value, row))
    out = std::move(value);
  else
    complain(row, node, key, report, std::move(what));
}

void read_value(const RowText& row, const Node& node, const std::string& key, Report& report,
                std::optional<std::uint32_t>& out) {
  if (node.kind == Node::Kind::Scalar && node.text == row.fallback) {
    out.reset();
    return;
  }
  std::uint32_t value = 0;
  std::string what;
  if (node.kind == Node::Kind::Scalar && ValueType<std::uint32_t>::read(node.text, value, what) && in_range(value, row))
    out = value;
  else
    complain(row, node, key, report, std::move(what));
}

void read_value(const RowText& row, const Node& node, const std::string& key, Report& report,
                std::optional<std::string>& out) {
  out.reset();
  if (node.kind == Node::Kind::Scalar && node.text == row.fallback) return;
  std::string what;
  const bool plain = std::ranges::none_of(node.text, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
  if (node.kind == Node::Kind::Scalar && plain && ValueType<std::string>::read(node.text, out.emplace(), what)) return;
  out.reset();
  complain(row, node, key, report, std::move(what));
}

template <typename T>
void read_value(const RowText& row, const Node& node, const std::string& key, Report& report, std::vector<T>& out) {
  out.clear();
  if (node.kind == Node::Kind::Scalar && node.text == "any" && row.fallback == "any") return;
  if (node.kind != Node::Kind::List) return complain(row, node, key, report, {});
  RowText element = row;
  element.type = ValueType<T>::kText;
  for (std::size_t i = 0; i < node.children.size(); ++i)
    read_value(element, node.children[i], key + '[' + std::to_string(i) + ']', report, out.emplace_back());
  if (out.empty()) complain(row, node, key, report, "is an empty list");
}

void read_value(const RowText& row, const Node& node, const std::string& key, Report& report, TargetFields& out) {
  std::string what;
  if (node.kind == Node::Kind::Scalar && ValueType<TargetFields>::read(node.text, out, what)) return;
  if (node.kind != Node::Kind::List) return complain(row, node, key, report, std::move(what));
  out.names.clear();
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    const Node& child = node.children[i];
    what.clear();
    if (child.kind != Node::Kind::Scalar || !add_target(child.text, out, what))
      report.error(child.mark, key + '[' + std::to_string(i) + ']',
                   (what.empty() ? describe(child) : what) + ", expected a field name such as CDN-Cache-Control");
  }
}

void read_value(const RowText& row, const Node& node, const std::string& key, Report& report, HostNames& out) {
  std::string what;
  if (node.kind == Node::Kind::Scalar && ValueType<HostNames>::read(node.text, out, what)) return;
  if (node.kind != Node::Kind::List) return complain(row, node, key, report, {});
  out.names.clear();
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    const Node& child = node.children[i];
    if (child.kind != Node::Kind::Scalar || !add_host_name(child.text, out))
      report.error(child.mark, key + '[' + std::to_string(i) + ']',
                   describe(child) + ", expected a host name without scheme and port");
  }
}

void read_value(const RowText& row, const Node& node, const std::string& key, Report& report, PrivateAccess& out) {
  std::string what;
  if (node.kind == Node::Kind::Scalar && ValueType<bool>::read(node.text, out.all, what)) return;
  if (node.kind != Node::Kind::List) return complain(row, node, key, report, {});
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    const Node& child = node.children[i];
    what.clear();
    const auto network = child.kind == Node::Kind::Scalar ? read_network(child.text, what) : std::nullopt;
    if (network)
      out.networks.push_back(*network);
    else
      report.error(child.mark, key + '[' + std::to_string(i) + ']',
                   (what.empty() ? describe(child) : what) + ", expected a network such as 10.0.0.0/8 or \"fd00::/8\"");
  }
}

}  // namespace

std::string RowText::expected() const {
  std::string text{type.expected};
  if (!low.empty()) text += " from " + std::string{low} + " to " + std::string{high};
  return text;
}

std::string describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::Null:
      return "is empty";
    case Node::Kind::List:
      return "is a list";
    case Node::Kind::Map:
      return "is a map";
    case Node::Kind::Scalar:
      break;
  }
  constexpr std::size_t kShown = 100;
  std::string shown;
  for (char c : std::string_view{node.text}.substr(0, kShown))
    shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  if (node.text.size() > kShown) shown += "...";
  return "is '" + shown + "'";
}

#define FRESHET_ROW(type, name, fallback, low, high, help)                                                           \
  Row<Section>{{#name, ValueType<type>::kText, fallback, low, high, help},                                           \
               [](const RowText& text, const Node& node, const std::string& key, Report& report, Section& section) { \
                 read_value(text, node, key, report, section.name);                                                  \
               }},

template <>
std::span<const Row<Settings>> rows() {
  using Section = Settings;
  static constexpr Row<Section> kRows[] = {
#define ROOT_SETTING FRESHET_ROW
#include "freshet/config/settings.def"
  };
  return kRows;
}

template <>
std::span<const Row<ListenerSettings>> rows() {
  using Section = ListenerSettings;
  static constexpr Row<Section> kRows[] = {
#define LISTENER_SETTING FRESHET_ROW
#include "freshet/config/settings.def"
  };
  return kRows;
}

template <>
std::span<const Row<RouteSettings>> rows() {
  using Section = RouteSettings;
  static constexpr Row<Section> kRows[] = {
#define ROUTE_SETTING FRESHET_ROW
#include "freshet/config/settings.def"
  };
  return kRows;
}

template <>
std::span<const Row<AccessRuleSettings>> rows() {
  using Section = AccessRuleSettings;
  static constexpr Row<Section> kRows[] = {
#define ACCESS_RULE_SETTING FRESHET_ROW
#include "freshet/config/settings.def"
  };
  return kRows;
}

template <>
std::span<const Row<ForwardSettings>> rows() {
  using Section = ForwardSettings;
  static constexpr Row<Section> kRows[] = {
#define FORWARD_SETTING FRESHET_ROW
#include "freshet/config/settings.def"
  };
  return kRows;
}

template <>
std::span<const Row<AuthSettings>> rows() {
  using Section = AuthSettings;
  static constexpr Row<Section> kRows[] = {
#define AUTH_SETTING FRESHET_ROW
#include "freshet/config/settings.def"
  };
  return kRows;
}

template <>
std::span<const Row<RateLimitSettings>> rows() {
  using Section = RateLimitSettings;
  static constexpr Row<Section> kRows[] = {
#define RATE_SETTING FRESHET_ROW
#include "freshet/config/settings.def"
  };
  return kRows;
}

template <>
std::span<const Row<UpstreamSettings>> rows() {
  using Section = UpstreamSettings;
  static constexpr Row<Section> kRows[] = {
#define UPSTREAM_SETTING FRESHET_ROW
#include "freshet/config/settings.def"
  };
  return kRows;
}

template <>
std::span<const Row<CacheSettings>> rows() {
  using Section = CacheSettings;
  static constexpr Row<Section> kRows[] = {
#define CACHE_SETTING FRESHET_ROW
#include "freshet/config/settings.def"
  };
  return kRows;
}

template <>
std::span<const Row<AdminSettings>> rows() {
  using Section = AdminSettings;
  static constexpr Row<Section> kRows[] = {
#define ADMIN_SETTING FRESHET_ROW
#include "freshet/config/settings.def"
  };
  return kRows;
}

template <>
std::span<const Row<AccessLogSettings>> rows() {
  using Section = AccessLogSettings;
  static constexpr Row<Section> kRows[] = {
#define ACCESS_LOG_SETTING FRESHET_ROW
#include "freshet/config/settings.def"
  };
  return kRows;
}

template <>
std::span<const Row<LogSettings>> rows() {
  using Section = LogSettings;
  static constexpr Row<Section> kRows[] = {
#define LOG_SETTING FRESHET_ROW
#include "freshet/config/settings.def"
  };
  return kRows;
}

template <>
std::span<const Row<TimeoutSettings>> rows() {
  using Section = TimeoutSettings;
  static constexpr Row<Section> kRows[] = {
#define TIMEOUT_SETTING FRESHET_ROW
#include "freshet/config/settings.def"
  };
  return kRows;
}

template <>
std::span<const Row<LimitSettings>> rows() {
  using Section = LimitSettings;
  static constexpr Row<Section> kRows[] = {
#define LIMIT_SETTING FRESHET_ROW
#include "freshet/config/settings.def"
  };
  return kRows;
}

namespace {
template <typename Section>
SectionText section_text(std::string_view path, std::string_view help) {
  SectionText section{path, help, {}};
  for (const auto& row : rows<Section>()) section.rows.push_back(row.text);
  return section;
}
}  // namespace

const std::vector<SectionText>& all_sections() {
  static const std::vector<SectionText> sections{
#define SETTINGS_SECTION(type, path, help) section_text<type>(path, help),
#include "freshet/config/settings.def"
  };
  return sections;
}

}  // namespace freshet::config
