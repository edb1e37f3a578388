#include "invalidation.hpp"

#include "freshet/http/cache_groups.hpp"
#include "freshet/http/reference.hpp"

namespace freshet {

void invalidate_after(Store& store, std::string_view partition, const Request& request, const ResponseHead& response,
                      FetchTicket& own) {
  const RequestHead& head = request.head;
  store.invalidate(make_cache_key(partition, head, request.arena), own);
  for (const FieldId id : {FieldId::Location, FieldId::ContentLocation}) {
    const auto reference = response.fields.first(id);
    if (!reference) continue;
    if (const auto target = resolve_same_origin(head.scheme, head.authority, head.target, *reference))
      store.invalidate(make_cache_key(partition, head.scheme, head.authority, *target, request.arena), own);
  }
  if (!response.fields.contains(FieldId::CacheGroupInvalidation)) return;
  const std::string_view origin = origin_of_key(make_cache_key(partition, head, request.arena).text);
  store.groups()->purge(origin, read_invalidated_groups(response.fields).names, Purge::Hard, store.clock().now().steady);
}

}  // namespace freshet
