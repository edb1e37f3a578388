#include "connector.hpp"

#include <algorithm>

namespace freshet {
namespace {

namespace ip = boost::asio::ip;
using ip::tcp;

// More addresses than this only make a failure take longer.
constexpr std::size_t kMaxAddresses = 8;

// One family after the other in turn, beginning with the resolver's first choice (RFC 8305 4), so that a family that
// leads nowhere cannot use up all the attempts.
std::vector<ip::address> interleave(const std::vector<ip::address>& addresses) {
  std::vector<ip::address> first, second, mixed;
  for (const ip::address& address : addresses)
    (address.is_v4() == addresses.front().is_v4() ? first : second).push_back(address);
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) mixed.push_back(first[i]);
    if (i < second.size()) mixed.push_back(second[i]);
  }
  return mixed;
}

// Of several addresses that must not be dialled, for different reasons.
Reason first_to_tell(Reason a, Reason b) noexcept {
  for (const Reason reason : {Reason::Loop, Reason::AuthenticationRequired})
    if (a == reason || b == reason) return reason;
  return a == Reason::None ? b : a;
}

int status_of(Reason refused) noexcept {
  if (refused == Reason::Loop) return 508;
  return refused == Reason::AuthenticationRequired ? 407 : 403;
}

}  // namespace

Connector::Connector(Resolver& resolver, Worker& worker, std::unique_ptr<Dialler> dialler, OwnAddresses own,
                     Milliseconds timeout)
    : resolver_(resolver), worker_(worker), dialler_(std::move(dialler)), own_(std::move(own)), timeout_(timeout) {}

Result<Connector::Endpoints> Connector::choose(const std::vector<ip::address>& addresses, std::uint16_t port,
                                               const AddressJudge& judge) const {
  Endpoints chosen;
  Reason refused = Reason::None;
  for (const ip::address& address : interleave(addresses)) {
    const tcp::endpoint endpoint(address, port);
    const Reason why_not = own_.contains(endpoint) ? Reason::Loop : judge.why_not(address);
    if (why_not != Reason::None)
      refused = first_to_tell(refused, why_not);
    else if (chosen.size() < kMaxAddresses)
      chosen.push_back(endpoint);
  }
  if (!chosen.empty()) return chosen;
  return Failure(refused, Side::Self, status_of(refused));
}

Task<Result<Ref<OriginConnection>>> Connector::connect(std::string_view host, std::uint16_t port,
                                                       std::string_view client, const AddressJudge& judge,
                                                       std::size_t server, std::string& dialled) {
  // No deadline of ours here: the resolver answers within its own.
  const Result<std::vector<ip::address>> addresses = co_await resolver_.resolve(host, client);
  if (!addresses) co_return addresses.error();
  if (addresses->empty()) co_return Failure(Reason::DnsFailed, Side::Origin, 502);
  const Result<Endpoints> endpoints = choose(*addresses, port, judge);
  if (!endpoints) co_return endpoints.error();

  const SteadyTime end = worker_.clock().now().steady + timeout_;
  Failure failure(Reason::ConnectTimeout, Side::Origin, 504, Retry::Yes);
  for (std::size_t i = 0; i < endpoints->size(); ++i) {
    const auto left = std::chrono::duration_cast<Milliseconds>(end - worker_.clock().now().steady);
    if (left <= Milliseconds(0)) break;
    // Each gets its share of what is left, the last one all of it.
    const Milliseconds share = std::max(left / static_cast<int>(endpoints->size() - i), Milliseconds(1));
    const tcp::endpoint endpoint = (*endpoints)[i];
    Result<std::unique_ptr<Transport>> transport = co_await dialler_->dial(endpoint, share);
    if (transport) co_return make_ref<OriginConnection>(std::move(*transport), worker_.deadlines(), endpoint, server);
    failure = transport.error();
    dialled = OriginConnection::text_of(endpoint);
  }
  co_return failure;
}

}  // namespace freshet
