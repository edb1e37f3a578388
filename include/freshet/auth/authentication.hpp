// Who a client of a forward proxy is: credentials (RFC 9110 11.7) judged against user files, with what makes guessing
// slow.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/async/pause.hpp"
#include "freshet/async/task.hpp"
#include "freshet/base/arena.hpp"
#include "freshet/base/clock.hpp"
#include "freshet/http/message.hpp"

namespace freshet {

/// What came of a request's credentials. The first seven are the `result` label of freshet_proxy_auth_total, in this
/// order.
enum class AuthResult : std::uint8_t {
  Ok,
  Missing,          ///< there are none
  Bad,              ///< malformed, of a scheme that was not offered, or wrong
  Stale,            ///< right, but made with a nonce that has expired or was forgotten
  Replayed,         ///< right, but used before
  TooManyAttempts,  ///< not judged: too many wrong ones came from this address
  Busy,             ///< not judged: too many wait to be
  Undecided,        ///< of look() alone: check() has to be asked
};

struct AuthAnswer {
  AuthResult result = AuthResult::Undecided;
  std::string_view user;   ///< with Ok: who it is, in the request's arena or its credentials
  Seconds retry_after{0};  ///< with TooManyAttempts: when it may be worth trying again
  bool delayed = false;    ///< it was held back
  AuthAnswer() = default;
  explicit AuthAnswer(AuthResult r) : result(r) {}
};

/// One request, as far as it matters here. All lives as long as the check.
struct AuthQuestion {
  std::string_view credentials;  ///< the value of Proxy-Authorization
  const RequestHead& head;
  std::string_view client;  ///< its address, an IP literal
  Arena& arena;
  AuthQuestion(std::string_view said, const RequestHead& h, std::string_view from, Arena& a)
      : credentials(said), head(h), client(from), arena(a) {}
};

/// What one listener asks for.
struct RealmOptions {
  std::string realm = "freshet";
  std::string users;         ///< path of a PasswordFile; empty: no Basic
  std::string digest_users;  ///< path of a DigestFile; empty: no Digest
  Milliseconds remember{300000};
  std::uint32_t tarpit_after = 5;  ///< wrong passwords that cost nothing; at least one
};

struct AuthLimits {
  unsigned threads = 2;             ///< for crypt(3)
  std::size_t most_queued = 128;    ///< checks that wait for one of them; beyond: Busy
  std::size_t most_delayed = 1000;  ///< answers that are held back at once; beyond: TooManyAttempts
};

/// What reading the files of users again has come to, for the log.
struct AuthNotice {
  std::string text;
  bool wrong = false;  ///< something has to be mended
};

/// Shared by all workers; it outlives them, close() ends what it does for them before their loops go. Set up by one
/// thread; then any.
class Authentication {
 public:
  explicit Authentication(const Clock& clock, AuthLimits limits = {});
  ~Authentication();
  Authentication(const Authentication&) = delete;
  Authentication& operator=(const Authentication&) = delete;

  /// Reads the files, and returns the number of the realm. What is wrong goes to `problems`, a line each: then it must
  /// not be used.
  std::uint16_t add_realm(const RealmOptions& options, std::vector<std::string>& problems);

  /// The hit path: neither suspends nor allocates. Ok, Missing, or Undecided. REQUIRES: asked once for each request,
  /// before check().
  AuthAnswer look(std::uint16_t realm, const AuthQuestion&) noexcept;
  /// Everything that look() has left undecided. `pause`: null means that answers are not held back.
  Task<AuthAnswer> check(std::uint16_t realm, const AuthQuestion& question, Pause* pause);

  /// The values of Proxy-Authenticate (RFC 9110 11.7.1), the strongest first, in the arena; empty where there is none.
  static constexpr std::size_t kMostChallenges = 3;
  std::array<std::string_view, kMostChallenges> challenges(std::uint16_t realm, bool stale, Arena& arena);

  /// Reads files again that have changed. One that is wrong changes nothing. Blocks; one thread.
  std::vector<AuthNotice> read_again();

  /// Ends the checks that are under way, as Busy, and the threads.
  void close() noexcept;

 private:
  class Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace freshet
