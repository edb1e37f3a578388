// A body put together from stored bytes and text of our own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "freshet/cache/parts.hpp"
#include "freshet/exchange/body.hpp"

namespace freshet {

/// What it is given, one after the other. Stored bodies are read from the moment on when they are added, also while they fill.
class SequenceSource final : public BodySource {
 public:
  void add(std::string text);
  void add(const PartSlice& slice);

  Task<Result<Piece>> read() override;
  void cancel() noexcept override;

 private:
  struct Segment {
    std::string text;
    std::unique_ptr<BodySource> source;  ///< null: the text
  };
  std::vector<Segment> segments_;
  std::size_t next_ = 0;
  bool cancelled_ = false;
};

}  // namespace freshet
