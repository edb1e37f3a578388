// The header section of a request before, of this client or another one: most send the same bytes each time, and what they mean need not be
// found out again.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "freshet/http/fields.hpp"
#include "freshet/http/framing.hpp"
#include "freshet/http/message.hpp"

namespace freshet {

/// Remembers one header section (RFC 9112 2.1) in the bytes it came in, and what they say. One with fields that are marked as
/// credentials (fields.def) is not to be remembered: how long a comparison takes would tell the next client something of them. One thread.
class KnownSection {
 public:
  static constexpr std::size_t kLongest = 1024;  ///< bytes; longer ones are not remembered

  struct Meaning {
    Method method = Method::Get;        ///< of the request line above it
    Version version = Version::Http11;  ///< the same
    std::size_t lines = 0;              ///< field lines, all that there are
    FramingVerdict framing;             ///< that the two and the section make
    std::string_view scheme;            ///< for which authority() was made
  };

  /// The size of the section at the start of `bytes`, when it is the one that is known and means the same; else 0.
  std::size_t size_in(std::string_view bytes, Method method, Version version) const noexcept {
    const bool known = !text_.empty() && method == meaning_.method && version == meaning_.version && bytes.starts_with(text_);
    return known ? text_.size() : 0;
  }
  const Meaning& meaning() const noexcept { return meaning_; }
  /// The value of its one Host line, and what normalise_authority() makes of it.
  std::string_view host() const noexcept { return host_; }
  std::string_view authority() const noexcept { return authority_; }
  /// What remains of it in a request.
  const Fields& fields() const noexcept { return fields_; }

  /// `section`: one that was not known, with the empty line that ends it. One of kOneOf takes the place of the one that is known: where all
  /// differ, it is not worth more. Without memory none is known. `meaning.scheme` lives as long as this.
  void remember(std::string_view section, const Meaning& meaning, std::string_view host, std::string_view authority,
                const Fields& fields) noexcept;

 private:
  static constexpr unsigned kOneOf = 8;
  std::string text_;  // empty: none
  std::string host_, authority_;
  Meaning meaning_;
  Fields fields_;
  unsigned unknown_ = 0;
};

}  // namespace freshet
