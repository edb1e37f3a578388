// Clients of a forward listener prove who they are, before anything else is decided (RFC 9110 11.7; RFC 7616; RFC
// 7617).
#include "freshet/auth/authentication.hpp"

#include "pipeline.hpp"

namespace freshet {
namespace {

/// What is not meant for a proxy gets no further anyway (decide_route()), and no browser would show a 407 as one.
bool is_proxy_request(const Request& request) noexcept {
  return request.absolute_form || request.head.method == Method::Connect;
}

Reason reason_of(AuthResult result) noexcept {
  switch (result) {
    case AuthResult::Bad:
      return Reason::BadCredentials;
    case AuthResult::Replayed:
      return Reason::ReplayedCredentials;
    case AuthResult::TooManyAttempts:
      return Reason::TooManyAttempts;
    case AuthResult::Busy:
      return Reason::RateLimited;
    default:
      return Reason::AuthenticationRequired;
  }
}

int status_of(AuthResult result) noexcept {
  return result == AuthResult::TooManyAttempts ? 429 : result == AuthResult::Busy ? 503 : 407;
}

}  // namespace

bool CachingProxy::asks_who(const Request& request) const noexcept {
  return rules(request).realm && request.user.empty() && is_proxy_request(request);
}

bool CachingProxy::accept(Request& request, const AuthAnswer& answer) noexcept {
  if (answer.result == AuthResult::Missing) return !rules(request).credentials_required;
  if (answer.result != AuthResult::Ok) return false;
  counters_.proxy_auth[static_cast<std::size_t>(AuthResult::Ok)].add();
  request.user = answer.user;
  return true;
}

bool CachingProxy::knows(Request& request) {
  if (!asks_who(request)) return true;
  const AuthQuestion question(request.proxy_credentials, request.head, request.peer->address, request.arena);
  return accept(request, options_.authentication->look(*rules(request).realm, question));
}

Task<std::optional<Reply>> CachingProxy::authenticate(Request& request) {
  if (!asks_who(request)) co_return std::nullopt;
  const std::uint16_t realm = *rules(request).realm;
  const AuthQuestion question(request.proxy_credentials, request.head, request.peer->address, request.arena);
  AuthAnswer answer = options_.authentication->look(realm, question);
  if (answer.result == AuthResult::Undecided) answer = co_await options_.authentication->check(realm, question, pause_);
  if (answer.delayed) counters_.proxy_auth_delays.add();
  if (accept(request, answer)) co_return std::nullopt;
  co_return refuse_credentials(request, answer);
}

Reply CachingProxy::refuse_credentials(Request& request, const AuthAnswer& answer) {
  counters_.proxy_auth[static_cast<std::size_t>(answer.result)].add();
  // A client that knows the password is told to go on with a new nonce, and asks nobody.
  const bool stale = answer.result == AuthResult::Stale || answer.result == AuthResult::Replayed;
  if (answer.result == AuthResult::TooManyAttempts)
    request.destination.retry_after = static_cast<std::uint32_t>(answer.retry_after.count());
  return refuse(request, reason_of(answer.result), status_of(answer.result), {}, stale);
}

void CachingProxy::add_challenges(Reply& reply, const Request& request, bool stale) {
  if (!rules(request).realm) return;
  for (const std::string_view challenge :
       options_.authentication->challenges(*rules(request).realm, stale, request.arena))
    if (!challenge.empty()) reply.added.add(FieldId::ProxyAuthenticate, challenge);
}

}  // namespace freshet
