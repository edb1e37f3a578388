// The request as the origin gets it: a copy, so that the client's own stays what it was for Vary, conditions and the log.
#pragma once

#include <memory>

#include "freshet/cache/stored_response.hpp"
#include "freshet/exchange/service.hpp"
#include "freshet/http/range.hpp"
#include "freshet/proxy/caching_proxy.hpp"

namespace freshet {

/// What becomes of the client's conditions and range on the way to the origin.
enum class Preconditions : std::uint8_t {
  Keep,    ///< the origin answers the client's own question
  Drop,    ///< the whole response is wanted, for the store
  Stored,      ///< the stored response's validators take their place
  StoredPart,  ///< the same for stored parts: the client's Range and If-Range stay, so that a changed response does not come whole
  Variants,    ///< the ETags of stored variants are offered, none of which the request selects (RFC 9111 4.1)
  Gap,         ///< the missing bytes are asked for, if the representation is still the stored one (If-Range)
};

/// Gives the memory of a request to the next one of the same thread.
struct RecycleRequest {
  void operator()(Request*) const noexcept;
};
using SentRequest = std::unique_ptr<Request, RecycleRequest>;

/// Copies `from` (its body is moved) and edits the fields for the next hop: Via, Forwarded and the like (RFC 9110 7.6.3, RFC 7239).
/// Views stay in the client request's arena.
/// `stored`: for Stored, StoredPart and Gap. `missing`: for Gap.
/// `interim` gets the 1xx answers.
SentRequest make_origin_request(Request& from, Interim& interim, const ListenerRules&, std::string_view loop_token, Preconditions,
                                const StoredResponse* stored, ByteRange missing = {});

/// A request that owns all it needs, for work that outlives the client's: background revalidation. Never has a body.
class DetachedRequest {
 public:
  explicit DetachedRequest(const Request& from);
  Request& request() noexcept { return request_; }

 private:
  class NoInterim final : public Interim {
   public:
    Task<void> send(ResponseHead) override { co_return; }
  };
  Arena arena_;
  Peer peer_;
  NoInterim interim_;
  Request request_;
};

}  // namespace freshet
