#include "freshness.hpp"

#include <algorithm>

#include "freshet/base/ascii.hpp"
#include "freshet/http/date.hpp"
#include "freshet/http/grammar.hpp"

namespace freshet {
namespace {

Seconds clamp_lifetime(std::int64_t seconds) noexcept { return std::clamp(Seconds{seconds}, Seconds{0}, kForever); }

// A date that stands on one line only: two of them contradict each other, or are a mistake anyway.
std::optional<std::int64_t> read_date(FieldsView fields, FieldId id, std::int64_t now) noexcept {
  if (fields.count(id) != 1) return {};
  return parse_http_date(*fields.first(id), now);
}

// The first member of the first line counts; anything but a number is ignored (RFC 9111 5.1).
Seconds read_age(FieldsView fields) noexcept {
  const auto line = fields.first(FieldId::Age);
  std::string_view member;
  if (!line || !ListReader(*line).next(member)) return Seconds{0};
  if (member.empty() || !std::all_of(member.begin(), member.end(), ascii::is_digit)) return Seconds{0};
  const std::uint64_t age = ascii::parse_decimal(member).value_or(UINT64_MAX);
  return Seconds{static_cast<std::int64_t>(std::min<std::uint64_t>(age, kForever.count()))};
}

// RFC 9111 4.2.3.
Seconds corrected_initial_age(FieldsView fields, std::int64_t date, std::int64_t received,
                              const ExchangeTimes& times) noexcept {
  const Seconds apparent_age{std::clamp<std::int64_t>(received - date, 0, kForever.count())};
  const auto response_delay = std::chrono::floor<Seconds>(times.received.steady - times.requested.steady);
  const Seconds corrected_age = read_age(fields) + std::max(response_delay, Seconds{0});
  return std::min(std::max(apparent_age, corrected_age), kForever);
}

// RFC 9111 4.2.1; empty when the origin says nothing.
std::optional<Seconds> explicit_lifetime(FieldsView fields, const ResponseDirectives& directives, std::int64_t date,
                                         std::int64_t received) noexcept {
  if (directives.s_maxage) return std::clamp(*directives.s_maxage, Seconds{0}, kForever);
  if (directives.max_age) return std::clamp(*directives.max_age, Seconds{0}, kForever);
  if (directives.targeted || !fields.contains(FieldId::Expires)) return {};
  const auto expires = read_date(fields, FieldId::Expires, received);
  return expires ? clamp_lifetime(*expires - date) : Seconds{0};  // an invalid one, "0" above all, lies in the past
}

// RFC 9111 4.2.2.
Seconds heuristic_lifetime(const StoredMeta& meta, std::optional<std::int64_t> last_modified, std::int64_t date,
                           const ResponseDirectives& directives, const CachePolicy& policy) noexcept {
  if (!last_modified || policy.heuristic_fraction <= 0) return Seconds{0};
  if (!is_heuristically_cacheable(meta.status) && !directives.is_public) return Seconds{0};
  const auto unchanged_for = static_cast<double>(std::max<std::int64_t>(date - *last_modified, 0));
  const double most = static_cast<double>(std::min(policy.heuristic_max, kForever).count());
  return clamp_lifetime(static_cast<std::int64_t>(std::min(unchanged_for * policy.heuristic_fraction, most)));
}

}  // namespace

void note_etag(FieldsView fields, StoredMeta& meta) noexcept {
  const std::string_view etag = fields.first(FieldId::ETag).value_or(std::string_view{});
  meta.has_etag = !etag.empty();
  meta.has_strong_etag = etag.size() >= 2 && etag.front() == '"' && etag.back() == '"';
}

bool is_heuristically_cacheable(int status) noexcept {
  switch (status) {
    case 200:
    case 203:
    case 204:
    case 206:
    case 300:
    case 301:
    case 308:
    case 404:
    case 405:
    case 410:
    case 414:
    case 501:
      return true;
    default:
      return false;
  }
}

Freshness read_freshness(const ResponseHead& head, const CachePolicy& policy, const ExchangeTimes& times) noexcept {
  return read_freshness(head, parse_response_directives(head.fields, policy.targets), policy, times);
}

Freshness read_freshness(const ResponseHead& head, const ResponseDirectives& directives, const CachePolicy& policy,
                         const ExchangeTimes& times) noexcept {
  Freshness out;
  out.directives = directives;
  const std::int64_t received = unix_seconds(times.received.wall);
  const std::int64_t date = read_date(head.fields, FieldId::Date, received).value_or(received);

  StoredMeta& meta = out.meta;
  meta.status = static_cast<std::uint16_t>(head.status);
  meta.response_time = times.received.steady;
  meta.initial_age = corrected_initial_age(head.fields, date, received, times);
  note_etag(head.fields, meta);
  const auto last_modified = read_date(head.fields, FieldId::LastModified, received);
  meta.has_last_modified = last_modified.has_value();
  meta.no_cache = directives.no_cache;
  meta.immutable = directives.immutable;
  // s-maxage says proxy-revalidate too (RFC 9111 5.2.2.10).
  meta.forbids_stale =
      directives.must_revalidate || directives.proxy_revalidate || directives.s_maxage || directives.no_cache;
  meta.stale_while_revalidate = directives.stale_while_revalidate.value_or(Seconds{0});
  meta.has_stale_if_error = directives.stale_if_error.has_value();
  meta.stale_if_error = directives.stale_if_error.value_or(Seconds{0});

  const auto lifetime = explicit_lifetime(head.fields, directives, date, received);
  out.is_explicit = lifetime.has_value();
  meta.lifetime = lifetime ? *lifetime : heuristic_lifetime(meta, last_modified, date, directives, policy);
  meta.heuristic = !lifetime && meta.lifetime > Seconds{0};
  return out;
}

}  // namespace freshet
