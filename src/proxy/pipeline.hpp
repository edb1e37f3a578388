// The pipeline's inside: one object for each worker, its steps spread over the files that the comments name.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "cache_status.hpp"
#include "fill.hpp"
#include "hold.hpp"
#include "freshet/proxy/caching_proxy.hpp"
#include "origin_request.hpp"

namespace freshet {

/// What the store and the policy say about one request.
struct LookUp {
  CacheKey key;
  RequestDirectives directives;
  Store::Found found;
  ReuseDecision decision;
};

/// What one fetch needs to remember from beginning to end.
struct Errand {
  Request& client;
  LookUp look;
  FetchTicket ticket;
  ExchangeTimes times;
  std::optional<Hold> hold;  // on what is stored, as it may be used after all
  bool background = false;   // no client waits for the answer
  Errand(Request& c, LookUp l, FetchTicket t) : client(c), look(std::move(l)), ticket(std::move(t)) {
    if (look.found.response) hold.emplace(look.found.response->body());
  }
  /// What may stand in for the origin's answer; null also when its body has been lost.
  const StoredResponse* fallback() const noexcept {
    const auto& stored = look.found.response;
    return stored && !hold->late() && stored->body()->is_whole() ? stored.get() : nullptr;
  }
  /// From here on it is as if nothing were stored.
  void forget_stored() noexcept {
    hold.reset();
    look.found.response = nullptr;
    look.decision.reuse = Reuse::Fetch;
  }
  const StoredResponse* revalidated() const noexcept {
    return look.decision.reuse == Reuse::Revalidate || look.decision.reuse == Reuse::UseAndRevalidate ? look.found.response.get()
                                                                                                      : nullptr;
  }
};

inline bool has_any(const Request& request, std::initializer_list<FieldId> ids) noexcept {
  for (const FieldId id : ids)
    if (request.head.fields.contains(id)) return true;
  return false;
}

class CachingProxy final : public Service {
 public:
  CachingProxy(const ProxyOptions& options, Service& origin, Store& store, const Clock& clock, WorkerCounters& counters)
      : options_(options), origin_(origin), store_(store), clock_(clock), counters_(counters) {}

  std::optional<Reply> try_now(Request& request) noexcept override;
  Task<Reply> serve(Request& request) override;

 private:
  // caching_proxy.cpp
  const ListenerRules& rules(const Request& request) const noexcept { return options_.listeners[request.listener]; }
  std::string_view partition(const Request& request) const noexcept;
  bool route(Request& request, RouteVerdict& verdict) const noexcept;
  std::optional<Reply> admit(Request& request);
  Reply refuse(const Request& request, Reason why, int status, CacheStatus said = {});
  Task<Reply> pass(Request& request, Reason why);
  void sign(Reply& reply, const Request& request, const CacheStatus& said);

  // look_up.cpp
  LookUp look_up(const Request& request, Time now);
  std::optional<Reply> hit(Request& request, const LookUp& look, CacheResult result);
  std::optional<Reply> take(Request& request, LookUp& look, const Fetch::Look& seen);
  Reply stale_hit(Errand& errand, const CacheStatus& origin_said);
  Task<Reply> look_or_fetch(Request& request);

  // fetch.cpp
  Preconditions preconditions(const Errand& errand) const noexcept;
  Task<Reply> fetch(Errand& errand);
  Reply failed(Errand& errand, Reply reply);
  Reply freshened(Errand& errand, Reply& origin, bool& done);
  bool is_stored(Errand& errand, Reply& origin, const StoreDecision& decision, std::unique_ptr<FillJob>& fill);
  Reply first_answer(Errand& errand, Reply origin, const Ref<StoredResponse>& stored, const CacheStatus& said);
  Reply pass_on(Errand& errand, Reply origin, Reason why);
  Task<void> revalidate(std::unique_ptr<DetachedRequest> request, LookUp look, FetchTicket ticket);

  // share.cpp
  bool is_shared(Errand& errand, Reply& origin, const StoreDecision& decision, std::unique_ptr<FillJob>& fill);
  void make_resumable(Reply& reply, Request& request, const Ref<StoredResponse>& stored);
  Ref<StoredResponse> make_unstored(const Errand& errand, const Reply& origin, const StoreDecision& decision);

  const ProxyOptions& options_;
  Service& origin_;
  Store& store_;
  const Clock& clock_;
  WorkerCounters& counters_;
};

}  // namespace freshet
