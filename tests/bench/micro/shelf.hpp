// A store, and what it takes to put something into it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "freshet/cache/store.hpp"

namespace freshet::bench {

class NoWaiter final : public Waiter {
 public:
  void wake() noexcept override {}
};

/// One thread.
class Shelf {
 public:
  explicit Shelf(std::uint64_t max_size) : store(options(max_size), clock_), bytes_(std::size_t{64} << 10) {
    fields_.add(FieldId::Date, "Thu, 01 Jan 2026 00:00:00 GMT");
    fields_.add(FieldId::ContentType, "application/octet-stream");
    fields_.add(FieldId::CacheControl, "max-age=86400");
    fields_.add(FieldId::ETag, "\"0123456789abcdef\"");
    decision_.store = true;
    decision_.meta.status = 200;
    decision_.meta.lifetime = Seconds{86400};
    decision_.meta.response_time = clock_.now().steady;
  }

  /// "/objects/N", as a key in `arena`.
  static CacheKey key(std::uint64_t n, Arena& arena) {
    char target[32] = "/objects/";
    std::size_t size = 9;
    for (const char digit : std::to_string(n)) target[size++] = digit;
    return make_cache_key("app", "http", "www.example.com", std::string_view(target, size), arena);
  }

  /// Stores a body of `size` bytes, at most 64 KiB. False when the store did not take it.
  bool put(const CacheKey& key, std::size_t size) {
    auto joined = store.join(key, false);
    auto body = StoredBody::make(store, size, UINT64_MAX);
    if (body->append(std::span(bytes_).first(size), waiter_) != StoredBody::Appended::Taken || !body->finish())
      return false;
    auto response =
        make_stored_response(key.text, {}, {200, fields_}, decision_, std::move(body), "1.1 freshet", {}, store);
    return joined.ticket && response && joined.ticket.publish(std::move(response), true);
  }

 private:
  static StoreOptions options(std::uint64_t max_size) {
    StoreOptions out;
    out.max_size = max_size;
    return out;
  }
  SystemClock clock_;

 public:
  Store store;

 private:
  Fields fields_;
  StoreDecision decision_;
  NoWaiter waiter_;
  std::vector<std::byte> bytes_;
};

}  // namespace freshet::bench
