#include "freshet/net/resolver.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "freshet/base/ascii.hpp"
#include "freshet/base/signals_blocked.hpp"
#include "freshet/net/client_key.hpp"
#include "name_table.hpp"


namespace freshet {
namespace {

namespace ip = boost::asio::ip;

/// RFC 1035 section 2.3.4 allows 255 octets on the wire: 253 characters, and a final dot.
constexpr std::size_t kLongestName = 254;

bool is_plausible(std::string_view host) noexcept {
  const auto graphic = [](char c) { return c > 0x20 && c < 0x7f; };
  return !host.empty() && host.size() <= kLongestName && std::all_of(host.begin(), host.end(), graphic);
}

std::optional<ip::address> parse_literal(std::string_view host) {
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  const ip::address address = ip::make_address(host, error);
  if (error || (brackets && !address.is_v6())) return {};
  return address;
}

/// Without a look-up: a literal, or a name that cannot be one. Empty: ask.
std::optional<Result<Addresses>> answer_by_form(std::string_view host) {
  if (!is_plausible(host)) return Failure(Reason::DnsFailed, Side::Origin, 502);
  if (const auto literal = parse_literal(host)) return Addresses(1, *literal);
  if (host.front() == '[') return Failure(Reason::DnsFailed, Side::Origin, 502);
  return {};
}

Task<Result<Addresses>> ask(std::shared_ptr<NameTable> table, std::string host, std::optional<ClientKey> client) {
  auto known = answer_by_form(host);
  if (known) co_return std::move(*known);
  std::transform(host.begin(), host.end(), host.begin(), ascii::lower);
  Question question(table);
  bool settled = table->ask(question, host, client);
  while (!settled) {
    co_await question.wait();
    settled = table->settled(question);
  }
  co_return table->result(question);
}

class PooledResolver final : public Resolver {
 public:
  PooledResolver(const ResolverOptions& options, const Clock& clock, LookUp look_up)
      : table_(std::make_shared<NameTable>(options, clock, std::move(look_up))) {}

  ~PooledResolver() override {
    table_->close();
    if (watcher_.joinable()) watcher_.join();
  }

  /// Apart from the constructor, so that the destructor cleans up when the system has no thread left.
  void start(unsigned threads) {
    const SignalsBlocked blocked;  // for the threads that the watcher starts, too
    auto table = table_;
    const NameTable::StartThread start_one = [table] { return start_thread(table); };
    for (unsigned i = 0; i < threads; ++i)
      if (!table->add_thread(start_one)) throw std::system_error(EAGAIN, std::generic_category(), "threads for DNS");
    watcher_ = std::thread([table, start_one] {
      pthread_setname_np(pthread_self(), "freshet-dns-t");
      table->watch(start_one);
    });
  }

  Task<Result<Addresses>> resolve(std::string_view host, std::string_view client) override {
    return ask(table_, std::string(host), client_key(client));
  }

  LookUpFigures figures() const override { return table_->figures(); }

 private:
  /// One that nobody joins: inside getaddrinfo it may stay for a minute. It holds the table, and ends by itself.
  static bool start_thread(std::shared_ptr<NameTable> table) noexcept {
    try {
      std::thread([table = std::move(table)] {
        pthread_setname_np(pthread_self(), "freshet-dns");
        table->serve();
      }).detach();
      return true;
    } catch (...) {
      return false;
    }
  }

  std::shared_ptr<NameTable> table_;
  std::thread watcher_;
};

std::optional<ip::address> address_of(const sockaddr& from) {
  if (from.sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &from, sizeof v4);
    return ip::address_v4(ntohl(v4.sin_addr.s_addr));
  }
  if (from.sa_family != AF_INET6) return {};
  sockaddr_in6 v6;
  std::memcpy(&v6, &from, sizeof v6);
  ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return ip::address_v6(bytes, v6.sin6_scope_id);
}

Addresses look_up_in_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;  // one entry for each address
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  Addresses found;
  for (const addrinfo* each = list; each; each = each->ai_next)
    if (const auto address = address_of(*each->ai_addr)) found.push_back(*address);
  return interleave_families(found);
}

}  // namespace

Addresses interleave_families(const Addresses& sorted) {
  Addresses result;
  if (sorted.empty()) return result;
  Addresses families[2];  // the first address's family, the other
  for (const auto& address : sorted) {
    Addresses& family = families[address.is_v4() != sorted.front().is_v4()];
    if (std::find(family.begin(), family.end(), address) == family.end()) family.push_back(address);
  }
  for (std::size_t i = 0; i < std::max(families[0].size(), families[1].size()); ++i)
    for (const Addresses& family : families)
      if (i < family.size()) result.push_back(family[i]);
  return result;
}

std::unique_ptr<Resolver> make_resolver(const ResolverOptions& options, const Clock& clock, LookUp look_up) {
  ResolverOptions usable = options;
  usable.threads = std::max(options.threads, 1U);
  usable.max_threads = std::max(options.max_threads, usable.threads);
  auto resolver = std::make_unique<PooledResolver>(usable, clock, std::move(look_up));
  resolver->start(usable.threads);
  return resolver;
}

std::unique_ptr<Resolver> make_system_resolver(const ResolverOptions& options, const Clock& clock) {
  return make_resolver(options, clock, look_up_in_system);
}

}  // namespace freshet
