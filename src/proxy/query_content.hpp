// The content of a QUERY, read into memory before the store is asked (RFC 10008 2.7).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "freshet/exchange/service.hpp"

namespace freshet {

/// What a QUERY asks, whole. Shared by the client's request and what outlives it. Immutable once it has been read.
class QueryContent final : public Pinned {
 public:
  QueryContent(std::string bytes, std::string digest) : bytes_(std::move(bytes)), digest_(std::move(digest)) {}
  std::string_view digest() const noexcept { return digest_; }
  /// Makes it the body of `request`, in place of whatever is there.
  void give_to(Request& request) const;

 private:
  const std::string bytes_, digest_;
};

/// Reads the body of `request` (none counts as empty), up to `limit` bytes. Null when it is longer, or has trailers:
/// the request's body then begins with what was read, and nothing is lost. A Failure is the client's.
Task<Result<Ref<const QueryContent>>> read_query_content(Request& request, std::uint64_t limit);

}  // namespace freshet
