#include "bearer.hpp"

#include "freshet/base/ascii.hpp"

namespace freshet {
namespace {

/// Takes as long for any `given` of a length.
bool is_same(std::string_view given, std::string_view secret) noexcept {
  volatile unsigned differs = given.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i)
    differs = differs | static_cast<unsigned>(static_cast<unsigned char>(given[i] ^ secret[i % secret.size()]));
  return differs == 0;
}

}  // namespace

ShownToken shown_token(FieldsView fields, std::string_view secret) noexcept {
  const auto value = fields.first(FieldId::Authorization);
  if (!value) return ShownToken::None;
  const std::size_t space = value->find(' ');
  const bool bearer = space != std::string_view::npos && ascii::iequals(value->substr(0, space), "Bearer");
  if (!bearer || fields.count(FieldId::Authorization) != 1) return ShownToken::Wrong;
  return is_same(ascii::trim(value->substr(space)), secret) ? ShownToken::Right : ShownToken::Wrong;
}

}  // namespace freshet
