#include "freshet/cache/stored_response.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <span>

#include "freshet/base/check.hpp"
#include "freshet/cache/common_head.hpp"
#include "freshet/cache/key.hpp"
#include "freshet/cache/vary.hpp"
#include "freshet/http/cache_groups.hpp"
#include "freshet/http/date.hpp"
#include "freshet/http/grammar.hpp"
#include "freshness.hpp"
#include "heap_cost.hpp"

namespace freshet {
namespace {

// The response's share of index and ghosts: two to four pointers' worth, whatever their momentary size.
constexpr std::size_t kIndexShare = 32;

// `size`: of the allocation.
std::uint64_t cost_of(std::size_t size, const PartList* parts) noexcept {
  return heap_cost(size) + kIndexShare + (parts != nullptr ? parts->overhead() : 0);
}

bool is_stored(const Field& field) noexcept {
  if ((field_flags(field.id) & kHopByHop) != 0) return false;
  if (is_private_group_field(field.id)) return false;
  return field.id != FieldId::Age && field.id != FieldId::ContentLength && field.id != FieldId::Trailer;
}

bool lists_name(std::string_view list, std::string_view name) noexcept {
  return !list.empty() && list_contains(list, name);
}

bool has_valid_date(FieldsView fields, std::int64_t now) noexcept {
  return fields.count(FieldId::Date) == 1 && parse_http_date(*fields.first(FieldId::Date), now);
}

/// Empty optional when the ledger has no room.
std::optional<GroupList> join_all(std::string_view key, const std::vector<std::string>& names, Ledger& ledger) {
  if (names.empty() || ledger.groups() == nullptr) return GroupList();
  GroupList groups(*ledger.groups());
  for (const std::string& name : names)
    if (!groups.add(origin_of_key(key), name)) return {};
  return groups;
}

/// The same groups as another one.
GroupList join_same(const StoredResponse& stored, Ledger& ledger) {
  if (stored.groups().empty()) return {};
  GroupList groups(*ledger.groups());
  for (Group* const group : stored.groups()) groups.add(*group);
  return groups;
}

/// What a response is in once a 304 has brought `fresh` and made `merged` of its fields. Cache-Groups lies among the stored fields and
/// is replaced like others; what the other two fields said stays, unless one of them comes again.
std::optional<GroupList> join_freshened(const StoredResponse& stored, FieldsView fresh, const GroupNames& now, Ledger& ledger) {
  if (!has_group_fields(fresh)) return join_same(stored, ledger);
  const std::string key = stored.key().text();
  auto groups = join_all(key, now.names, ledger);
  if (!groups || has_private_group_fields(fresh) || stored.groups().empty()) return groups;
  if (now.names.empty()) groups.emplace(*ledger.groups());
  std::vector<std::string> named = now.names;
  if (!stored.meta().groups_said_twice) {  // otherwise another field may have said the same, and still does
    std::vector<std::string> before = read_cache_groups(stored.head().fields).names;
    named.insert(named.end(), std::make_move_iterator(before.begin()), std::make_move_iterator(before.end()));
  }
  std::vector<std::uint64_t> replaced;
  for (const std::string& name : named) replaced.push_back(CacheGroups::hash(origin_of_key(key), name));
  for (Group* const group : stored.groups()) {
    if (groups->all().size() > kMostGroups) break;  // too many already
    if (std::find(replaced.begin(), replaced.end(), group->hash()) == replaced.end()) groups->add(*group);
  }
  return groups;
}

std::string_view http_date(std::int64_t seconds, std::span<char, kHttpDateSize> out) noexcept {
  format_http_date(seconds, out);
  return {out.data(), out.size()};
}

}  // namespace

/// Lays a response out in one block. Behind all else, where a pointer may lie: how many purges there had been, and the groups.
class StoredResponseBuilder {
 public:
  static std::size_t align(std::size_t size) noexcept { return (size + alignof(Group*) - 1) / alignof(Group*) * alignof(Group*); }
  /// `text`: bytes of all else.
  static std::size_t with_groups(std::size_t text, std::size_t count) noexcept {
    return count == 0 ? text : align(text) + sizeof(std::uint64_t) + count * sizeof(Group*);
  }

