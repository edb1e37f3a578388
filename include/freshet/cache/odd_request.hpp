// Requests that may provoke an error by what is not part of the cache key: poisoning by denial.
#pragma once

#include "freshet/http/message.hpp"

namespace freshet {

/// What origins, and what guards them, are known to refuse in fields: much of them (over 4 KiB or 50 lines), tabs,
/// bytes beyond ASCII, and bytes that look like an attack. What the codec refuses never comes here. An error to such a
/// request says nothing about the URL, and nobody else should wait for its answer. Pure; no allocation.
bool is_odd(const RequestHead&) noexcept;

}  // namespace freshet
