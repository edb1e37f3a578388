// The three formats of the access log.
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "freshet/metrics/access_log.hpp"
#include "freshet/metrics/counters.hpp"
#include "log_text.hpp"

namespace freshet {
namespace {

using std::chrono::nanoseconds;

/// Decimal, with zeros or spaces in front up to `width`.
void append_number(std::string& out, std::uint64_t value, std::size_t width = 0, char fill = '0') {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  const auto size = static_cast<std::size_t>(end - digits.data());
  if (size < width) out.append(width - size, fill);
  out.append(digits.data(), size);
}

/// Seconds with a fraction of so many decimal places. Negative ones (a clock that was set back) are 0.
template <int Places, typename Duration>
void append_seconds(std::string& out, Duration duration) {
  constexpr std::uint64_t kUnit = Places == 3 ? 1'000 : 1'000'000;
  static_assert(Places == 3 || Places == 6);
  const auto exact = std::chrono::duration_cast<nanoseconds>(duration).count();
  const auto units = static_cast<std::uint64_t>(std::max<std::int64_t>(exact, 0)) / (1'000'000'000 / kUnit);
  append_number(out, units / kUnit);
  out += '.';
  append_number(out, units % kUnit, Places);
}

/// "10/Oct/2000:13:55:36 +0000".
void append_clf_time(std::string& out, WallTime time) {
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  append_number(out, static_cast<unsigned>(date.day()), 2);
  out += '/';
  out += kMonths[static_cast<unsigned>(date.month()) - 1];
  out += '/';
  append_number(out, static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
  for (const auto part : {clock.hours().count(), clock.minutes().count(), clock.seconds().count()}) {
    out += ':';
    append_number(out, static_cast<std::uint64_t>(part), 2);
  }
  out += " +0000";
}

/// False for a target that is a whole URL or (CONNECT) an authority itself.
bool needs_authority(const AccessRecord& r) noexcept { return r.target.starts_with('/') || r.target == "*"; }

/// The target as it came, or (`whole`) with scheme and authority; without userinfo; "-" when there is nothing.
void append_url(std::string& out, const AccessRecord& r, bool whole, LogPlace place) {
  const UrlParts target = without_userinfo(r.target == "*" && whole ? std::string_view() : r.target);
  std::array<std::string_view, 5> pieces;
  pieces[3] = target.before;
  pieces[4] = target.after;
  if (whole && needs_authority(r) && !r.authority.empty()) {
    pieces[0] = r.scheme.empty() ? std::string_view("http") : r.scheme;
    pieces[1] = "://";
    pieces[2] = without_userinfo(r.authority).after;
  }
  const std::size_t before = out.size();
  for (std::string_view piece : pieces)
    if (!piece.empty()) append_log_text(out, piece, place);
  if (out.size() == before) out += '-';
}

// %h - %u [%t] "%r" %>s %b "%{Referer}i" "%{User-agent}i"
void format_combined(const AccessRecord& r, std::string& out) {
  append_log_text(out, r.client, LogPlace::Bare);
  out += " - ";
  append_log_text(out, r.user, LogPlace::Bare);
  out += " [";
  append_clf_time(out, r.received);
  out += "] \"";
  append_log_text(out, r.method, LogPlace::Quoted);
  if (!r.method.empty()) {
    out += ' ';
    append_url(out, r, r.absolute_form, LogPlace::Quoted);
    if (!r.version.empty()) {
      out += ' ';
      append_log_text(out, r.version, LogPlace::Quoted);
    }
  }
  out += "\" ";
  append_number(out, static_cast<std::uint64_t>(std::max(r.status, 0)), 3);
  out += ' ';
  if (r.response_bytes == 0) out += '-';
  else append_number(out, r.response_bytes);
  out += " \"";
  const UrlParts referer = without_userinfo(r.referer);
  if (!referer.before.empty()) append_log_text(out, referer.before, LogPlace::Quoted);
  append_log_text(out, referer.after, LogPlace::Quoted);
  out += "\" \"";
  append_log_text(out, r.user_agent, LogPlace::Quoted);
  out += "\"\n";
}

/// Squid's result code for a request that the cache had no part in.
std::string_view squid_code_without_cache(const AccessRecord& r) noexcept {
  const auto is_reason = [&r](Reason reason) { return word(reason) == r.reason; };
  if (std::any_of(kDenials.begin(), kDenials.end(), is_reason)) return "TCP_DENIED";
  const bool opened = r.status == 101 || (r.method == "CONNECT" && r.status >= 200 && r.status < 300);
  if (opened || (r.method == "CONNECT" && !r.upstream_address.empty())) return "TCP_TUNNEL";
  return r.upstream_address.empty() ? "NONE_NONE" : "TCP_MISS";
}

/// Squid's words for what the cache did.
std::string_view squid_code(const AccessRecord& r) noexcept {
  const std::string_view cache = r.cache_result;
  if (cache == "hit") return r.status == 304 ? "TCP_IMS_HIT" : "TCP_HIT";
  if (cache == "stale") return r.reason == "stale-if-error" ? "TCP_REFRESH_FAIL_OLD" : "TCP_STALE_HIT";
  if (cache == "revalidated") return "TCP_REFRESH_UNMODIFIED";
  if (cache == "collapsed") return "TCP_CF_HIT";
  if (cache.empty() || cache == "none" || r.status == 101) return squid_code_without_cache(r);
  if (r.reason == "request-no-cache") return "TCP_CLIENT_REFRESH_MISS";
  return cache == "expired" ? "TCP_REFRESH_MODIFIED" : "TCP_MISS";
}

/// "192.0.2.1:80" and "[2001:db8::1]:80" without the port and the brackets.
std::string_view without_port(std::string_view address) noexcept {
  if (address.starts_with('[')) return address.substr(1, std::min(address.find(']'), address.size()) - 1);
  const auto colon = address.find(':');
  return colon == address.rfind(':') ? address.substr(0, colon) : address;  // more than one: a bare IPv6 address
}

// %ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt
void format_squid(const AccessRecord& r, std::string& out) {
  const auto milliseconds = std::chrono::duration_cast<Milliseconds>(std::max(r.duration, nanoseconds(0)));
  append_seconds<3>(out, (r.received + milliseconds).time_since_epoch());  // Squid writes when the request ended
  out += ' ';
  append_number(out, static_cast<std::uint64_t>(milliseconds.count()), 6, ' ');
  out += ' ';
  append_log_text(out, r.client, LogPlace::Bare);
  out += ' ';
  out += squid_code(r);
  if (r.reason == "client-closed") out += "_ABORTED";
  out += '/';
  append_number(out, static_cast<std::uint64_t>(std::max(r.status, 0)), 3);
  out += ' ';
  append_number(out, r.response_bytes);
  out += ' ';
  append_log_text(out, r.method, LogPlace::Bare);
  out += ' ';
  if (r.method.empty()) {
    out += "error:";
    append_log_text(out, r.reason.empty() ? "invalid-request" : r.reason, LogPlace::Bare);
  } else {
    append_url(out, r, true, LogPlace::Bare);
  }
  out += ' ';
  append_log_text(out, r.user, LogPlace::Bare);
  out += r.upstream_address.empty() ? " HIER_NONE/" : " HIER_DIRECT/";
  append_log_text(out, without_port(r.upstream_address), LogPlace::Bare);
  out += ' ';
  append_log_text(out, r.content_type.substr(0, r.content_type.find_first_of("; \t")), LogPlace::Bare);
  out += '\n';
}

/// Appends members of one JSON object.
class JsonLine {
 public:
  explicit JsonLine(std::string& out) : out_(out) { out_ += '{'; }
  void text(std::string_view key, std::string_view value) {
    begin(key);
    out_ += '"';
    append_json_text(out_, value);
    out_ += '"';
  }
  void url(std::string_view key, std::string_view value) {
    const UrlParts parts = without_userinfo(value);
    begin(key);
    out_ += '"';
    append_json_text(out_, parts.before);
    append_json_text(out_, parts.after);
    out_ += '"';
  }
  void number(std::string_view key, std::uint64_t value) {
    begin(key);
    append_number(out_, value);
  }
  template <int Places, typename Duration>
  void seconds(std::string_view key, Duration value) {
    begin(key);
    append_seconds<Places>(out_, value);
  }
  void end() { out_ += "}\n"; }

 private:
  void begin(std::string_view key) {
    if (out_.back() != '{') out_ += ',';
    out_ += '"';
    out_ += key;
    out_ += "\":";
  }
  std::string& out_;
};

void format_json(const AccessRecord& r, std::string& out) {
  JsonLine line(out);
  line.seconds<3>("ts", r.received.time_since_epoch());
  line.seconds<6>("duration", r.duration);
  line.number("status", static_cast<std::uint64_t>(std::max(r.status, 0)));
  line.number("bytes", r.response_bytes);
  line.number("request_bytes", r.request_bytes);
  line.text("method", r.method);
  line.text("scheme", r.scheme);
  line.url("host", r.authority);
  line.url("uri", r.target);
  line.text("proto", r.version);
  line.text("remote", r.client);
  line.text("user", r.user);
  line.url("referer", r.referer);
  line.text("user_agent", r.user_agent);
  line.text("content_type", r.content_type);
  line.text("cache", r.cache_result);
  line.text("reason", r.reason);
  line.text("cache_status", r.cache_status);
  if (!r.upstream_address.empty()) {
    line.text("upstream", r.upstream_address);
    line.number("upstream_status", static_cast<std::uint64_t>(std::max(r.upstream_status, 0)));
    line.seconds<6>("upstream_time", r.upstream_time);
  }
  line.text("listener", r.listener);
  line.end();
}

}  // namespace

void format_access_record(const AccessRecord& record, AccessLogFormat format, std::string& out) {
  switch (format) {
    case AccessLogFormat::Combined: return format_combined(record, out);
    case AccessLogFormat::Json: return format_json(record, out);
    case AccessLogFormat::Squid: return format_squid(record, out);
  }
}

}  // namespace freshet
