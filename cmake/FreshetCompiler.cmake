# Compiler, warnings, sanitizers and the definitions that hold for the whole program.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(FRESHET_CCACHE ccache)
if(FRESHET_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${FRESHET_CCACHE})
endif()
find_program(FRESHET_MOLD mold)
if(FRESHET_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(freshet_options INTERFACE)
target_compile_options(freshet_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 takes the coroutine frame's allocation, once inlined, for one that does not match its operator delete.
  target_compile_options(freshet_options INTERFACE -Wno-mismatched-new-delete)
endif()
target_include_directories(freshet_options INTERFACE ${CMAKE_CURRENT_SOURCE_DIR}/include)
target_compile_definitions(freshet_options INTERFACE FRESHET_VERSION="${PROJECT_VERSION}")
if(FRESHET_SANITIZE)
  target_compile_options(freshet_options INTERFACE -fsanitize=${FRESHET_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(freshet_options INTERFACE -fsanitize=${FRESHET_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND FRESHET_SANITIZE MATCHES "undefined")
    # clang 14 fails on coroutines otherwise: "Cannot represent a difference across sections".
    target_compile_options(freshet_options INTERFACE -fno-sanitize=function)
  endif()
  if(FRESHET_FUZZ)
    target_compile_options(freshet_options INTERFACE -fsanitize=fuzzer-no-link)
  endif()
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  # Hardening that costs nothing measurable on the hit path. Frame pointers do: some instructions for every function.
  target_compile_options(freshet_options INTERFACE -O2 -fomit-frame-pointer -fstack-protector-strong -D_FORTIFY_SOURCE=2)
  target_link_options(freshet_options INTERFACE -Wl,-z,relro,-z,now)
endif()

# Asio compiled once, without strands or operator new on repeated awaits (docs/why/coroutines.md).
add_library(freshet_asio_definitions INTERFACE)
target_compile_definitions(freshet_asio_definitions INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=8)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # clang 14 with libstdc++ 12: coroutines are complete, but Asio asks for the final feature macro.
  target_compile_definitions(freshet_asio_definitions INTERFACE BOOST_ASIO_HAS_CO_AWAIT BOOST_ASIO_HAS_STD_COROUTINE)
endif()
