// The content of a QUERY, read into memory before the store is asked (RFC 10008 2.7).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "freshet/cache/store.hpp"
#include "freshet/exchange/service.hpp"

namespace freshet {

/// The memory for a QUERY's content, charged to the store. One thread; `store` outlives it.
class ContentCharge {
 public:
  explicit ContentCharge(Store& store) noexcept : store_(&store), share_(store.query_bytes().take(0)) {}
  ContentCharge(ContentCharge&&) noexcept;
  ContentCharge& operator=(ContentCharge&&) = delete;
  ~ContentCharge() { store_->credit(size_); }
  /// Makes it at least `bytes` in all; false when there is no room for that.
  bool cover(std::uint64_t bytes) noexcept;

 private:
  Store* store_;
  std::uint64_t size_ = 0;
  Quota::Share share_;
};

/// What a QUERY asks, whole. Shared by the client's request and what outlives it. Immutable once it has been read.
class QueryContent final : public Pinned {
 public:
  QueryContent(std::string bytes, std::string digest, ContentCharge charge)
      : bytes_(std::move(bytes)), digest_(std::move(digest)), charge_(std::move(charge)) {}
  std::string_view digest() const noexcept { return digest_; }
  /// Makes it the body of `request`, in place of whatever is there.
  void give_to(Request& request) const;

 private:
  const std::string bytes_, digest_;
  const ContentCharge charge_;
};

/// Reads the body of `request` (none counts as empty), up to `limit` bytes. Null when it is longer, has trailers, or `store` has no room:
/// the request's body then begins with what was read, nothing is lost, and `why` is RequestBody or NoRoom. A Failure is the client's.
Task<Result<Ref<const QueryContent>>> read_query_content(Request& request, std::uint64_t limit, Store& store, Reason& why);

}  // namespace freshet
