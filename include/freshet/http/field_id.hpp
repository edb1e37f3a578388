// The field names Freshet knows, interned to small numbers with flags: the rows of fields.def.
#pragma once

#include <cstdint>
#include <string_view>

namespace freshet {

enum class FieldId : std::uint16_t {
  Unknown,
#define FIELD(id, name, flags) id,
#include "freshet/http/fields.def"
#undef FIELD
};

/// What a known field is; combined with |.
enum FieldFlags : std::uint16_t {
  kPlain = 0,
  kHopByHop = 1 << 0,   ///< concerns one connection only (RFC 9110 7.6.1); never stored, never forwarded
  kList = 1 << 1,       ///< a #list: several lines mean the same as one joined by commas (RFC 9110 5.3)
  kSingleton = 1 << 2,  ///< may appear once; more is an error or makes it invalid
  kProtected = 1 << 3,  ///< a Connection nomination cannot remove it
  kForbiddenTrailer =
      1 << 4,            ///< ignored in trailer sections: framing, routing, authentication, caching (RFC 9110 6.5.1)
  kFixedOn304 = 1 << 5,  ///< a 304 must not change the stored value (RFC 9111 3.2)
  kCredential = 1 << 6,  ///< never logged
  kOverride = 1 << 7,    ///< some origins take another method, URL or host from it than the request line and Host say
  kForwardedClaim = 1 << 8,  ///< says what an earlier connection was like; some origins believe it
};

/// The id of a field name in any case; FieldId::Unknown when it is not in the table. No allocation.
FieldId intern_field(std::string_view name) noexcept;
/// The known field that CGI, WSGI and their kin would take `name` for, as they read '_' and '-' alike: of
/// Content_Length that is Content-Length. Unknown for all others, and for names that are known themselves.
FieldId field_mistaken_for(std::string_view name) noexcept;
/// The name with its usual spelling; empty for Unknown.
std::string_view field_name(FieldId) noexcept;
std::uint16_t field_flags(FieldId) noexcept;

}  // namespace freshet
