// Heads and chunk framing to bytes. Sizes are known before anything is written: what is made lies in one piece.
#include "freshet/codec/h1_writer.hpp"

#include <charconv>

#include "chars.hpp"
#include "freshet/base/check.hpp"
#include "freshet/base/put_text.hpp"

namespace freshet {
namespace {

constexpr int kFirstStatus = 100, kLastStatus = 999;
constexpr std::string_view kCrlf = "\r\n";

// Appends to room that is known to suffice.
class Pen {
 public:
  explicit Pen(char* at) noexcept : at_(at) {}
  void put(std::string_view text) noexcept { at_ = put_text(at_, text); }
  void put_line_end() noexcept { put(kCrlf); }
  void put_field(FieldId id, std::string_view value) noexcept {
    put(field_line_start(id));
    put(value);
    put_line_end();
  }
  char* at() const noexcept { return at_; }

 private:
  char* at_;
};

// Every "HTTP/1.1 200 OK\r\n" that has a reason phrase, made once.
class StatusLines {
 public:
  StatusLines() {
    for (int status = kFirstStatus; status < kFirstUnusual; ++status) {
      const std::string_view reason = reason_phrase(status);
      if (reason.empty()) continue;
      std::string& line = lines_[static_cast<std::size_t>(status - kFirstStatus)];
      line.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(reason).append(kCrlf);
    }
  }
  /// Empty when there is no phrase for it.
  std::string_view of(int status) const noexcept {
    return status < kFirstUnusual ? lines_[static_cast<std::size_t>(status - kFirstStatus)] : std::string_view();
  }

 private:
  static constexpr int kFirstUnusual = 600;
  std::array<std::string, kFirstUnusual - kFirstStatus> lines_;
};

std::string_view status_line(int status, Arena& arena) {
  static const StatusLines known;
  if (status < kFirstStatus || status > kLastStatus) {
    BUG("status code out of range");
    status = 500;
  }
  if (const std::string_view line = known.of(status); !line.empty()) return line;
  char code[3];
  std::to_chars(code, code + sizeof code, status);
  return arena.join({"HTTP/1.1 ", {code, sizeof code}, " \r\n"});
}

bool is_clean(std::string_view value) noexcept {
  return find_control(value.data(), value.data() + value.size()) == value.data() + value.size();
}

bool may_be_sent(const AddedField& field) noexcept {
  const bool good = field.id != FieldId::Unknown && is_clean(field.value);
  if (!good) BUG("added field that is none");
  return good;
}

// The lines that OutgoingFraming stands for, resolved: no contradiction can be sent.
struct FramingLines {
  explicit FramingLines(const OutgoingFraming& framing) noexcept : upgrade(framing.upgrade) {
    if (!is_clean(upgrade)) {
      BUG("upgrade value with control bytes");
      upgrade = {};
    }
    if (framing.length && framing.chunked) BUG("both Content-Length and chunked");
    if (framing.chunked) {
      body_field = FieldId::TransferEncoding;
      body_value = "chunked";
    } else if (framing.length) {
      const auto end = std::to_chars(digits, digits + sizeof digits, *framing.length).ptr;
      body_field = FieldId::ContentLength;
      body_value = {digits, static_cast<std::size_t>(end - digits)};
    }
    if (framing.close)
      connection = upgrade.empty() ? "close" : "close, upgrade";
    else if (framing.keep_alive)
      connection = upgrade.empty() ? "keep-alive" : "keep-alive, upgrade";
    else if (!upgrade.empty())
      connection = "upgrade";
  }
  FramingLines(const FramingLines&) = delete;
  FramingLines& operator=(const FramingLines&) = delete;

  // Calls `line(id, value)` for each.
  template <class Line>
  void each(Line line) const {
    if (body_field != FieldId::Unknown) line(body_field, body_value);
    if (!connection.empty()) line(FieldId::Connection, connection);
    if (!upgrade.empty()) line(FieldId::Upgrade, upgrade);
  }

