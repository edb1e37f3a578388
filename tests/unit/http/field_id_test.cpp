#include "freshet/http/field_id.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "freshet/base/ascii.hpp"
#include "freshet/http/grammar.hpp"

using namespace freshet;

namespace {

struct Row {
  FieldId id;
  std::string_view name;
  std::uint16_t flags;
};
constexpr auto kRows = std::to_array<Row>({
#define FIELD(id, name, flags) {FieldId::id, name, flags},
#include "freshet/http/fields.def"
#undef FIELD
});

std::string upper(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return out;
}
std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = ascii::lower(c);
  return out;
}

}  // namespace

TEST_CASE("every known name is found in any case and keeps its spelling", "[http][field_id][rfc9110-5.1]") {
  for (const Row& row : kRows) {
    CAPTURE(row.name);
    CHECK(intern_field(row.name) == row.id);
    CHECK(intern_field(upper(row.name)) == row.id);
    CHECK(intern_field(lower(row.name)) == row.id);
    std::string mixed = lower(row.name);
    for (std::size_t i = 0; i < mixed.size(); i += 2) mixed[i] = upper(mixed)[i];
    CHECK(intern_field(mixed) == row.id);
    CHECK(field_name(row.id) == row.name);
    CHECK(field_flags(row.id) == row.flags);
    CHECK(is_token(row.name));
  }
}

TEST_CASE("a name that differs in one byte from a known one is another name", "[http][field_id][rfc9110-5.1]") {
  for (const Row& row : kRows) {
    for (std::size_t i = 0; i < row.name.size(); ++i) {
      for (int c = 0; c < 256; ++c) {
        std::string name(row.name);
        if (ascii::lower(static_cast<char>(c)) == ascii::lower(name[i])) continue;
        name[i] = static_cast<char>(c);
        const FieldId id = intern_field(name);
        if (id == FieldId::Unknown) continue;
        INFO(row.name << " byte " << i << " is " << c);
        REQUIRE(ascii::iequals(field_name(id), name));  // such as Date and Dave, if that were a field
      }
    }
  }
}

TEST_CASE("shorter and longer names than the known ones are unknown", "[http][field_id][rfc9110-5.1]") {
  for (const Row& row : kRows) {
    CAPTURE(row.name);
    const std::string longer = std::string(row.name) + "x";
    CHECK(intern_field(longer) == FieldId::Unknown);
    CHECK(intern_field(longer.substr(1)) == FieldId::Unknown);
    for (std::size_t size = 0; size < row.name.size(); ++size) {
      const FieldId id = intern_field(row.name.substr(0, size));
      if (id != FieldId::Unknown) CHECK(field_name(id).size() == size);
    }
  }
  CHECK(intern_field("") == FieldId::Unknown);
  CHECK(intern_field("x") == FieldId::Unknown);
  CHECK(intern_field(std::string(100'000, 'a')) == FieldId::Unknown);
  CHECK(field_name(FieldId::Unknown) == "");
  CHECK(field_flags(FieldId::Unknown) == kPlain);
}

TEST_CASE("P3: a name with underscores is taken by some for one with hyphens", "[http][field_id]") {
  CHECK(field_mistaken_for("Content_Length") == FieldId::ContentLength);
  CHECK(field_mistaken_for("transfer_encoding") == FieldId::TransferEncoding);
  CHECK(field_mistaken_for("X_Forwarded-For") == FieldId::XForwardedFor);
  for (const char* name : {"Content-Length", "Host", "_", "Ho_st", "X_Unknown", ""})
    CHECK(field_mistaken_for(name) == FieldId::Unknown);
  CHECK(field_mistaken_for(std::string(1000, '_')) == FieldId::Unknown);
}

TEST_CASE("the names of the table are distinct", "[http][field_id]") {
  std::set<std::string> names;
  for (const Row& row : kRows) CHECK(names.insert(lower(row.name)).second);
}

TEST_CASE("the flags of the table say what the RFCs say", "[http][field_id][rfc9110-7.6.1][rfc9110-6.5.1]") {
  for (FieldId id :
       {FieldId::Connection, FieldId::KeepAlive, FieldId::ProxyConnection, FieldId::Te, FieldId::TransferEncoding,
        FieldId::Upgrade, FieldId::ProxyAuthorization, FieldId::ProxyAuthenticate}) {
    CAPTURE(field_name(id));
    CHECK((field_flags(id) & kHopByHop) != 0);
    CHECK((field_flags(id) & kForbiddenTrailer) != 0);
  }
  for (FieldId id : {FieldId::Host, FieldId::Authorization, FieldId::Cookie, FieldId::SetCookie, FieldId::CacheControl,
                     FieldId::ContentLength, FieldId::Vary, FieldId::Age, FieldId::Expires, FieldId::Date}) {
    CAPTURE(field_name(id));
    CHECK((field_flags(id) & kProtected) != 0);
    CHECK((field_flags(id) & kHopByHop) == 0);
  }
  for (FieldId id : {FieldId::Authorization, FieldId::ProxyAuthorization, FieldId::Cookie, FieldId::SetCookie})
    CHECK((field_flags(id) & kCredential) != 0);
  for (const Row& row : kRows) {
    CAPTURE(row.name);
    CHECK_FALSE(((row.flags & kList) != 0 && (row.flags & kSingleton) != 0));
    CHECK_FALSE(((row.flags & kHopByHop) != 0 && (row.flags & kProtected) != 0));
  }
}

TEST_CASE("a set holds what was added to it, and Unknown like any other", "[http][field_id]") {
  FieldIdSet set = {FieldId::Unknown, FieldId::Host};
  CHECK(set.holds(FieldId::Unknown));
  CHECK(set.holds(FieldId::Host));
  CHECK_FALSE(set.holds(FieldId::Via));
  CHECK(set.meets({FieldId::Via, FieldId::Host}));
  CHECK_FALSE(set.meets({FieldId::Via}));
  CHECK_FALSE(set.meets({}));
  set |= {FieldId::Via};
  CHECK(set.holds(FieldId::Via));
  const FieldIdSet hop_by_hop = FieldIdSet::with_flags(kHopByHop);
  CHECK_FALSE(hop_by_hop.holds(FieldId::Unknown));
  std::size_t id = 0;
  for (const Row& row : kRows) {
    CAPTURE(row.name);
    ++id;
    CHECK(hop_by_hop.holds(static_cast<FieldId>(id)) == ((row.flags & kHopByHop) != 0));
    CHECK(FieldIdSet::all().holds(static_cast<FieldId>(id)));
    CHECK(field_line_start(static_cast<FieldId>(id)) == std::string(row.name) + ": ");
  }
}
