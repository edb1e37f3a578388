// The pipeline's inside: one object for each worker, its steps spread over the files that the comments name.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cache_status.hpp"
#include "fill.hpp"
#include "hold.hpp"
#include "freshet/cache/key_guess.hpp"
#include "freshet/proxy/caching_proxy.hpp"
#include "hit.hpp"
#include "origin_request.hpp"
#include "parts_fit.hpp"
#include "query_content.hpp"

namespace freshet {

/// What the store and the policy say about one request.
struct LookUp {
  CacheKey key;                               ///< where it was looked for, and what is fetched is stored
  CacheKey uri;                               ///< the key of the URL itself
  std::shared_ptr<const UrlVariation> rule;   ///< by which `key` was made; null: it is the URL's own
  Ref<const QueryContent> content;  ///< of a QUERY; null for GET and HEAD
  RequestDirectives directives;
  Store::Found found;
  PartsFit fit;  ///< when what was found is in parts; never Useless then
  ReuseDecision decision;
  Reason missed = Reason::NothingStored;  ///< why it followed another fetch, when it did
  bool has_gap() const noexcept { return fit.kind == PartsFit::Kind::Gap; }
  /// What was found stays as it is while this lives.
  Holds hold() const;
};

/// That nothing is stored for a request which is routed and could have a stored response.
struct LookedUp {
  CacheKey key;
  RequestDirectives directives;
  ReuseDecision decision;
  bool other_variants;
};

/// What one fetch needs to remember from beginning to end.
struct Errand {
  Request& client;
  LookUp look;
  FetchTicket ticket;
  ExchangeTimes times;
  std::vector<Ref<StoredResponse>> variants;  ///< offered to the origin
  bool offers_variants = true;
  bool keeps_range = false;  ///< asking for the whole in place of a range did not pay: ask for what the client wants
  bool background = false;   ///< no client waits for the answer
  bool parts_stay = false;   ///< the stored parts are as good as they were, although their gap could not be closed
  Holds holds;               ///< on what is stored, as it may be used after all
  Errand(Request& c, LookUp l, FetchTicket t) : client(c), look(std::move(l)), ticket(std::move(t)), holds(look.hold()) {}
  /// What may stand in for the origin's answer; null also when its body has been lost.
  const StoredResponse* fallback() const noexcept {
    const auto& stored = look.found.response;
    return stored && !look.has_gap() && stored->is_usable() && !holds.late() ? stored.get() : nullptr;
  }
  /// From here on it is as if nothing were stored.
  void forget_stored() noexcept {
    holds = Holds();
    look.found.response = nullptr;
    look.fit = PartsFit();
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
  CachingProxy(const ProxyOptions& options, Service& origin, Store& store, const Clock& clock, WorkerCounters& counters, Pause* pause)
      : options_(options), origin_(origin), store_(store), clock_(clock), counters_(counters), pause_(pause) {}

  void expect(std::string_view target) noexcept override;
  std::optional<Reply> try_now(Request& request) noexcept override;
  Task<Reply> serve(Request& request) override;

 private:
  // caching_proxy.cpp
  const ListenerRules& rules(const Request& request) const noexcept { return options_.listeners[request.listener]; }
  std::string_view partition(const Request& request) const;
  std::vector<std::string_view> partitions(const Request& request) const;
  bool has_partition(const Request& request) const noexcept;
  bool is_too_fast(Request& request, const RateLimit& limit) const noexcept;
  std::optional<Reply> look_now(Request& request);
  Task<Reply> serve_judged(Request& request);
  Task<Reply> serve_unknown(Request& request);
  bool route(Request& request, RouteVerdict& verdict) const;
  std::optional<Reply> admit(Request& request);
  /// A 407 gets its challenges; `stale`: the client knows the password and needs only a new nonce.
  Reply refuse(const Request& request, Reason why, int status, CacheStatus said = {}, bool stale = false);
  void sign(Reply& reply, const Request& request, const CacheStatus& said);

  // authentication.cpp
  bool asks_who(const Request& request) const noexcept;
  bool accept(Request& request, const AuthAnswer& answer) noexcept;
  /// The hit path: sets Request::user. False: authenticate() decides.
  bool knows(Request& request);
  /// Sets Request::user, or gives the answer to a request whose credentials are missing or not good.
  Task<std::optional<Reply>> authenticate(Request& request);
  Reply refuse_credentials(Request& request, const AuthAnswer& answer);
  /// Proxy-Authenticate for a 407.
  void add_challenges(Reply& reply, const Request& request, bool stale);

  // pass.cpp
  Task<Reply> pass(Request& request, Reason why);
  bool is_stored_for_get(Errand& errand, Reply& reply, std::unique_ptr<FillJob>& fill);
  Reply sign_passed(const Request& request, Reply reply, Reason why);

  // query.cpp
  Task<Reply> serve_query(Request& request);
  CacheKey key_of(const Request& request, const QueryContent* content) const;

  // look_up.cpp
  LookUp look_up(const Request& request, Time now, const Ref<const QueryContent>& content) const;
  static void remember(Request& request, const LookUp& look);
  LookUp look_first(Request& request, Time now, const Ref<const QueryContent>& content);
  void judge(const Request& request, Time now, LookUp& look, const StoredBody* held = nullptr) const;
  std::optional<Reply> hit(Request& request, const LookUp& look, CacheResult result);
  std::optional<Reply> hit_once(Request& request, LookUp& look, CacheResult result);
  std::optional<Reply> make_hit_reply(Request& request, const LookUp& look, Ref<StoredResponse> stored, CacheResult result);
  std::optional<Reply> take(Request& request, LookUp& look, const Fetch::Look& seen);
  Reply stale_hit(Errand& errand, const CacheStatus& origin_said);
  static void answer_from(const Request& request, const LookUp& look, Ref<StoredResponse> stored, const HitLines& lines, Reply& reply);
  Task<void> revalidate_soon(Request& request, const LookUp& look);
  std::string variant_of(const Request& request, const LookUp& look) const;
  enum class RangeSent : std::uint8_t { Never, Always, WhenRemembered };
  RangeSent sends_range(const Request& request, const LookUp& look) const noexcept;
  bool asks_alone(const Request& request, const LookUp& look) const noexcept;
  Store::Joining joining(const Request& request, const LookUp& look) const;
  bool has_come(const Request& request, Time now, const Ref<const QueryContent>& content);
  Reply fail_as(Request& request, LookUp look, const Fetch::Look& seen);
  Task<Reply> look_or_fetch(Request& request, Ref<const QueryContent> content);

  // fetch.cpp
  Preconditions preconditions(const Errand& errand) const noexcept;
  Task<Reply> fetch(Errand& errand);
  Reply unexpected_not_modified(const Request& request, const Reply& origin) const;
  Reply failed(Errand& errand, Reply reply);
  SentRequest make_question(Errand& errand, Interim& leader, Preconditions& asked);
  std::optional<Reply> judge_answer(Errand& errand, Preconditions asked, Reply origin, std::unique_ptr<FillJob>& fill);
  std::optional<Reply> store_or_pass_on(Errand& errand, Preconditions asked, Reply origin, std::unique_ptr<FillJob>& fill);
  Reply freshened(Errand& errand, Reply& origin);
  Quota::Share permit_fill();
  Reason keep(Errand& errand, Reply& origin, const StoreDecision& decision, std::unique_ptr<FillJob>& fill);
  Reply first_answer(Errand& errand, Reply origin, const Ref<StoredResponse>& stored, const CacheStatus& said);
  Reply pass_on(Errand& errand, Reply origin, Reason why);
  Task<void> revalidate(std::unique_ptr<DetachedRequest> request, LookUp look, FetchTicket ticket,
                        Quota::Share permit);

  // search.cpp
  void look_for_equivalent(const Request& request, Time now, LookUp& look);
  bool is_placed(Errand& errand, const ResponseHead& head);
  bool still_belongs(const Errand& errand, FieldsView fields) const;

  // learn_from_head.cpp
  std::optional<Reply> learn_from_head(Errand& errand, Reply& origin);

  // variants.cpp
  void choose_variants(Errand& errand);
  std::optional<Reply> selected_variant(Errand& errand, Reply& origin);

  // partial.cpp
  Reason why_part_not_stored(const Errand& errand, const ResponseHead& head);
  Ref<StoredResponse> combinable(const Errand& errand, const ResponseHead& head);
  Ref<StoredResponse> make_part(const Errand& errand, const ResponseHead& head, const StoreDecision& decision, const std::string& vary_key,
                                const Ref<StoredBody>& body, Ref<StoredResponse>& old);
  std::optional<Reply> completed(Errand& errand, Reply& origin, std::unique_ptr<FillJob>& fill);

  // share.cpp
  bool is_shared(Errand& errand, Reply& origin, const StoreDecision& decision, std::unique_ptr<FillJob>& fill);
  void make_resumable(Reply& reply, Request& request, const Ref<StoredResponse>& stored);
  static StoredContent part_alone(const Request& request, const StoreDecision& decision, const Ref<StoredBody>& body);
  Ref<StoredResponse> make_unstored(const Errand& errand, const Reply& origin, const StoreDecision& decision);

  const ProxyOptions& options_;
  Service& origin_;
  Store& store_;
  const Clock& clock_;
  WorkerCounters& counters_;
  Pause* const pause_;
  mutable KeyGuess key_guess_;  // what it says is the same whatever it remembers
};

}  // namespace freshet
