// One request and its answer over HTTP/1.1 (RFC 9112).
//
//   step               by                       then
//   use()              serve()                  there is a connection
//   ask()              serve()                  head sent, body under way, interim answers passed on
//   drop()             serve(), before use()    another attempt, when may_repeat()
//   first_piece()      serve()                  what of the body came with the head
//   read_body()        the reply's BodySource   ... until the last piece, or a failure
//   finish()           whoever ends it          the connection is given back or closed; the request's body is stopped
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "arrived_bytes.hpp"
#include "freshet/async/result.hpp"
#include "freshet/async/task.hpp"
#include "freshet/codec/h1_reader.hpp"
#include "freshet/exchange/service.hpp"
#include "freshet/upstream/origin_pool.hpp"
#include "idle_pool.hpp"
#include "origin_connection.hpp"
#include "origin_upload.hpp"

namespace freshet {

/// Shared by serve() and the reply's body. One worker's thread.
class H1Exchange final : public Pinned {
 public:
  /// More interim answers than this are taken for an attack.
  static constexpr int kMaxInterim = 32;

  /// `wheel` outlives it.
  H1Exchange(Ref<IdlePool> pool, IdlePool::Slot slot, DeadlineWheel& wheel, const OriginTimeouts&, const OriginLimits&,
             Method);
  ~H1Exchange() override { finish(); }
  // Comes and goes with the frames of its coroutines.
  static void* operator new(std::size_t size) { return FrameMemory::take(size); }
  static void operator delete(void* at, std::size_t size) { FrameMemory::give_back(at, size); }

  const IdlePool::Slot& slot() const noexcept { return slot_; }
  /// `reused`: it has carried an exchange before.
  void use(Ref<OriginConnection> connection, bool reused) noexcept;
  const OriginConnection& connection() const noexcept { return *connection_; }
  /// Sends `request` and reads until a final answer, or a 101 that was asked for.
  /// Failures: of the client's body as they came; of the origin ConnectionReset (with Retry::IfReused),
  /// FirstByteTimeout (also when a head takes as long again after its first byte), BetweenBytesTimeout, BadResponse,
  /// ResponseFieldsTooLarge, TooManyInterim; ClientClosed when the client left before a head came.
  /// The answer's fields get the memory of `fields`.
  Task<Result<ParsedResponse>> ask(Request& request, std::string_view head, Fields& fields);
  /// Bytes of the head that ask() has brought.
  std::size_t head_bytes() const noexcept { return head_bytes_; }
  /// A reused connection died before it said anything, and all that was sent can be sent again (RFC 9112 9.3.1).
  bool may_repeat(const Failure&) const noexcept;
  /// Closes the connection, for another attempt.
  void drop() noexcept;

  /// After ask(): the body begins. Returns what has arrived of it; its bytes are valid until the next call, and, when
  /// nothing follows them, as long as the exchange lives.
  Piece first_piece(const FramingVerdict&);
  /// The rest. A Failure is final.
  Task<Result<Piece>> read_body();
  const Fields* trailers() const noexcept { return body_.trailers(); }
  /// A read_body() that is under way, and every later one, fails soon.
  void cancel() noexcept;
  void finish() noexcept;

  /// For a tunnel: the connection and what has arrived behind the 101. The exchange is over.
  IdlePool::Slot take_slot() noexcept { return std::move(slot_); }
  Ref<OriginConnection> take_connection() noexcept { return std::move(connection_); }
  std::string take_surplus();

 private:
  enum class Filled : std::uint8_t { Some, End, Failed };
  enum class HeadStep : std::uint8_t { Wait, Interim, Final, Bad };

  Task<void> start_upload(Request& request);
  HeadStep look_for_head(ParsedResponse&, const Request&);
  Task<void> pass_interim_on(const ParsedResponse&, Request&);
  void limit_head_bytes() noexcept;
  std::span<std::byte> room_for_head();
  Filled take(IoResult) noexcept;
  std::optional<Failure> judge_interim(const ParsedResponse&, const Request&) noexcept;
  void client_left() noexcept;
  Failure failure_before_head(Filled) const noexcept;
  Piece decode();
  Failure fail(const Failure&) noexcept;
  bool request_complete() const noexcept { return upload_ ? upload_->complete() : !body_withheld_; }

  Ref<IdlePool> pool_;
  IdlePool::Slot slot_;
  DeadlineWheel& wheel_;
  const OriginTimeouts timeouts_;
  const OriginLimits limits_;
  const Method method_;
  Ref<OriginConnection> connection_;
  Ref<OriginUpload> upload_;
  ArrivedBytes in_;
  H1ResponseReader reader_;
  H1BodyReader body_;
  std::optional<Failure> failure_;
  std::size_t head_bytes_ = 0;
  int interim_ = 0;
  bool reused_ = false;
  bool keep_upload_ = false;
  bool body_withheld_ = false;  // the request has one that is not being sent
  bool awaiting_continue_ = false;
  bool response_begun_ = false;
  bool persistent_ = false;
  bool body_done_ = false;
  bool over_ = false;
};

}  // namespace freshet
