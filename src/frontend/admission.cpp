#include "admission.hpp"

namespace freshet {
namespace {

bool counts_clients(const SessionLimits& limits) noexcept { return limits.clients && limits.clients->limits(); }

}  // namespace

Reason would_refuse(const SessionLimits& limits, std::string_view client) noexcept {
  if (limits.open >= limits.max_connections) return Reason::TooManyConnections;
  if (!counts_clients(limits)) return Reason::None;
  const std::optional<ClientKey> key = client_key(client);
  return key && limits.clients->is_full(*key) ? Reason::TooManyFromClient : Reason::None;
}

Admission::Admission(SessionLimits& limits, std::string_view client) noexcept
    : limits_(limits), refusal_(Reason::None) {
  if (limits.open >= limits.max_connections) {
    refusal_ = Reason::TooManyConnections;
  } else if (counts_clients(limits)) {
    client_ = client_key(client);
    if (client_ && !limits.clients->enter(*client_)) {
      client_.reset();
      refusal_ = Reason::TooManyFromClient;
    }
  }
  ++(refusal_ == Reason::None ? limits_.open : limits_.turned_away);
}

void Admission::give_up() noexcept {
  given_up_ = true;
  if (client_) limits_.clients->leave(*client_);
  --limits_.open;
}

Admission::~Admission() {
  if (holds())
    give_up();
  else if (refusal_ != Reason::None)
    --limits_.turned_away;
}

}  // namespace freshet
