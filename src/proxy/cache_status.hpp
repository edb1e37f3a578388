// Our member of Cache-Status (RFC 9211).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "freshet/base/arena.hpp"
#include "freshet/base/clock.hpp"
#include "freshet/base/reason.hpp"

namespace freshet {

/// What the member says. `hit` and a forward reason exclude each other; neither: the request was refused here.
struct CacheStatus {
  bool hit = false;
  std::string_view forward;            ///< RFC 9211 2.2: "uri-miss", "stale", ...
  int forward_status = 0;              ///< 0: none came
  std::optional<Seconds> ttl;
  bool stored = false;
  bool collapsed = false;
  Reason detail = Reason::None;
};

/// "freshet; hit; ttl=59" and the like, in the arena.
std::string_view render_cache_status(const CacheStatus&, std::string_view pseudonym, Arena&);

/// The RFC 9211 2.2 word for why the cache did not answer.
std::string_view forward_word(Reason) noexcept;

}  // namespace freshet
