// The seam: everything that can answer a request is a Service - the router, the cache, the origin pool, the admin pages, a
// test double. Sessions of any protocol version make Requests and drain Replies; nothing else changes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "freshet/async/task.hpp"
#include "freshet/base/arena.hpp"
#include "freshet/base/check.hpp"
#include "freshet/base/clock.hpp"
#include "freshet/exchange/body.hpp"
#include "freshet/exchange/outcome.hpp"
#include "freshet/http/message.hpp"

namespace freshet {

/// Who is at the other end of a client connection.
struct Peer {
  std::string address;        ///< IP literal without brackets or scope
  std::uint16_t port = 0;
  std::string local_address;  ///< where the client connected to
  std::uint16_t local_port = 0;
  bool tls = false;
  Peer() = default;
};

/// Where 1xx answers go while the final one is awaited (RFC 9110 15.2). Same thread as the request.
class Interim {
 public:
  /// Passes a 1xx on to the client, if its protocol version can take it; 100 unblocks a client that expects it.
  virtual Task<void> send(ResponseHead) = 0;
  /// Whether the client has closed its side of the connection, so that nobody may be there to read an answer. Costs a system call: for
  /// those who are about to spend something on a request that has waited.
  virtual bool is_client_gone() noexcept { return false; }
  /// The same, but one that sends no more counts as gone at once: for where others wait for its place.
  virtual bool seems_client_gone() noexcept { return is_client_gone(); }
  /// For whoever is about to let a request pass that asks for a tunnel (CONNECT, Upgrade), once access rules and credentials
  /// allow it: what they hold back or refuse takes no place. False: there is none left, and the answer is TooManyTunnels (503). True:
  /// there is, or the request is an ordinary one - it has become one when the protocol was only an offer (RFC 9110 7.8).
  virtual bool take_tunnel_place() noexcept { return true; }

 protected:
  ~Interim() = default;
};

/// Where a request goes when the cache cannot answer it; decided by proxy/router.
struct Destination {
  static constexpr std::uint16_t kForward = 0xffff;
  std::uint16_t upstream = kForward;  ///< index into the configured upstreams, or kForward: dial request.head.authority
  /// kForward: the access rules that only the address can decide, as bits; see AddressPolicy::rules.
  std::uint64_t address_rules = 0;
  Reason otherwise = Reason::None;    ///< why an address that none of them names must not be dialled; None: it may
  bool rate_judged = false;           ///< the rate limit of its route has counted this request
  std::uint32_t retry_after = 0;      ///< seconds until a limit would let it pass (Retry-After); 0: it does
  Destination() = default;
};

/// What a service's try_now() has found out about a request that it could not answer: its own affair.
struct LookedUp;

/// One request. Lives in the session (or a test) until its reply has been written; views lie in `arena` or the session's buffers.
struct Request {
  RequestHead head;
  std::unique_ptr<BodySource> body;          ///< null: none
  std::optional<std::uint64_t> body_length;  ///< empty: unknown (chunked)
  bool expects_continue = false;             ///< Expect: 100-continue: reading the body makes the session send 100 first
  bool absolute_form = false;                ///< the target came in absolute-form
  std::string_view upgrade;                  ///< the Upgrade field of an HTTP/1.1 request that asks for it; else empty
  Destination destination;
  std::uint16_t listener = 0;                ///< index into the configured listeners
  Time received;                             ///< when the head was complete
  std::string_view proxy_credentials;        ///< the value of Proxy-Authorization, which is not among head.fields; empty: none
  std::string_view user;                     ///< who the client has proven to be by its proxy credentials; empty: nobody
  const LookedUp* looked_up = nullptr;       ///< what try_now() leaves to the serve() of the same service, in `arena`; null: nothing
  Arena& arena;
  const Peer* peer;                          ///< never null; lives as long as the request
  Interim& interim;
  Request(Arena& a, const Peer& p, Interim& i) : arena(a), peer(&p), interim(i) {}
};

/// The lines that are added to a head which itself stays as it is (a stored one): Age, Cache-Status, Via, Date ... Their views lie in
/// the request's arena or are static.
class AddedFields {
 public:
  static constexpr std::size_t kCapacity = 9;  ///< one of them for Date, which the session may add
  /// REQUIRES: fewer than kCapacity so far; `id` is in fields.def.
  void add(FieldId id, std::string_view value) {
    ENSURE(size_ < kCapacity);
    fields_[size_++] = {id, value};
  }
  const AddedField* begin() const noexcept { return fields_.data(); }
  const AddedField* end() const noexcept { return fields_.data() + size_; }
  std::size_t size() const noexcept { return size_; }
  std::span<const AddedField> all() const noexcept { return {fields_.data(), size_}; }

 private:
  std::array<AddedField, kCapacity> fields_{};
  std::uint8_t size_ = 0;
};

/// One final answer. `pin` keeps alive what `head` looks at; the body's pieces have their own pins.
struct Reply {
  ResponseHead head;                    ///< Content-Length is never among its fields: `length` says it
  AddedFields added;                    ///< written after head.fields
  std::optional<std::uint64_t> length;  ///< of the body (for HEAD and 304: what a GET would have); empty: unknown or not to be said
  Body body;
  bool tunnel = false;                  ///< 101, or 2xx to CONNECT: both bodies are unbounded, the protocol is not HTTP any more
  std::string_view upgrade;             ///< with 101: the value of the Upgrade field to send
  bool close = false;                   ///< the connection must not be used again (a refused CONNECT: RFC 9931)
  Pin pin;
  Outcome outcome;
  Reply() = default;
  Reply(Reply&&) = default;
  Reply& operator=(Reply&&) = default;
};

/// Fields on the heap that a Reply can pin: for heads that were not stored.
class HeadBlock final : public Pinned {
 public:
  Fields fields;
};

/// Something that answers requests. One per worker; called on that worker's thread only.
class Service {
 public:
  virtual ~Service() = default;
  /// A request for `target` (as it came, and maybe no good) is being read: what it will probably need may be asked for early. Nothing
  /// else follows from it; it may be said several times for one request, and for some that never come.
  virtual void expect(std::string_view /*target*/) noexcept {}
  /// The hit path: a plain call that neither suspends nor allocates. Empty: call serve(), soon and with the request as it is.
  virtual std::optional<Reply> try_now(Request&) noexcept { return {}; }
  /// Everything else. Failures come back as replies.
  virtual Task<Reply> serve(Request&) = 0;
};

}  // namespace freshet
