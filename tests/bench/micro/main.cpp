// bench_micro: how long the parts of a request take, without network. Options: those of the benchmark library, such as
// --benchmark_filter=parse; and --with-an-error, which adds a benchmark that fails.
//
// Ends with 1 when a benchmark failed, or none was run: the library alone would say so and end well.
#include <benchmark/benchmark.h>

#include <string_view>
#include <vector>

namespace {

class StrictReporter final : public benchmark::ConsoleReporter {
 public:
  StrictReporter() : ConsoleReporter(OO_Tabular) {}
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) failed_ = failed_ || run.error_occurred;
    ConsoleReporter::ReportRuns(runs);
  }
  bool failed() const noexcept { return failed_; }

 private:
  bool failed_ = false;
};

void fail(benchmark::State& state) {
  state.SkipWithError("as asked for");
  for (auto _ : state) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) != "--with-an-error") {
      benchmark::ReportUnrecognizedArguments(argc, argv);
      return 2;
    }
    benchmark::RegisterBenchmark("fail", fail);
  }
  StrictReporter reporter;
  const std::size_t count = benchmark::RunSpecifiedBenchmarks(&reporter);
  return count == 0 || reporter.failed() ? 1 : 0;
}
