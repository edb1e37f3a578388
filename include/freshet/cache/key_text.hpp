// The text of a stored response's key, which may lie in two places.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace freshet {

/// `start` followed by `rest`, each of which may be empty.
struct KeyText {
  std::string_view start, rest;
  template <std::convertible_to<std::string_view> Text>
  KeyText(const Text& text) noexcept : rest(text) {}  // NOLINT
  KeyText(std::string_view s, std::string_view r) noexcept : start(s), rest(r) {}
  std::size_t size() const noexcept { return start.size() + rest.size(); }
  std::string text() const { return std::string(start).append(rest); }
  friend bool operator==(const KeyText& a, const KeyText& b) noexcept {
    if (a.size() != b.size()) return false;
    return a.start.size() <= b.start.size() ? same(a, b) : same(b, a);
  }

 private:
  // REQUIRES: of one size; a.start is not the longer one.
  static bool same(const KeyText& a, const KeyText& b) noexcept {
    const std::size_t between = b.start.size() - a.start.size();
    return b.start.substr(a.start.size()) == a.rest.substr(0, between) && a.rest.substr(between) == b.rest &&
           b.start.substr(0, a.start.size()) == a.start;
  }
};

}  // namespace freshet
