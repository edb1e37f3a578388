// What a request and a response are, without connection, framing or protocol version (RFC 9110).
#pragma once

#include <cstdint>
#include <string_view>

#include "freshet/http/fields.hpp"

namespace freshet {

enum class Method : std::uint8_t { Get, Head, Post, Put, Delete, Connect, Options, Trace, Patch, Query, Other };

/// Case-sensitive (RFC 9110 9.1); anything unknown is Other.
Method parse_method(std::string_view) noexcept;
/// GET, HEAD, OPTIONS, TRACE, QUERY (RFC 9110 9.2.1). An unknown method is not safe.
bool is_safe(Method) noexcept;
/// Safe methods, PUT and DELETE (RFC 9110 9.2.2).
bool is_idempotent(Method) noexcept;

enum class Version : std::uint8_t { Http10, Http11, Http2, Http3 };

/// What the client asks for. The views lie in memory that the session keeps until the reply has been written.
struct RequestHead {
  Method method = Method::Get;
  std::string_view method_name;  ///< as it came
  std::string_view scheme;       ///< "http" or "https"
  std::string_view authority;    ///< normalised by http/target: host[:port], lower case, no default port
  std::string_view target;       ///< origin-form path and query, never empty; "*" for OPTIONS *; authority for CONNECT
  Version version = Version::Http11;
  Fields fields;  ///< end-to-end fields; Host is in `authority`, not here
  RequestHead() = default;
};

/// What is answered: the fields' memory is kept alive by what the Reply pins. No Connection, Keep-Alive,
/// Transfer-Encoding, Upgrade: the codec eats and makes those.
struct ResponseHead {
  int status = 0;
  FieldsView fields;
  ResponseHead() = default;
  ResponseHead(int s, FieldsView f) : status(s), fields(f) {}
};

/// A field line made for one message only, behind those of its head.
struct AddedField {
  FieldId id = FieldId::Unknown;  ///< REQUIRES: another one, before it is written
  std::string_view value;
};

/// The usual reason phrase; empty for codes we do not know.
std::string_view reason_phrase(int status) noexcept;

}  // namespace freshet
