// A HEAD that went to the origin although a GET response is stored (RFC 9111 4.3.5).
#include "freshet/cache/head_answer.hpp"
#include "pipeline.hpp"

namespace freshet {

/// Empty: nothing but the HEAD's own answer comes of it. Stored responses that turn out to be outdated are marked as
/// stale, not taken out: they can still be validated, and stand in when the origin fails.
std::optional<Reply> CachingProxy::learn_from_head(Errand& errand, Reply& origin) {
  const Ref<StoredResponse>& stored = errand.look.found.response;
  if (!stored || !stored->is_usable() || errand.client.head.method != Method::Head || errand.look.directives.no_store) return {};
  const Time now = errand.times.received;
  switch (compare_with_head(*stored, origin.head, origin.length, unix_seconds(now.wall))) {
    case HeadVerdict::Nothing:
      return {};
    case HeadVerdict::Same:
      return freshened(errand, origin);
    case HeadVerdict::Different:
      break;
  }
  if (current_age(stored->meta(), now.steady) >= stored->meta().lifetime) return {};
  if (const auto outdated = make_stale(*stored, now.steady, store_)) {
    errand.ticket.publish(stored, outdated);
  } else {
    store_.remove(stored);
  }
  return {};
}

}  // namespace freshet
