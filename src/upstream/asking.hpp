// What it takes to get one answer: a destination, a connection, perhaps a second attempt, and an account of it all.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "connector.hpp"
#include "freshet/exchange/service.hpp"
#include "freshet/metrics/counters.hpp"
#include "freshet/upstream/balance.hpp"
#include "freshet/upstream/origin_pool.hpp"
#include "h1_exchange.hpp"
#include "idle_pool.hpp"
#include "reply_head.hpp"

namespace freshet {

/// What all requests of one worker share.
struct Origins {
  const OriginPoolOptions& options;
  Worker& worker;
  Connector& connector;
  IdlePool& idle;
  std::vector<std::unique_ptr<Balance>>& balances;  ///< one for each upstream
  std::string_view pseudonym;
};

/// One call of OriginPool::serve(): lives in its coroutine.
class Asking {
 public:
  ~Asking();
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
  /// `origins` and `request` outlive the task.
  static Task<Reply> serve(const Origins& origins, Request& request);

 private:
  Asking(const Origins& origins, Request& request) noexcept;
  std::optional<Failure> choose_destination();
  std::optional<Failure> choose_authority();
  std::string forward_authority() const;
  bool enter_now();
  Task<std::optional<Failure>> enter();
  Ref<OriginConnection> take_idle() noexcept;
  Task<Result<Ref<OriginConnection>>> obtain(bool may_reuse);
  H1Exchange& exchange_over(Ref<OriginConnection> connection);
  void blame(const Failure&) noexcept;
  Ref<ReplyHead> take_head(ParsedResponse&) noexcept;
  Task<Reply> connect_tunnel();
  std::string render_head();
  Reply reply_with(ParsedResponse response);
  Task<Reply> switch_protocols(ParsedResponse response);
  Reply refuse(const Failure&);
  void account_for(Reply&, int origin_status);
  SteadyTime now() const noexcept { return origins_.worker.clock().now().steady; }

  const Origins& origins_;
  Request& request_;
  SteadyTime began_;
  UpstreamCounters* counters_ = nullptr;
  Balance* balance_ = nullptr;  // null: forward
  std::optional<std::string_view> host_field_;
  OriginServer forward_;  // where a forward request goes
  std::span<const OriginServer> servers_;
  AddressJudge judge_;
  IdlePool::Slot slot_;
  Ref<H1Exchange> exchange_;
  Ref<ReplyHead> answer_;  // its memory is where the answer's fields will lie
  std::string address_;
  std::size_t server_ = 0;
  bool asked_ = false;  // the origin, or its name server
  bool reused_ = false;
};

}  // namespace freshet
