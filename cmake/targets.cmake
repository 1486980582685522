# How each library and program of the project is made.
find_program(CCACHE ccache)
if(CCACHE)
  # What it asks of those who compile with precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
add_compile_options(-Wall -Wextra -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 says these, falsely, of strings when headers are precompiled. The address sanitizer and clang look for the same.
  add_compile_options(-Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict)
endif()
if(COWATCH_SANITIZER)
  # GCC's warning is wrong where a sanitizer's checks stand between a value and its use; -Wno-tsan: fences of Boost.
  add_compile_options(-fsanitize=${COWATCH_SANITIZER} -fno-omit-frame-pointer -Wno-maybe-uninitialized -Wno-tsan)
  # What is checked at every access doubles the time of compiling. The address sanitizer stops at null and beyond an
  # object, and the fuzz targets, which read what comes from outside, keep all checks.
  add_compile_options(-fno-sanitize=null,alignment,object-size,pointer-overflow,vptr,nonnull-attribute,returns-nonnull-attribute)
  add_link_options(-fsanitize=${COWATCH_SANITIZER})
endif()

# The commit goes into benchmark reports and artifacts; a header that changes only when the commit does.
find_package(Git)
execute_process(COMMAND ${GIT_EXECUTABLE} -C ${CMAKE_SOURCE_DIR} rev-parse --short=12 HEAD
                OUTPUT_VARIABLE COWATCH_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT COWATCH_COMMIT)
  set(COWATCH_COMMIT "unknown")
endif()
configure_file(cmake/version.h.in ${CMAKE_BINARY_DIR}/generated/generated_version.h)

# Headers of others that most sources take are read once and not for each, which saves a fifth to a third of the time of
# compiling. Clang's fuzz targets do without, so that those of their sources that do not name what they need are found.
# cowatch_headers(NAME HEADERS…) makes such a set, precompile(TARGET NAME) lets a target begin with it.
function(cowatch_headers name)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/${name}.cpp CONTENT "")
  add_library(${name} OBJECT EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/generated/${name}.cpp)
  target_precompile_headers(${name} PRIVATE ${ARGN})
endfunction()
function(precompile target name)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_precompile_headers(${target} REUSE_FROM ${name})
  endif()
endfunction()
set(usual_headers
    <algorithm> <array> <atomic> <chrono> <cmath> <condition_variable> <cstdint> <cstring> <filesystem> <fstream> <functional>
    <iostream> <map> <memory> <mutex> <numeric> <optional> <set> <span> <sstream> <string> <string_view> <thread> <unordered_map>
    <vector> <nlohmann/json.hpp>)
cowatch_headers(headers ${usual_headers})

# Sources of a folder are compiled a few together, which halves the time of compiling all and makes a change of one dearer: for
# builds that are made once. Names in anonymous namespaces of a folder differ for that. Not for sources that Highway includes
# once for each instruction set, nor for those with options of their own.
option(COWATCH_TOGETHER "Compile sources of a folder together" OFF)
set(together 8)  # more need more memory, and leave a processor alone at the end
function(compile_together target)
  if(NOT COWATCH_TOGETHER)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  get_target_property(sources ${target} SOURCES)
  foreach(source ${sources})
    file(STRINGS ${source} per_instruction_set REGEX "HWY_TARGET_INCLUDE" LIMIT_COUNT 1)
    get_source_file_property(options ${source} COMPILE_OPTIONS)
    if(NOT per_instruction_set AND NOT options)
      file(RELATIVE_PATH folder ${CMAKE_SOURCE_DIR} ${source})
      get_filename_component(folder ${folder} DIRECTORY)
      string(MAKE_C_IDENTIFIER ${folder} folder)
      math(EXPR count_${folder} "${count_${folder}} + 1")
      math(EXPR group "${count_${folder}} / ${together}")
      set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${folder}_${group})
    endif()
  endforeach()
endfunction()

if(COWATCH_TOGETHER AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wno-subobject-linkage)  # said of types of the anonymous namespace where a source is included by another
endif()

# cowatch_library(NAME [ROOT dir] PUBLIC … PRIVATE …): all .cpp under src/NAME (programs' folders left out).
function(cowatch_library name)
  cmake_parse_arguments(LIB "" "ROOT" "PUBLIC;PRIVATE" ${ARGN})
  if(NOT LIB_ROOT)
    set(LIB_ROOT src/${name})
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${LIB_ROOT}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/media/worker/|/bench/peers/|/torch/module/")
  if(NOT sources)
    add_library(cowatch_${name} INTERFACE)
    target_link_libraries(cowatch_${name} INTERFACE ${LIB_PUBLIC})
    return()
  endif()
  add_library(cowatch_${name} STATIC ${sources})
  target_include_directories(cowatch_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}
                             PRIVATE ${CMAKE_BINARY_DIR}/generated)
  target_link_libraries(cowatch_${name} PUBLIC ${LIB_PUBLIC} PRIVATE ${LIB_PRIVATE})
  if(NOT name STREQUAL "learn")  # it has options of its own
    precompile(cowatch_${name} headers)
  endif()
  compile_together(cowatch_${name})
endfunction()

# cowatch_executable(NAME FOLDER LIBRARIES…)
function(cowatch_executable name folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cpp)
  add_executable(${name} ${sources})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARGN})
  precompile(${name} headers)
  compile_together(${name})
endfunction()

# Python peers of the benchmarks stand beside the program: share/peers.
file(GLOB peers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/peers/*.py)
foreach(peer ${peers})
  get_filename_component(name ${peer} NAME)
  configure_file(${peer} ${CMAKE_BINARY_DIR}/share/peers/${name} COPYONLY)
endforeach()