  static Ref<StoredResponse> build(std::string_view key, std::string_view vary_key, const StoredMeta& meta,
                                   Fields& fields, StoredContent content, Ledger& ledger, Reason why_not_kept,
                                   GroupList& groups) {
    ENSURE(content.body && &content.body->ledger() == &ledger);
    const std::uint64_t hash = hash_key(key);
    fields.compact();
    std::string_view lines = *fields.view().wire();
    std::span<const FieldEntry> entries = fields.view().entries();
    DividedHead divided;
    Common common(ledger.common_heads() != nullptr ? ledger.common_heads()->divide(fields, {hash, key}, divided) : nullptr);
    if (common) {
      lines = divided.own_lines();
      entries = {};
      key = divided.own_key();
    }
    const std::span<Group* const> joined = groups.all();
    const std::size_t text = sizeof(StoredResponse) + entries.size_bytes() + lines.size() + key.size() + vary_key.size();
    const std::size_t size = with_groups(text, joined.size());
    const std::uint64_t cost = cost_of(size, content.parts.get());
    if (entries.size() > UINT16_MAX || cost > UINT32_MAX) return {};
    Room room(::operator new(size));
    if (!ledger.charge(cost)) return {};

    Ref<StoredResponse> response(new (room.get()) StoredResponse(hash));
    char* at = static_cast<char*>(room.release()) + sizeof(StoredResponse);
    const auto copy = [&at](const void* bytes, std::size_t count) {
      if (count > 0) std::memcpy(at, bytes, count);
      at += count;
      return static_cast<std::uint32_t>(count);
    };
    copy(entries.data(), entries.size_bytes());
    response->entry_count_ = static_cast<std::uint16_t>(entries.size());
    response->lines_size_ = copy(lines.data(), lines.size());
    response->key_size_ = copy(key.data(), key.size());
    response->vary_key_size_ = copy(vary_key.data(), vary_key.size());
    if (!joined.empty()) {
      at += align(text) - text;
      const std::uint64_t purges = ledger.groups()->now();
      copy(&purges, sizeof(purges));
      copy(joined.data(), joined.size_bytes());
      response->group_count_ = static_cast<std::uint8_t>(joined.size());
      groups.release();
    }
    response->common_ = common.release();
    response->body_ = std::move(content.body);
    response->parts_ = std::move(content.parts);
    response->why_not_kept_ = why_not_kept;
    response->meta_ = meta;
    note_etag(response->head().fields, response->meta_);
    response->meta_.has_last_modified = meta.has_last_modified && response->head().fields.contains(FieldId::LastModified);
    return response;
  }