  std::string_view upgrade;
  FieldId body_field = FieldId::Unknown;
  std::string_view body_value;
  std::string_view connection;
  char digits[20];
};

std::size_t line_size(FieldId id, std::string_view value) noexcept {
  return field_line_start(id).size() + value.size() + kCrlf.size();
}

// Callers that make a request of their own need not spell the method.
std::string_view method_text(const RequestHead& head) noexcept {
  if (!head.method_name.empty()) return head.method_name;
  switch (head.method) {
    case Method::Get:
      return "GET";
    case Method::Head:
      return "HEAD";
    case Method::Post:
      return "POST";
    case Method::Put:
      return "PUT";
    case Method::Delete:
      return "DELETE";
    case Method::Connect:
      return "CONNECT";
    case Method::Options:
      return "OPTIONS";
    case Method::Trace:
      return "TRACE";
    case Method::Patch:
      return "PATCH";
    case Method::Query:
      return "QUERY";
    case Method::Other:
      break;
  }
  BUG("unknown method without a name");
  return "GET";
}

void append_line(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append(kCrlf);
}

void append_fields(std::string& out, FieldsView fields) {
  if (const auto wire = fields.wire()) {
    out.append(*wire);
    return;
  }
  fields.each_run([&out](std::string_view lines) { out.append(lines); });
}

void append_request_target(std::string& out, const RequestHead& head, bool absolute_form) {
  if (!absolute_form || head.method == Method::Connect) {
    out.append(head.target);
    return;
  }
  out.append(head.scheme).append("://").append(head.authority);
  if (head.target != "*") out.append(head.target);  // OPTIONS of a whole server (RFC 9112 3.2.4)
}

}  // namespace

RenderedHead render_response_head(const ResponseHead& head, std::span<const AddedField> added,
                                  const OutgoingFraming& framing, Arena& arena) {
  RenderedHead rendered;
  rendered.pieces[rendered.count++] = status_line(head.status, arena);
  const auto wire = head.fields.wire();
  if (wire && !wire->empty()) rendered.pieces[rendered.count++] = *wire;

  const FramingLines framing_lines(framing);
  std::size_t size = kCrlf.size() + (wire ? 0 : head.fields.wire_size());
  for (const AddedField& field : added) size += line_size(field.id, field.value);
  framing_lines.each([&](FieldId id, std::string_view value) { size += line_size(id, value); });

  const std::span<char> room = arena.text(size);
  Pen pen(room.data());
  if (!wire)
    head.fields.each_run([&pen](std::string_view lines) { pen.put(lines); });
  for (const AddedField& field : added)
    if (may_be_sent(field)) pen.put_field(field.id, field.value);
  framing_lines.each([&](FieldId id, std::string_view value) { pen.put_field(id, value); });
  pen.put_line_end();
  rendered.pieces[rendered.count++] = {room.data(), static_cast<std::size_t>(pen.at() - room.data())};
  return rendered;
}

void render_request_head(const RequestHead& head, const OutgoingFraming& framing, bool absolute_form,
                         std::string& out) {
  out.append(method_text(head)).append(" ");
  append_request_target(out, head, absolute_form);
  out.append(" HTTP/1.1\r\n");
  // HTTP/1.1 wants a Host line even where there is nothing to say (RFC 9112 3.2).
  append_line(out, "Host", head.authority.empty() && head.method == Method::Connect ? head.target : head.authority);
  append_fields(out, head.fields);
  const FramingLines framing_lines(framing);
  framing_lines.each([&](FieldId id, std::string_view value) { append_line(out, field_name(id), value); });
  out.append(kCrlf);
}

std::string_view render_chunk_start(std::uint64_t size, std::span<char, 20> room) noexcept {
  char* end = std::to_chars(room.data(), room.data() + 16, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return {room.data(), static_cast<std::size_t>(end - room.data())};
}

void render_last_chunk(const Fields* trailers, std::string& out) {
  out.append("0\r\n");
  if (trailers) append_fields(out, *trailers);
  out.append(kCrlf);
}

}  // namespace freshet
