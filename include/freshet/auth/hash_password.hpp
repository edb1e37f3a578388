// New password hashes, for `freshet hash-password`.
#pragma once

#include <string>

namespace freshet {

/// A hash with a random salt. `method`: "$2y$", "$6$" or "$y$"; `cost`: as crypt_gensalt(3) takes it, 0 for its
/// default. Empty, with `problem` set, when it cannot be made. Blocks for as long as one check of the hash will.
std::string hash_password(const std::string& password, const char* method, unsigned long cost, std::string& problem);

}  // namespace freshet