 private:
  struct Release {
    void operator()(const CommonHead* head) const noexcept { head->release(); }
    void operator()(void* room) const noexcept { ::operator delete(room); }
  };
  using Common = std::unique_ptr<const CommonHead, Release>;
  using Room = std::unique_ptr<void, Release>;
};

static_assert(kMostGroups < UINT8_MAX);
static_assert(sizeof(StoredResponse) % alignof(FieldEntry) == 0 && sizeof(StoredResponse) <= 152);

std::uint64_t StoredResponse::overhead() const noexcept {
  const std::size_t entries = entry_count_ * sizeof(FieldEntry);
  const std::size_t text = sizeof(*this) + entries + lines_size_ + key_size_ + vary_key_size_;
  return cost_of(StoredResponseBuilder::with_groups(text, group_count_), parts_.get());
}

std::uint64_t StoredResponse::bytes() const noexcept {
  constexpr std::uint64_t kGuess = 1024 * 1024;  // for what is still coming without a declared length
  const std::uint64_t overhead = this->overhead();
  if (parts_) return overhead + parts_->bytes();
  const std::uint64_t there = body_->size();
  if (body_->state() != StoredBody::State::Filling) return overhead + sizeof(StoredBody) + there;
  return overhead + sizeof(StoredBody) + std::max(there, body_->expected().value_or(kGuess));
}

void StoredResponse::stop_keeping(const StoredResponse* successor, Reason why) noexcept {
  const auto stays = [successor](const StoredBody* body) {
    if (successor == nullptr) return false;
    return successor->body_.get() == body || (successor->parts_ && successor->parts_->holds(body));
  };
  if (!stays(body_.get())) body_->stop_keeping(why);
  if (!parts_) return;
  for (const Part& part : parts_->all())
    if (!stays(part.body.get())) part.body->stop_keeping(why);
}

Group* const* StoredResponse::group_list() const noexcept {
  const std::size_t text = sizeof(StoredResponse) + entry_count_ * sizeof(FieldEntry) + lines_size_ + key_size_ + vary_key_size_;
  const char* const at = reinterpret_cast<const char*>(this) + StoredResponseBuilder::align(text);
  return reinterpret_cast<Group* const*>(at + sizeof(std::uint64_t));
}

bool StoredResponse::is_group_purged() const noexcept {
  for (const Group* const group : groups())
    if (group->is_purged()) return true;
  return false;
}

std::optional<SteadyTime> StoredResponse::group_outdated_since() const noexcept {
  std::uint64_t seen = 0;
  std::memcpy(&seen, reinterpret_cast<const char*>(group_list()) - sizeof(seen), sizeof(seen));
  std::optional<SteadyTime> first;
  for (const Group* const group : groups())
    if (const auto since = group->outdated_since(seen); since && (!first || *since < *first)) first = since;
  return first;
}

StoredResponse::~StoredResponse() {
  const std::uint64_t held = overhead();
  for (Group* const group : groups()) body_->ledger().groups()->leave(*group);
  if (common_ != nullptr) common_->release();
  body_->ledger().credit(held);
}

Validators StoredResponse::validators(std::int64_t now) const noexcept {
  const auto date = head().fields.first(FieldId::Date);
  return {etag(), parse_http_date(last_modified(), now), date ? parse_http_date(*date, now) : std::nullopt};
}

void StoredResponse::destroy() noexcept {
  this->~StoredResponse();
  ::operator delete(static_cast<void*>(this));
}

Ref<StoredResponse> make_stored_response(std::string_view key, std::string_view vary_key, const ResponseHead& head,
                                         const StoreDecision& decision, StoredContent content, std::string_view via,
                                         WallTime fallback_date, Ledger& ledger) {
  const std::int64_t now = unix_seconds(fallback_date);
  const bool dated = has_valid_date(head.fields, now);
  Fields fields;
  for (const Field field : head.fields) {
    if (!is_stored(field) || (field.id == FieldId::Date && !dated)) continue;
    if (field.id == FieldId::ContentRange && content.parts) continue;  // it is said anew each time
    if (lists_name(decision.dropped_fields, field.name) || lists_name(decision.no_cache_fields, field.name)) continue;
    fields.add(field.name, field.value);
  }
  std::array<char, kHttpDateSize> date;
  if (!fields.contains(FieldId::Date)) fields.add(FieldId::Date, http_date(now, date));
  if (!via.empty()) fields.add(FieldId::Via, via);
  const GroupNames names = read_groups(head.fields);
  auto groups = join_all(key, names.names, ledger);
  if (!groups) return {};
  StoredMeta meta = decision.meta;
  meta.groups_said_twice = names.twice;
  return StoredResponseBuilder::build(key, vary_key, meta, fields, std::move(content), ledger, Reason::None, *groups);
}

// ---- freshening ----

namespace {

bool is_updated(const Field& field) noexcept {
  return is_stored(field) && (field_flags(field.id) & kFixedOn304) == 0 && field.id != FieldId::Via;
}

// The stored fields, with those of the 304 in place of theirs. Its Age comes along: it counts for the new age.
Fields merge(FieldsView stored, FieldsView fresh, std::int64_t now) {
  Fields merged;
  for (const Field field : stored) {
    const bool replaced = field.id == FieldId::Unknown ? fresh.first(field.name).has_value() : fresh.contains(field.id);
    if (!replaced || !is_updated(field)) merged.add(field.name, field.value);
  }
  for (const Field field : fresh)
    if (is_updated(field) || field.id == FieldId::Age) merged.add(field.name, field.value);
  if (!has_valid_date(fresh, now)) {  // it was validated now, whatever the old Date says
    std::array<char, kHttpDateSize> date;
    merged.set(FieldId::Date, http_date(now, date));
  }
  return merged;
}

// The vary key after a 304; empty optional when it may not be kept. The stored one stays while Vary says the same and selects it.
std::optional<std::string> freshened_vary_key(const StoredResponse& stored, FieldsView request, FieldsView fresh,
                                              FieldsView merged) {
  std::string before, after;
  stored.head().fields.join("vary", before);
  const bool same = (!fresh.join("vary", after) || before == after) && vary_matches(stored.vary_key(), request);
  if (same) return std::string(stored.vary_key());
  return make_vary_key(merged, request);
}

// Why others may not see what a 304 has made of a stored response.
Reason objection_to_keeping(const RequestHead& request, const ResponseDirectives& directives) noexcept {
  if (directives.is_private) return Reason::PrivateResponse;
  if (directives.no_store && !directives.must_understand) return Reason::NoStore;
  if (parse_request_directives(request.fields).no_store) return Reason::RequestNoStore;
  const bool shared = !request.fields.contains(FieldId::Authorization) || may_share_authorized(directives);
  return shared ? Reason::None : Reason::AuthorizedRequest;
}

}  // namespace

Ref<StoredResponse> freshen(const StoredResponse& stored, const RequestHead& request, const ResponseHead& not_modified,
                            const CachePolicy& policy, const ExchangeTimes& times, Ledger& ledger, StoredContent content) {
  if (!content.body) content = {stored.body(), stored.parts()};
  Fields fields = merge(stored.head().fields, not_modified.fields, unix_seconds(times.received.wall));
  const Freshness freshness = read_freshness({stored.meta().status, fields}, policy, times);
  const ResponseDirectives& directives = freshness.directives;
  const auto vary_key = freshened_vary_key(stored, request.fields, not_modified.fields, fields);
  Reason why_not_kept = objection_to_keeping(request, directives);
  if (!vary_key) why_not_kept = says_vary_star(fields) ? Reason::VaryStar : Reason::VaryTooComplex;
  const GroupNames names = has_group_fields(not_modified.fields) ? read_groups(fields, not_modified.fields) : GroupNames();
  auto groups = join_freshened(stored, not_modified.fields, names, ledger);
  if (!groups) return {};
  if (names.too_many || groups->all().size() > kMostGroups) why_not_kept = Reason::TooManyGroups;
  // Whether everybody may have a cookie, the answer that sets it says itself.
  const bool cookie =
      !not_modified.fields.contains(FieldId::SetCookie) || may_store_cookie(parse_response_directives(not_modified.fields, policy.targets), policy);
  // The lists lie in the very fields that are about to change.
  const std::string private_fields(directives.private_fields), no_cache_fields(directives.no_cache_fields);
  fields.remove_if([&](const Field& field) {
    if (field.id == FieldId::Age || (field.id == FieldId::SetCookie && !cookie)) return true;
    if (field.id == FieldId::ContentRange && content.parts) return true;
    return lists_name(private_fields, field.name) || lists_name(no_cache_fields, field.name);
  });
  StoredMeta meta = freshness.meta;
  meta.groups_said_twice = names.twice || stored.meta().groups_said_twice;
  return StoredResponseBuilder::build(stored.key().text(), vary_key ? *vary_key : stored.vary_key(), meta, fields,
                                      std::move(content), ledger, why_not_kept, *groups);
}

namespace {

/// Ends the lifetime at `when`. What is not a second old ages by one: without any lifetime it would not be used when its origin is out
/// of reach, either.
void end_lifetime(StoredMeta& meta, SteadyTime when) {
  if (current_age(meta, when) == Seconds{0}) meta.initial_age = Seconds{1};
  meta.lifetime = std::min<Seconds>(meta.lifetime, current_age(meta, when));
}

Ref<StoredResponse> with_meta(const StoredResponse& stored, const StoredMeta& meta, Ledger& ledger) {
  GroupList groups = join_same(stored, ledger);
  Fields fields;
  fields.append(stored.head().fields);
  return StoredResponseBuilder::build(stored.key().text(), stored.vary_key(), meta, fields, {stored.body(), stored.parts()}, ledger,
                                      Reason::None, groups);
}

}  // namespace

Ref<StoredResponse> make_stale(const StoredResponse& stored, SteadyTime now, Ledger& ledger) {
  StoredMeta meta = stored.meta();
  end_lifetime(meta, now);
  meta.stale_while_revalidate = Seconds{0};
  return with_meta(stored, meta, ledger);
}

Ref<StoredResponse> make_outdated(const StoredResponse& stored, SteadyTime since, Ledger& ledger) {
  StoredMeta meta = stored.meta();
  end_lifetime(meta, since);
  return with_meta(stored, meta, ledger);
}

void add_stored_validators(const StoredResponse& stored, Fields& request) {
  request.remove_if([](const Field& field) {
    switch (field.id) {
      case FieldId::IfNoneMatch:
      case FieldId::IfModifiedSince:
      case FieldId::IfMatch:
      case FieldId::IfUnmodifiedSince:
      case FieldId::IfRange:
      case FieldId::Range:
        return true;
      default:
        return false;
    }
  });
  if (const auto etag = stored.etag(); !etag.empty()) request.add(FieldId::IfNoneMatch, etag);
  if (const auto date = stored.last_modified(); !date.empty()) request.add(FieldId::IfModifiedSince, date);
}

}  // namespace freshet
