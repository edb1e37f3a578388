#include "reply_plan.hpp"

namespace freshet {
namespace {

bool accepts_tunnel(const ReplyFacts& facts, int status) noexcept {
  if (facts.method == Method::Connect) return status >= 200 && status < 300;
  return status == 101 && facts.asks_upgrade && facts.version == Version::Http11;
}

/// For answers that show a length and have no body: HEAD and 304 (RFC 9110 8.6).
std::optional<std::uint64_t> shown_length(const Reply& reply) noexcept {
  if (reply.length) return reply.length;
  if (!reply.body.source && !reply.body.whole.bytes.empty()) return reply.body.whole.bytes.size();
  return {};
}

}  // namespace

bool is_sendable(const ReplyFacts& facts, const Reply& reply) noexcept {
  const int status = reply.head.status;
  if (reply.tunnel || accepts_tunnel(facts, status)) return reply.tunnel && accepts_tunnel(facts, status);
  return status >= 200 && status <= 999;
}

ReplyPlan plan_reply(const ReplyFacts& facts, const Reply& reply) noexcept {
  ReplyPlan plan;
  const int status = reply.head.status;
  if (reply.tunnel) {
    plan.form = BodyForm::Tunnel;
    if (status == 101) plan.framing.upgrade = reply.upgrade;
    return plan;
  }
  plan.persistent = facts.may_persist && !reply.close;
  if (status == 204) {
    plan.form = BodyForm::None;
  } else if (facts.method == Method::Head || status == 304) {
    plan.framing.length = shown_length(reply);
  } else if (!reply.body.source) {
    plan.form = BodyForm::Whole;
    plan.framing.length = reply.body.whole.bytes.size();
  } else if (reply.length) {
    plan.form = BodyForm::Length;
    plan.framing.length = reply.length;
  } else if (facts.version == Version::Http11) {
    plan.form = BodyForm::Chunked;
    plan.framing.chunked = true;
  } else {
    plan.form = BodyForm::UntilClose;
    plan.persistent = false;
  }
  plan.framing.close = !plan.persistent;
  plan.framing.keep_alive = plan.persistent && facts.version == Version::Http10;
  return plan;
}

}  // namespace freshet
