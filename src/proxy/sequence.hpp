// A body put together from stored bytes and text of our own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "freshet/cache/parts.hpp"
#include "freshet/exchange/body.hpp"

namespace freshet {

/// What it is given, one after the other. A stored body is read from the moment on when its first slice is added, also while it fills;
/// it has one reader at a time, so that a fill never waits for a slice that is over or not begun.
class SequenceSource final : public BodySource {
 public:
  void add(std::string text);
  void add(const PartSlice& slice);

  Task<Result<Piece>> read() override;
  void cancel() noexcept override;

 private:
  struct Segment {
    std::string text;
    PartSlice slice;                     ///< without body: the text
    std::unique_ptr<BodySource> source;  ///< null: text, or not begun
  };
  static void begin(Segment& segment);
  Segment* following_of_same_body() noexcept;
  std::vector<Segment> segments_;
  std::size_t next_ = 0;
  bool is_over_ = false;  // the segment before `next_` may still have its reader
  bool cancelled_ = false;
};

}  // namespace freshet
