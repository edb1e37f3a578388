#include "vary_value.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <memory_resource>
#include <optional>
#include <vector>

#include "freshet/base/ascii.hpp"
#include "freshet/http/grammar.hpp"

namespace freshet {
namespace {

// The codings that are told apart (RFC 9110 8.4.1, RFC 7932, RFC 8878, RFC 9842), in order of their names.
constexpr std::array<std::string_view, 7> kCodings = {"br", "compress", "dcb", "dcz", "deflate", "gzip", "zstd"};
using CodingSet = std::bitset<kCodings.size()>;

std::optional<std::size_t> coding_number(std::string_view name) noexcept {
  if (name.size() > 2 && ascii::iequals(name.substr(0, 2), "x-")) name.remove_prefix(2);  // x-gzip, x-compress
  for (std::size_t i = 0; i < kCodings.size(); ++i)
    if (ascii::iequals(name, kCodings[i])) return i;
  return {};
}

// "name[;q=weight]", the weight in thousandths; empty when malformed.
std::optional<int> read_member(std::string_view member, std::string_view& name) noexcept {
  const std::size_t end = member.find(';');
  name = ascii::trim(member.substr(0, end));
  if (!is_token(name)) return {};
  if (end == std::string_view::npos) return 1000;
  ParameterReader parameters(member.substr(end + 1), ';');
  std::string_view key, value;
  bool has_value = false;
  if (!parameters.next(key, value, has_value)) return 1000;
  if (!has_value || !ascii::iequals(key, "q")) return {};
  const auto weight = parse_qvalue(value);
  return parameters.next(key, value, has_value) ? std::nullopt : weight;
}

struct Codings {
  CodingSet accepted;
  bool identity = true;      // "not coded" is acceptable
  bool lost_member = false;  // something unknown or malformed was dropped
};

Codings read_codings(std::string_view value) noexcept {
  Codings out;
  CodingSet named;
  bool identity_named = false;
  std::optional<bool> others;  // "*"
  ListReader members(value);
  for (std::string_view member, name; members.next(member);) {
    const auto weight = read_member(member, name);
    if (!weight) {
      out.lost_member = true;
    } else if (name == "*") {
      others = *weight > 0;
    } else if (ascii::iequals(name, "identity")) {
      identity_named = true;
      out.identity = *weight > 0;
    } else if (const auto number = coding_number(name)) {
      named.set(*number);
      out.accepted.set(*number, *weight > 0);
    } else {
      out.lost_member = true;
    }
  }
  if (others) {
    if (*others) out.accepted |= ~named;
    if (!identity_named) out.identity = *others;
  }
  return out;
}

struct Language {
  std::string_view range;
  int weight;
};

bool iless(std::string_view a, std::string_view b) noexcept {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](char x, char y) { return ascii::lower(x) < ascii::lower(y); });
}

// ";q=0.5" without superfluous digits; nothing for 1.
void append_weight(int weight, std::pmr::string& out) {
  if (weight == 1000) return;
  out += ";q=0";
  if (weight == 0) return;
  out += '.';
  for (int place = 100; weight > 0; weight %= place, place /= 10) out += static_cast<char>('0' + weight / place);
}

}  // namespace

void append_list(std::string_view value, std::pmr::string& out) {
  value = ascii::trim(value);
  bool quoted = false, after_comma = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (quoted && c == '\\' && i + 1 < value.size()) {
      out.append(value.substr(i++, 2));
      continue;
    }
    if (c == '"') quoted = !quoted;
    if (!quoted && ascii::is_space(c)) {
      const std::size_t end = std::min(value.find_first_not_of(" \t", i), value.size());
      if (!after_comma && end < value.size() && value[end] != ',') out.append(value.substr(i, end - i));
      i = end - 1;
      continue;
    }
    after_comma = !quoted && c == ',';
    out += c;
  }
}

void append_accept_encoding(std::string_view value, std::pmr::string& out) {
  const Codings codings = read_codings(value);
  const std::size_t start = out.size();
  const auto add = [&out, start](std::string_view member) {
    if (out.size() > start) out += ',';
    out += member;
  };
  for (std::size_t i = 0; i < kCodings.size(); ++i)
    if (codings.accepted.test(i)) add(kCodings[i]);
  if (!codings.identity) add("identity;q=0");
}

bool explains_coding(std::string_view accept_encoding, std::string_view content_encoding) noexcept {
  const Codings codings = read_codings(accept_encoding);
  if (!codings.lost_member) return true;
  ListReader members(content_encoding);
  for (std::string_view name; members.next(name);) {
    if (ascii::iequals(name, "identity")) continue;
    const auto number = coding_number(name);
    if (!number || !codings.accepted.test(*number)) return false;
  }
  return true;
}

void append_accept_language(std::string_view value, std::pmr::string& out) {
  std::pmr::vector<Language> languages(out.get_allocator().resource());
  ListReader members(value);
  for (std::string_view member, range; members.next(member);) {
    const auto weight = read_member(member, range);
    if (!weight) return append_list(value, out);
    languages.push_back({range, *weight});
  }
  std::sort(languages.begin(), languages.end(), [](const Language& a, const Language& b) {
    return a.weight != b.weight ? a.weight > b.weight : iless(a.range, b.range);
  });
  const std::size_t start = out.size();
  for (const Language& language : languages) {
    if (out.size() > start) out += ',';
    for (const char c : language.range) out += ascii::lower(c);
    append_weight(language.weight, out);
  }
}

}  // namespace freshet
