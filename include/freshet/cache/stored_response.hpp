// One stored response: immutable but for its "used" mark. Its head was rendered when it was stored.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "freshet/base/pin.hpp"
#include "freshet/base/reason.hpp"
#include "freshet/cache/common_head.hpp"
#include "freshet/cache/eviction.hpp"
#include "freshet/cache/expiry.hpp"
#include "freshet/cache/groups.hpp"
#include "freshet/cache/index.hpp"
#include "freshet/cache/key_text.hpp"
#include "freshet/cache/parts.hpp"
#include "freshet/cache/policy.hpp"
#include "freshet/cache/stored_body.hpp"
#include "freshet/http/conditional.hpp"
#include "freshet/http/message.hpp"

namespace freshet {

/// A base, so that it lies in what Pinned leaves free.
class StoredLinesSize {
 protected:
  std::uint32_t lines_size_ = 0;  // bytes of the field lines that lie with the response itself
};

/// One allocation: the object, and behind it entries, field lines, key, vary key and groups. Where it has a head in common with
/// others, entries lie there, and so do lines and the beginning of the key that are the same for all.
class StoredResponse final : public Pinned, private StoredLinesSize, public IndexNode, public EvictionNode, public ExpiryNode {
 public:
  const StoredMeta& meta() const noexcept { return meta_; }
  /// Status and fields as they are sent on a hit: no Age, no Content-Length, no hop-by-hop fields, with Date and our
  /// Via.
  ResponseHead head() const noexcept {
    if (common_ == nullptr) return {meta_.status, FieldsView(lines(), lines_size_, {entries(), entry_count_}, true)};
    return {meta_.status, FieldsView(lines(), common_->lines(), lines_size_ + common_->lines_size(), common_->entries())};
  }
  /// As stored, with W/ and quotes; empty: none.
  std::string_view etag() const noexcept { return text(FieldId::ETag, meta_.has_etag); }
  /// As it came, for If-Modified-Since; empty: none that can be read.
  std::string_view last_modified() const noexcept { return text(FieldId::LastModified, meta_.has_last_modified); }
  /// `now`: unix seconds, for dates with two digits of the year.
  Validators validators(std::int64_t now) const noexcept;
  KeyText key() const noexcept {
    return {common_ != nullptr ? common_->key_start() : std::string_view(), {lines() + lines_size_, key_size_}};
  }
  std::string_view vary_key() const noexcept { return {lines() + lines_size_ + key_size_, vary_key_size_}; }
  /// The whole body; of a response in parts, the part that came last.
  const Ref<StoredBody>& body() const noexcept { return body_; }
  /// Null: the response is whole. Else its status is 206, and its fields say nothing of a range.
  const Ref<const PartList>& parts() const noexcept { return parts_; }
  /// False when it answers nobody any more: its fill failed or outgrew the limits, or one of its groups was purged. Parts are judged
  /// one by one.
  bool is_usable() const noexcept { return (parts_ || body_->is_whole()) && !is_purged(); }
  /// What it is in (RFC 9875).
  std::span<Group* const> groups() const noexcept { return {group_list(), group_count_}; }
  bool is_purged() const noexcept { return group_count_ != 0 && is_group_purged(); }
  /// Since when it is stale because one of its groups was purged softly; empty: it is as fresh as its fields say.
  std::optional<SteadyTime> outdated_since() const noexcept {
    return group_count_ != 0 ? group_outdated_since() : std::nullopt;
  }
  /// Not None for a freshened response that others must not see (the 304 says no-store, private or Vary: *, or only
  /// answers an authorized request): it answers one request, and the store does not take it.
  Reason why_not_kept() const noexcept { return why_not_kept_; }
  /// The store has let it go: what is still filling goes on in a window, for those who read it (StoredBody::stop_keeping()). What
  /// `successor`, if any, holds too stays as it is.
  void stop_keeping(const StoredResponse* successor, Reason why) noexcept;
  /// Bytes charged for head, key and index entry (the body charges itself).
  std::uint64_t overhead() const noexcept;
  /// Overhead and body, as far as it is there or announced.
  std::uint64_t bytes() const noexcept;

  ~StoredResponse() override;

 private:
  friend class StoredResponseBuilder;
  explicit StoredResponse(std::uint64_t hash) noexcept : IndexNode(hash) {}
  void destroy() noexcept override;

  // What lies behind the object; entries only where there is no common head.
  const FieldEntry* entries() const noexcept { return reinterpret_cast<const FieldEntry*>(this + 1); }
  const char* lines() const noexcept { return reinterpret_cast<const char*>(entries() + entry_count_); }
  Group* const* group_list() const noexcept;
  bool is_group_purged() const noexcept;
  std::optional<SteadyTime> group_outdated_since() const noexcept;
  std::string_view text(FieldId id, bool there) const noexcept {
    return there ? head().fields.first(id).value_or(std::string_view()) : std::string_view();
  }

  // There are as many of these as there are responses in the store: every byte counts.
  std::uint32_t key_size_ = 0;
  StoredMeta meta_;
  const CommonHead* common_ = nullptr;  // one use of it; null: none
  Ref<StoredBody> body_;                // never null; its ledger is charged
  Ref<const PartList> parts_;
  std::uint32_t vary_key_size_ = 0;
  std::uint16_t entry_count_ = 0;
  Reason why_not_kept_ = Reason::None;
  std::uint8_t group_count_ = 0;
};

/// What a stored response holds: a whole body, or parts and the one among them that came last.
struct StoredContent {
  Ref<StoredBody> body;
  Ref<const PartList> parts;
  StoredContent() = default;
  StoredContent(Ref<StoredBody> b, Ref<const PartList> p = {}) : body(std::move(b)), parts(std::move(p)) {}  // NOLINT
};

/// Renders a stored response from what the origin sent. Null when the ledger has no room.
/// `via`: the member that we add to Via ("1.1 freshet"); empty adds none. `fallback_date`: for a response without a
/// valid Date. The ledger is that of the body.
Ref<StoredResponse> make_stored_response(std::string_view key, std::string_view vary_key, const ResponseHead&,
                                         const StoreDecision&, StoredContent content, std::string_view via,
                                         WallTime fallback_date, Ledger&);

/// RFC 9111 3.2 and 4.3.4: the stored response with the fields of a 304 (or of a HEAD answer) put in place of its own,
/// with new freshness; shares the body. Not taken over: Content-Length, Via (ours stays), hop-by-hop fields, and
/// Set-Cookie unless the policy would store it: send that line of the 304 to the client who asked. Null when the ledger
/// has no room. `content`: takes the place of the stored one's: a 206 has brought another part (RFC 9111 3.4).
Ref<StoredResponse> freshen(const StoredResponse&, const RequestHead&, const ResponseHead& not_modified,
                            const CachePolicy&, const ExchangeTimes&, Ledger&, StoredContent content = {});

/// The stored response, stale from `now` on: its lifetime ends and stale-while-revalidate is gone; what else it may be
/// used for stays. Shares the body. Null when the ledger has no room.
Ref<StoredResponse> make_stale(const StoredResponse&, SteadyTime now, Ledger&);

/// The stored response, stale since `since`, as if its lifetime had ended then; whatever else it may be used for stays. Shares the body.
/// Null when the ledger has no room.
Ref<StoredResponse> make_outdated(const StoredResponse&, SteadyTime since, Ledger&);

/// Adds If-None-Match and If-Modified-Since for the stored validators to a request for the origin (RFC 9111 4.3.1),
/// replacing the client's own preconditions; Range goes with them, since the whole is wanted.
void add_stored_validators(const StoredResponse&, Fields& request);

}  // namespace freshet
