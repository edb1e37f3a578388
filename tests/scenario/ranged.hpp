// What the scenarios of ranges and parts share: an origin that answers them, and the pipeline before it.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "support/pipeline.hpp"

namespace freshet::test {

/// An origin with one representation, which answers single ranges.
struct Ranged {
  std::string body = "0123456789abcdefghij";
  std::string etag = "\"v1\"";
  std::string cache_control = "max-age=60";
  bool knows_ranges = true;
  std::shared_ptr<Trickle> trickle;  ///< the next answer's body

  Answer operator()(const Seen& seen) {
    Answer answer;
    answer.as_source = true;
    answer.fields = {{"Cache-Control", cache_control}, {"Content-Type", "text/plain"}};
    if (!etag.empty()) answer.fields.emplace_back("ETag", etag);
    const std::string if_range = seen.field("If-Range");
    if (!etag.empty() && seen.field("If-None-Match") == etag) {
      answer.status = 304;
      return answer;
    }
    answer.body = body;
    const auto range = decide_range(seen.field("Range"), body.size(), 1);
    if (knows_ranges && range.kind == RangeKind::Satisfiable && (if_range.empty() || if_range == etag)) {
      const ByteRange part = range.parts.front();
      answer.status = 206;
      answer.body = body.substr(part.first, part.size);
      answer.fields.emplace_back("Content-Range", "bytes " + std::to_string(part.first) + "-" + std::to_string(part.first + part.size - 1) +
                                                      "/" + std::to_string(body.size()));
    }
    if (trickle) {
      answer.trickle = std::move(trickle);
      answer.trickle_length = answer.body.size();
      trickle = nullptr;
    }
    return answer;
  }
};

/// The pipeline before such an origin.
struct Bench {
  Ranged ranged;
  Pipeline p;
  Bench() { listen(); }
  explicit Bench(ProxyOptions options) : p(std::move(options)) { listen(); }
  void listen() {
    p.origin.answer = [this](const Seen& seen) { return ranged(seen); };
  }
  static Ask wanting(std::string range, FieldList more = {}) {
    more.emplace_back("Range", std::move(range));
    return {"http://a.example/x", std::move(more)};
  }
  Got get(std::string range, FieldList more = {}) { return p.ask(wanting(std::move(range), std::move(more))); }
  Got get_all() { return p.ask("http://a.example/x"); }
  std::size_t asked() const { return p.origin.seen.size(); }
  const Seen& last() const { return p.origin.seen.back(); }
};

}  // namespace freshet::test
