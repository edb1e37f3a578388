// A second reader of HTTP/1.1 messages that shares no line with the program. It knows one spelling of everything (RFC
// 9112, what a sender must write) and calls all else bad: what the program writes has to pass it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace freshet::fuzz {

enum class Strict { Complete, NeedMore, Bad };

struct StrictMessage {
  std::string method, target;                               ///< of a request
  int status = 0;                                           ///< of a response
  std::vector<std::pair<std::string, std::string>> fields;  ///< names in lower case
  std::string body;
  std::size_t head_size = 0, size = 0;  ///< bytes; `size` when complete
  std::string why;                      ///< when bad

  std::size_t count(std::string_view name) const;
  /// The value of the only line of that name; empty when there is none, or more.
  std::string only(std::string_view name) const;
};

/// The request at the beginning of `bytes`. Complete: exactly one way to say where it ends, one Host, HTTP/1.1.
Strict read_request(std::string_view bytes, StrictMessage&);

/// What must be known of the request to read its response (RFC 9112 6.3).
struct Asked {
  bool head = false;
  bool connect = false;
  bool http10 = false;  ///< the body may end with the connection
  bool at_end = false;  ///< nothing comes after `bytes`
};
/// The response at the beginning of `bytes`, interim ones too. After 101, and 2xx to CONNECT, it ends with its head.
Strict read_response(std::string_view bytes, const Asked&, StrictMessage&);

}  // namespace freshet::fuzz
