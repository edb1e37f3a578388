// Mutations of the programs that fuzz_connections runs: what a step is, and what heads are made of, is known here.
#pragma once

#include <string>
#include <string_view>

namespace freshet::fuzz {

/// The program with a few steps put in, repeated, moved or taken out, or lines put into a head. The same seed, the same
/// result.
std::string mutate_program(std::string_view program, unsigned seed);

}  // namespace freshet::fuzz
