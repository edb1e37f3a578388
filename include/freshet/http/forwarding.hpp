// What a proxy changes in a message that it passes on (RFC 9110 section 7.6, RFC 7239).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "freshet/http/message.hpp"

namespace freshet {

/// Removes hop-by-hop fields: the fixed ones, and those that Connection nominates unless fields.def protects them
/// (RFC 9110 7.6.1). Protected are the fields without which the message would mean something else or become cacheable
/// (Host, Cache-Control, Authorization, Cookie ...): nobody may have them removed by a nomination. Called by the codec
/// on everything it reads, in both directions.
void strip_hop_by_hop(Fields&);

/// Removes the fields that may not come in a trailer section (RFC 9110 6.5.1), hop-by-hop ones included.
void strip_forbidden_trailers(Fields&);

/// The version as Via and Forwarded name it: "1.0", "1.1", "2", "3".
std::string_view version_token(Version) noexcept;

/// Appends our member to Via, e.g. "1.1 freshet"; all members end up on one line.
void append_via(Fields&, Version received, std::string_view pseudonym);
/// How often `pseudonym` stands in Via (any case): more than none means that the request has been here (RFC
/// 9110 7.6.3). Comments and quotes are not recognised, so that nobody can hide our member in one.
std::size_t count_in_via(FieldsView, std::string_view pseudonym) noexcept;

/// Which of the fields about the client a reverse listener adds.
struct ForwardedOptions {
  bool x_forwarded = true;  ///< X-Forwarded-For (appended), -Proto and -Host (replaced); the family's rest is dropped
  bool forwarded = true;    ///< Forwarded (appended), RFC 7239; of what was there only `for` stays
};
/// `client`: an IP literal without brackets, empty when unknown; `host`: the authority the client asked for. Appended
/// members go to the end of one line; a Forwarded whose quotes are not closed is dropped first, as it would swallow our
/// member. X-Forwarded-Host and Host parameter are left out when `host` is empty; what the client said there never
/// survives.
void append_forwarded(Fields&, std::string_view client, std::string_view scheme, std::string_view host,
                      const ForwardedOptions&);

/// Whether the request, as the origin will get it, has a field by which some origins take another method, URL, host or
/// scheme than those in the cache key: X-HTTP-Method-Override, X-Original-URL, X-Host ... (kOverride in fields.def),
/// and what X-Forwarded-Host and its kin claim where it is neither replaced nor the truth. `of_client`: the field lines
/// are the client's own (a forward listener); otherwise a proxy in front may have set them where `replaced` is off, and
/// of those claims only another host counts. No allocation.
bool may_steer_origin(const RequestHead&, const ForwardedOptions& replaced, bool of_client) noexcept;

/// Max-Forwards of TRACE and OPTIONS (RFC 9110 7.6.2).
struct MaxForwards {
  bool answer_here = false;  ///< it was 0
  bool malformed = false;
};
/// Decrements it in `fields` when it is there and above 0. Several lines or anything but digits is malformed and left
/// alone.
MaxForwards apply_max_forwards(Fields&);

}  // namespace freshet
