#include "freshet/codec/known_section.hpp"

#include <new>

namespace freshet {

void KnownSection::remember(std::string_view section, const Meaning& meaning, std::string_view host, std::string_view authority,
                            const Fields& fields) noexcept {
  if (section.size() > kLongest || unknown_++ % kOneOf != 0) return;
  text_.clear();
  try {
    fields_.copy(fields, 0, 0);
    host_.assign(host);
    authority_.assign(authority);
    meaning_ = meaning;
    text_.assign(section);
  } catch (const std::bad_alloc&) {
    text_.clear();
  }
}

}  // namespace freshet
