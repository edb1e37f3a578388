#include "freshet/http/no_vary_search.hpp"

#include <algorithm>
#include <utility>

#include "freshet/base/ascii.hpp"
#include "freshet/http/structured.hpp"

namespace freshet {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

unsigned hex_value(char c) noexcept {
  return static_cast<unsigned>(ascii::is_digit(c) ? c - '0' : ascii::lower(c) - 'a' + 10);
}

}  // namespace

// What is not "%xx" stands for itself.
std::string decode_parameter(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped =
        text[i] == '%' && i + 2 < text.size() && ascii::is_hex(text[i + 1]) && ascii::is_hex(text[i + 2]);
    if (escaped) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

namespace {

// "UTF-8 decode without BOM" of the Encoding Standard: each maximal part of what is malformed becomes one U+FFFD.
class Utf8Decoder {
 public:
  explicit Utf8Decoder(std::string_view bytes) {
    for (const char c : bytes) feed(c);
    if (!partial_.empty()) replace();
  }
  const std::string& text() const noexcept { return text_; }
  bool clean() const noexcept { return clean_; }

 private:
  void feed(char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (!partial_.empty() && (byte < low_ || byte > high_)) replace();  // and the byte begins anew
    if (partial_.empty()) return start(c, byte);
    partial_ += c;
    low_ = 0x80;
    high_ = 0xBF;
    if (--pending_ == 0) text_ += std::exchange(partial_, {});
  }
  void start(char c, unsigned char byte) {
    if (byte < 0x80) {
      text_ += c;
      return;
    }
    partial_ = c;
    if (byte < 0xC2 || byte > 0xF4) return replace();
    pending_ = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    low_ = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
    high_ = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
  }
  void replace() {
    text_ += kReplacement;
    partial_.clear();
    clean_ = false;
  }
  std::string text_, partial_;
  int pending_ = 0;
  unsigned char low_ = 0, high_ = 0;
  bool clean_ = true;
};

std::string decode(std::string_view text) { return Utf8Decoder(decode_parameter(text)).text(); }

// The names of an inner list of strings, decoded; empty when it is none, or not to be read, or too much.
std::optional<std::vector<std::string>> read_names(const DictionaryMember& member) {
  if (member.kind != DictionaryMember::Kind::InnerList) return {};
  const auto items = parse_string_list(member.text);
  if (!items || items->size() > UrlVariation::kMostNames) return {};
  std::vector<std::string> names;
  std::size_t size = 0;
  for (const std::string& item : *items) {
    const Utf8Decoder name(decode_parameter(item));
    size += name.text().size();
    if (!name.clean() || size > UrlVariation::kLongestNames) return {};
    names.push_back(name.text());
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

const DictionaryMember* find(const std::vector<DictionaryMember>& members, std::string_view key) noexcept {
  const auto at = std::find_if(members.begin(), members.end(), [key](const auto& member) { return member.key == key; });
  return at != members.end() ? &*at : nullptr;
}

// "params" and "except"; false when they are not to be understood.
bool read_parameters(const DictionaryMember* params, const DictionaryMember* except, UrlVariation& out) {
  const bool is_list = params && params->kind == DictionaryMember::Kind::InnerList;
  if (params && !is_list && params->kind != DictionaryMember::Kind::Boolean) return false;
  const bool all = params && !is_list && params->boolean;
  if (except && params && !all) return false;
  out.only_named = all || except;
  if (!except && !is_list) return true;
  auto names = read_names(except ? *except : *params);
  if (!names) return false;
  out.names = std::move(*names);
  return true;
}

bool is_unreserved(char c) noexcept {
  return ascii::is_alpha(c) || ascii::is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

void append_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
}

}  // namespace

bool UrlVariation::matters(std::string_view name) const {
  return std::binary_search(names.begin(), names.end(), name) == only_named;
}

UrlVariation parse_no_vary_search(FieldsView response) {
  std::string text;
  if (!response.join(field_name(FieldId::NoVarySearch), text)) return {};
  const auto members = parse_dictionary(text);
  if (!members) return {};
  UrlVariation out;
  if (const DictionaryMember* order = find(*members, "key-order")) {
    if (order->kind != DictionaryMember::Kind::Boolean) return {};
    out.any_order = order->boolean;
  }
  if (!read_parameters(find(*members, "params"), find(*members, "except"), out)) return {};
  return out;
}

std::optional<std::string> canonical_query(std::string_view query, const UrlVariation& variation) {
  struct Parameter {
    std::string name, value;
  };
  std::vector<Parameter> parameters;
  std::size_t seen = 0;
  while (!query.empty()) {
    const std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(part.size() + 1, query.size()));
    if (part.empty()) continue;
    if (++seen > kMostParameters) return {};
    const std::size_t equals = part.find('=');
    std::string name = decode(part.substr(0, equals));
    if (!variation.matters(name)) continue;
    parameters.push_back({std::move(name), equals < part.size() ? decode(part.substr(equals + 1)) : std::string()});
  }
  if (variation.any_order)
    std::stable_sort(parameters.begin(), parameters.end(),
                     [](const Parameter& a, const Parameter& b) { return a.name < b.name; });
  std::string out;
  for (const Parameter& parameter : parameters) {
    if (!out.empty()) out += '&';
    append_encoded(out, parameter.name);
    out += '=';
    append_encoded(out, parameter.value);
  }
  return out;
}

}  // namespace freshet
