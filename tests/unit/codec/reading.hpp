// Reads messages from text that arrives in pieces, and puts what was understood into words that can be compared.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/codec/h1_reader.hpp"

namespace freshet {

/// Bytes in a heap block of exactly their size, so that AddressSanitizer sees every look beyond them.
class ExactBytes {
 public:
  explicit ExactBytes(std::string_view text) : size_(text.size()), bytes_(std::make_unique<char[]>(text.size())) {
    std::copy(text.begin(), text.end(), bytes_.get());
  }
  std::string_view text() const noexcept { return {bytes_.get(), size_}; }
  std::span<const std::byte> bytes() const noexcept { return std::as_bytes(std::span(bytes_.get(), size_)); }

 private:
  std::size_t size_;
  std::unique_ptr<char[]> bytes_;
};

inline std::string in_words(FieldsView fields) {
  std::string out;
  for (const Field f : fields) out.append(f.name).append(": ").append(f.value).append("\n");
  return out;
}

inline std::string in_words(const HeadProgress& progress) {
  if (progress.state == HeadProgress::State::NeedMore) return "need more";
  if (progress.state == HeadProgress::State::Bad)
    return std::to_string(progress.status) + " " + std::string(word(progress.error));
  return "complete, " + std::to_string(progress.consumed) + " bytes\n";
}

inline std::string in_words(const FramingVerdict& framing) {
  static constexpr std::string_view kKinds[] = {"none", "length", "chunked", "until close", "tunnel"};
  std::string out = "body " + std::string(kKinds[static_cast<int>(framing.body)]);
  if (framing.body == BodyKind::Length) out += " " + std::to_string(framing.length);
  return out + (framing.persistent ? ", persistent\n" : ", then closed\n");
}

inline std::string in_words(const HeadProgress& progress, const ParsedRequest& parsed) {
  std::string out = in_words(progress);
  if (progress.state != HeadProgress::State::Complete) return out;
  const RequestHead& head = parsed.head;
  out.append(head.method_name).append(" ").append(head.scheme).append(" ").append(head.authority).append(" ");
  out.append(head.target).append(head.version == Version::Http10 ? " 1.0\n" : " 1.1\n");
  out += in_words(parsed.framing);
  if (parsed.expects_continue) out += "expects 100\n";
  if (parsed.absolute_form) out += "absolute\n";
  if (!parsed.upgrade.empty()) out.append("upgrade ").append(parsed.upgrade).append("\n");
  return out + in_words(head.fields.view());
}

inline std::string in_words(const HeadProgress& progress, const ParsedResponse& parsed) {
  std::string out = in_words(progress);
  if (progress.state != HeadProgress::State::Complete) return out;
  out += std::to_string(parsed.status) + (parsed.version == Version::Http10 ? " 1.0\n" : " 1.1\n");
  out += in_words(parsed.framing);
  if (parsed.content_length) out += "declared " + std::to_string(*parsed.content_length) + "\n";
  if (parsed.upgrade) out += "upgrade " + parsed.upgrade_value + "\n";
  return out + in_words(parsed.fields.view());
}

/// Reads a request head from `text`, of which `ends` says how much is there at each look; the last look sees all of it.
inline std::string read_request(std::string_view text, std::vector<std::size_t> ends = {},
                                const HeadLimits& limits = {}) {
  H1RequestReader reader(limits);
  Arena arena;
  ParsedRequest parsed;
  ends.push_back(text.size());
  HeadProgress progress;
  for (const std::size_t end : ends) {
    const ExactBytes buffered(text.substr(0, end));
    ParsedRequest fresh;  // what an earlier look left behind must not matter
    parsed = std::move(fresh);
    progress = reader.read_head(buffered.text(), parsed, arena);
    if (progress.state != HeadProgress::State::NeedMore) break;
  }
  return in_words(progress, parsed);
}

inline std::string read_response(std::string_view text, std::vector<std::size_t> ends = {},
                                 const HeadLimits& limits = {}, Method method = Method::Get) {
  H1ResponseReader reader(limits);
  ParsedResponse parsed;
  ends.push_back(text.size());
  HeadProgress progress;
  for (const std::size_t end : ends) {
    const ExactBytes buffered(text.substr(0, end));
    progress = reader.read_head(buffered.text(), method, parsed);
    if (progress.state != HeadProgress::State::NeedMore) break;
  }
  return in_words(progress, parsed);
}

/// 1, 2, 3 ... size - 1: one more byte at each look.
inline std::vector<std::size_t> every_byte(std::size_t size) {
  std::vector<std::size_t> ends;
  for (std::size_t end = 1; end < size; ++end) ends.push_back(end);
  return ends;
}

/// The data of a body, its end, its trailers and how many bytes of `pieces` it took; or what is wrong with it. What the
/// reader does not consume is given to it again before the next piece.
inline std::string read_body(const FramingVerdict& framing, const std::vector<std::string_view>& pieces,
                             std::size_t max_trailer_bytes = 8 * 1024, TrailerRules rules = TrailerRules::Refuse) {
  using State = H1BodyReader::Step::State;
  H1BodyReader reader;
  reader.start(framing, rules, max_trailer_bytes);
  std::string waiting, data;
  std::size_t consumed = 0;
  for (const std::string_view piece : pieces) {
    waiting += piece;
    for (;;) {
      const ExactBytes buffered(waiting);
      const H1BodyReader::Step step = reader.step(buffered.bytes());
      if (step.state == State::Bad) return data + "|" + std::string(word(step.error));
      data.append(reinterpret_cast<const char*>(step.data.data()), step.data.size());
      consumed += step.consumed;
      waiting.erase(0, step.consumed);
      if (step.state == State::End)
        return data + "|end after " + std::to_string(consumed) + "\n" +
               (reader.trailers() ? in_words(reader.trailers()->view()) : "");
      if (step.state == State::NeedMore) break;
    }
  }
  return data + "|" + (reader.end_of_input() ? "closed" : "unfinished");
}

inline FramingVerdict chunked_framing() {
  FramingVerdict framing;
  framing.body = BodyKind::Chunked;
  return framing;
}

}  // namespace freshet
