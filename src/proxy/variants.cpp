#include "variants.hpp"

#include <algorithm>
#include <string>

#include "freshet/base/ascii.hpp"
#include "freshet/http/conditional.hpp"
#include "freshet/http/grammar.hpp"
#include "hit.hpp"
#include "pipeline.hpp"

namespace freshet {
namespace {

constexpr std::size_t kMostOffered = 8;
constexpr std::string_view kCors = "access-control-";

/// What a 304 need not repeat, and what may differ although the representation is the same: such a head is for those whom Vary selects.
/// Content codings: there are origins that answer 304 for one that the client cannot read.
bool is_personal(FieldsView fields) noexcept {
  if (fields.contains(FieldId::ContentEncoding) || fields.contains(FieldId::SetCookie)) return true;
  for (const Field field : fields) {
    if (ascii::iequals(field.name.substr(0, kCors.size()), kCors)) return true;
    if (field.id != FieldId::Vary) continue;
    for (const std::string_view name : {"origin", "cookie", "authorization"})
      if (list_contains(field.value, name)) return true;
  }
  return false;
}

}  // namespace

std::string_view etags_of(const std::vector<Ref<StoredResponse>>& variants, Arena& arena) {
  std::string list;
  for (const auto& variant : variants) {
    if (!list.empty()) list += ", ";
    list += variant->etag();
  }
  return arena.copy(list);
}

/// RFC 9111 4.1: a request that selects no stored response goes to the origin, with what describes those that are stored. Only strong
/// ETags, and nothing personal.
void CachingProxy::choose_variants(Errand& errand) {
  errand.variants.clear();
  const Request& client = errand.client;
  if (errand.look.decision.why != Reason::VaryMiss || !errand.offers_variants || errand.ticket.remembered()) return;
  if (client.head.method != Method::Get || client.head.fields.contains(FieldId::Range) || errand.look.directives.no_store) return;
  errand.variants = store_.variants(errand.look.key, kMostOffered);
  std::erase_if(errand.variants, [](const auto& variant) { return is_personal(variant->head().fields); });
}

/// The origin says that one of the variants is its answer: that one, freshened, is stored for requests like this one too. Empty when
/// the 304 does not say which.
std::optional<Reply> CachingProxy::selected_variant(Errand& errand, Reply& origin) {
  const auto etag = origin.head.fields.first(FieldId::ETag);
  if (!etag) return {};
  const auto chosen = std::find_if(errand.variants.begin(), errand.variants.end(),
                                   [&](const auto& variant) { return variant->is_usable() && strong_match(*etag, variant->etag()); });
  if (chosen == errand.variants.end()) return {};
  errand.look.found.response = *chosen;
  return freshened(errand, origin);
}

}  // namespace freshet
