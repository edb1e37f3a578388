// No-Vary-Search: a response may answer other URLs of its path too. It is stored once, under a key that these URLs
// share.
#include "freshet/http/no_vary_search.hpp"
#include "pipeline.hpp"

namespace freshet {

/// After a look-up under the URL's own key that found nothing: what do the rules of its path lead to? The newest rule
/// goes first, and is the one that a fetch goes by.
void CachingProxy::look_for_equivalent(const Request& request, Time now, LookUp& look) {
  SearchRules& rules = store_.search_rules();
  if (look.found.response || look.found.other_variants || look.content || !rules.any()) return;
  for (SearchRule& rule : rules.of(hash_key(path_of_key(look.uri.text)))) {
    const auto key = make_search_key(look.uri, rule, request.arena);
    if (!key) continue;
    Store::Found found = store_.find(*key, request.head.fields);
    if (look.rule && !found.response) continue;
    look.key = *key;
    look.rule = std::move(rule.variation);
    look.found = std::move(found);
    if (look.found.response) break;
  }
  if (look.rule) judge(request, now, look);
}

/// Chooses the key that the response belongs under. False when that is not the one that was looked for.
bool CachingProxy::is_placed(Errand& errand, const ResponseHead& head) {
  LookUp& look = errand.look;
  if (look.content || errand.client.head.method == Method::Post || still_belongs(errand, head.fields)) return true;
  const std::string_view before = look.key.text;
  const UrlVariation variation = parse_no_vary_search(head.fields);
  look.key = look.uri;
  look.rule = nullptr;
  if (!variation.is_default()) {
    const SearchRule rule = store_.search_rules().learn(hash_key(path_of_key(look.uri.text)), variation);
    const auto shared = make_search_key(look.uri, rule, errand.client.arena);
    if (shared) {
      look.key = *shared;
      look.rule = rule.variation;
    }
  }
  return look.key.text == before;
}

/// Whether a response with these fields may be found under the key that was looked for.
bool CachingProxy::still_belongs(const Errand& errand, FieldsView fields) const {
  const LookUp& look = errand.look;
  if (!look.rule && !fields.contains(FieldId::NoVarySearch)) return true;
  const UrlVariation variation = parse_no_vary_search(fields);
  return look.rule ? variation == *look.rule : variation.is_default();
}

}  // namespace freshet
