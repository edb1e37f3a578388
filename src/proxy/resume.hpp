// The body of a client that was too slow for the others: it goes on by itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "freshet/cache/stored_response.hpp"
#include "freshet/exchange/service.hpp"
#include "freshet/http/range.hpp"
#include "freshet/proxy/caching_proxy.hpp"

namespace freshet {

/// Whom to ask for the rest of a body, and on whose behalf; all of it outlives the body.
struct ResumeFrom {
  Service& origin;
  Request& client;
  const ListenerRules& rules;
  std::string_view loop_token;
};

/// True when the rest of what is read from a response can be asked for such that it is certain to belong to what has been
/// sent already: there is a strong ETag (RFC 9110 8.8.1, 13.1.5). Only worth it while the body fills.
bool is_resumable(const StoredResponse& stored) noexcept;

/// Reads `shared`, which reads the bytes `sent` of the representation of `stored`, which has `whole` bytes. When the reader
/// is cut off (ClientTooSlow), the origin is asked for the rest with Range and If-Range; the answer has to be a 206 for
/// exactly that range of exactly that representation, otherwise the reader's failure stands.
class ResumingBody final : public BodySource {
 public:
  /// REQUIRES: is_resumable(*stored).
  ResumingBody(std::unique_ptr<BodySource> shared, Ref<StoredResponse> stored, ByteRange sent, std::uint64_t whole,
               const ResumeFrom& from);
  Task<Result<Piece>> read() override;
  void cancel() noexcept override;

 private:
  Task<bool> ask_for_rest();
  bool is_the_rest(const Reply& reply) const noexcept;
  Task<Result<Piece>> read_rest();

  std::unique_ptr<BodySource> shared_;  // null: cut off
  Ref<StoredResponse> stored_;
  ResumeFrom from_;
  std::uint64_t at_;  // in the representation
  const std::uint64_t end_, whole_;
  Reply rest_;
  bool cancelled_ = false;
};

}  // namespace freshet
