#include "freshet/admin/admin_service.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <utility>

#include "bearer.hpp"
#include "freshet/base/ascii.hpp"
#include "freshet/base/check.hpp"
#include "freshet/http/no_vary_search.hpp"
#include "freshet/metrics/prometheus.hpp"

namespace freshet {
namespace {

constexpr std::string_view kPlain = "text/plain; charset=utf-8";

constexpr std::string_view kIndex =
    "Freshet admin pages:\n"
    "  /metrics  counters and gauges for Prometheus\n"
    "  /healthz  200 while the process runs\n"
    "  /readyz   200 while it takes requests, 503 while it shuts down\n"
    "  /purge    POST URLs, one a line: what is stored for them is removed\n"
    "  /purge/groups[?origin=ORIGIN][&soft]\n"
    "            POST names of groups, one a line: what is in them is removed, or counts as stale\n";

/// More than this many bytes of URLs or names are refused: 413.
constexpr std::size_t kLongestPurge = 64 * 1024;
constexpr std::string_view kTooLong = "The list is longer than 64 KiB; nothing was purged. Send it in parts.\n";

/// One answer: the reply's pin owns it.
class Page final : public Pinned {
 public:
  Fields fields;
  std::string text;
};

struct Answer {
  int status;
  std::string_view content_type;
  std::string text;
  std::string_view allow = "GET, HEAD";  ///< said with 405
  std::string_view challenge = {};       ///< said with 401
};

Reply make_reply(const Request& request, Answer answer) {
  auto page = make_ref<Page>();
  page->text = std::move(answer.text);
  page->fields.add(FieldId::ContentType, answer.content_type);
  page->fields.add(FieldId::CacheControl, "no-store");
  page->fields.add("X-Content-Type-Options", "nosniff");
  if (answer.status == 405) page->fields.add(FieldId::Allow, answer.allow);
  if (answer.status == 401) page->fields.add(FieldId::WwwAuthenticate, answer.challenge);
  Reply reply;
  reply.head = ResponseHead(answer.status, page->fields.view());
  reply.length = page->text.size();
  if (request.head.method != Method::Head) reply.body = Body(Piece(as_bytes(page->text), page, true));
  reply.close = request.head.method == Method::Connect;  // what follows a refused CONNECT is not a request (RFC 9931)
  reply.pin = page;
  return reply;
}

bool is_ipv4_literal(std::string_view host) noexcept {
  for (int part = 1; part <= 4; ++part) {
    const auto dot = std::min(host.find('.'), host.size());
    const auto number = ascii::parse_decimal(host.substr(0, dot));
    if (dot > 3 || !number || *number > 255 || (dot == host.size()) != (part == 4)) return false;
    host.remove_prefix(std::min(dot + 1, host.size()));
  }
  return true;
}

bool is_loopback(std::string_view address) noexcept { return address.starts_with("127.") || address == "::1"; }

std::string_view host_of(std::string_view authority) noexcept {
  if (authority.starts_with('[')) return authority.substr(0, std::min(authority.find(']'), authority.size() - 1) + 1);
  std::string_view host = authority.substr(0, authority.find(':'));
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

class AdminService final : public Service {
 public:
  explicit AdminService(AdminOptions options) : options_(std::move(options)) {
    ENSURE(options_.metrics && options_.ready && options_.purge && options_.purge_groups);
  }

  Task<Reply> serve(Request& request) override {
    std::optional<Reply> refusal = refuse(request);
    if (refusal) co_return std::move(*refusal);
    if (path_of(request) == "/purge" || path_of(request) == "/purge/groups") {
      Answer answer = co_await purge(request);
      co_return make_reply(request, std::move(answer));
    }
    co_return answer(request);
  }

 private:
  static std::string_view path_of(const Request& request) noexcept {
    return request.head.target.substr(0, request.head.target.find('?'));
  }

  /// Empty: the request may be answered.
  std::optional<Reply> refuse(const Request& request) const {
    const std::string_view path = path_of(request);
    if (!options_.token.empty() && path != "/healthz" && path != "/readyz") return refuse_without_token(request);
    if (knows_host(request)) return {};
    Reply reply = make_reply(request, {403, kPlain,
                                       "This is the admin endpoint of Freshet. It answers only requests for an IP address, for "
                                       "localhost, or for a name that it was configured with (admin.hosts).\n"});
    reply.outcome.reason = Reason::HostRefused;
    return reply;
  }

  std::optional<Reply> refuse_without_token(const Request& request) const {
    const ShownToken shown = shown_token(request.head.fields, options_.token);
    if (shown == ShownToken::Right) return {};
    const bool none = shown == ShownToken::None;
    Answer answer{401, kPlain, "The admin pages ask for a token: Authorization: Bearer TOKEN (admin.token_file).\n"};
    answer.challenge = none ? R"(Bearer realm="freshet")" : R"(Bearer realm="freshet", error="invalid_token")";
    Reply reply = make_reply(request, std::move(answer));
    reply.outcome.reason = none ? Reason::AuthenticationRequired : Reason::BadCredentials;
    return reply;
  }

  Reply answer(const Request& request) const {
    const std::string_view path = path_of(request);
    static constexpr std::array<std::string_view, 4> kPaths = {"/", "/metrics", "/healthz", "/readyz"};
    const bool known = std::find(kPaths.begin(), kPaths.end(), path) != kPaths.end();
    const Method method = request.head.method;
    const bool about_no_page = method == Method::Connect || path == "*";
    if (!known && !about_no_page) return make_reply(request, {404, kPlain, "There is no such page. The index is at /.\n"});
    if (about_no_page || (method != Method::Get && method != Method::Head))
      return make_reply(request, {405, kPlain, "The admin pages can only be read.\n"});
    return make_reply(request, page(path));
  }

  /// A page of another site that is open in somebody's browser can send a POST here, but not without saying so (Fetch, "Origin").
  static bool comes_from_elsewhere(const Request& request) noexcept {
    const auto site = request.head.fields.first("Sec-Fetch-Site");
    return request.head.fields.contains(FieldId::Origin) || (site && *site != "same-origin" && *site != "none");
  }

  Task<Answer> purge(Request& request) const {
    const bool groups = path_of(request) == "/purge/groups";
    const std::string_view what = groups ? "groups" : "URLs";
    if (request.head.method != Method::Post)
      co_return Answer{405, kPlain, "POST the " + std::string(what) + " to purge, one a line.\n", "POST"};
    if (comes_from_elsewhere(request)) co_return Answer{403, kPlain, "Web pages may not purge.\n"};
    std::string origin;
    GroupsToPurge wanted;
    if (groups && !read_query(request, origin, wanted.soft))
      co_return Answer{400, kPlain, "Expected /purge/groups[?origin=http://HOST[:PORT]][&soft]. Nothing was purged.\n"};
    if (request.body_length.value_or(0) > kLongestPurge) co_return Answer{413, kPlain, std::string(kTooLong)};
    std::string lines;
    while (request.body) {
      Result<Piece> piece = co_await request.body->read();
      if (!piece) co_return Answer{400, kPlain, "The list was cut short; nothing was purged.\n"};
      if (piece->bytes.size() > kLongestPurge - lines.size())
        co_return Answer{413, kPlain, std::string(kTooLong)};
      lines += as_text(piece->bytes);
      if (piece->last) break;
    }
    wanted.names = lines;
    wanted.origin = origin;
    const PurgeReport report = groups ? options_.purge_groups(wanted) : options_.purge(lines);
    if (!report.refused.empty())
      co_return Answer{400, kPlain, "Not a URL: expected http://HOST[:PORT]/PATH, found '" + printable(report.refused) + "'. Nothing was purged.\n"};
    co_return Answer{200, "application/json",
                     "{\"" + std::string(groups ? "groups" : "urls") + "\": " + std::to_string(report.named) +
                         ", \"responses\": " + std::to_string(report.responses) + "}\n"};
  }

  /// False for anything but ?origin=... and soft, once each. The origin may be percent-encoded.
  static bool read_query(const Request& request, std::string& origin, bool& soft) {
    const std::string_view target = request.head.target;
    std::string_view query = target.substr(std::min(target.find('?') + 1, target.size()));
    if (path_of(request).size() == target.size()) query = {};
    while (!query.empty()) {
      const std::size_t end = std::min(query.find('&'), query.size());
      const std::string_view part = query.substr(0, end);
      query.remove_prefix(std::min(end + 1, query.size()));
      if (part == "soft" && !soft) {
        soft = true;
      } else if (part.starts_with("origin=") && origin.empty()) {
        origin = decode_parameter(part.substr(7));
        if (origin.empty()) return false;
      } else {
        return false;
      }
    }
    return true;
  }

  static std::string printable(std::string text) {
    text.resize(std::min<std::size_t>(text.size(), 200));
    std::replace_if(text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
    return text;
  }

  Answer page(std::string_view path) const {
    if (path == "/metrics") return metrics();
    if (path == "/healthz") return {200, kPlain, "ok\n"};
    if (path == "/readyz") return options_.ready() ? Answer{200, kPlain, "ready\n"} : Answer{503, kPlain, "shutting down\n"};
    return {200, kPlain, std::string(kIndex)};
  }

  Answer metrics() const {
    try {
      return {200, kMetricsContentType, options_.metrics()};
    } catch (const std::exception& e) {
      return {500, kPlain, std::string("The metrics cannot be read: ") + e.what() + "\n"};
    }
  }

  /// Nobody can make an address resolve to something else. HTTP/1.0 clients without Host are no browsers, and no browser
  /// opens Unix sockets. In a local network others can have names without a dot, so a browser on this machine may not use
  /// them: what it could reach on loopback is what only this machine can reach.
  bool knows_host(const Request& request) const noexcept {
    const std::string_view host = host_of(request.head.authority);
    if (request.peer->address == "unix" || host.empty() || host.starts_with('[') || is_ipv4_literal(host)) return true;
    if (ascii::iequals(host, "localhost")) return true;
    if (host.find('.') == std::string_view::npos && !is_loopback(request.peer->local_address)) return true;
    return std::any_of(options_.host_names.begin(), options_.host_names.end(),
                       [host](const std::string& name) { return ascii::iequals(host_of(name), host); });
  }

  AdminOptions options_;
};

}  // namespace

std::unique_ptr<Service> make_admin_service(AdminOptions options) {
  return std::make_unique<AdminService>(std::move(options));
}

}  // namespace freshet
