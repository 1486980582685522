# The libFuzzer targets of tests/fuzz, one program each, with only the sources that they need: clang, sanitizers.
set(fuzz_flags -g1 -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
file(GLOB fuzzed CONFIGURE_DEPENDS src/base/*.cpp src/store/*.cpp src/store/import/*.cpp)
list(APPEND fuzzed src/math/float16.cpp src/media/worker_protocol.cpp src/media/feature_layout.cpp
     src/serve/message.cpp src/serve/schemas.cpp)
add_library(fuzzed STATIC EXCLUDE_FROM_ALL ${fuzzed})
target_compile_options(fuzzed PUBLIC ${fuzz_flags})
target_include_directories(fuzzed PUBLIC src tests ${CMAKE_BINARY_DIR}/generated)
target_link_libraries(fuzzed PUBLIC nlohmann_json::nlohmann_json simdjson::simdjson TBB::tbb spdlog::spdlog PkgConfig::XXHASH SQLite::SQLite3
                      ZLIB::ZLIB PkgConfig::ZSTD PkgConfig::HWY PkgConfig::HDF5)
# Codes of vectors, which tables of collections have and indexes. Kernels for two instruction sets: for all they would take most of
# the time.
set(fuzzed_targets "HWY_DISABLED_TARGETS=(HWY_SSSE3|HWY_SSE4|HWY_AVX3|HWY_AVX3_DL)")
add_library(fuzzed_codes STATIC EXCLUDE_FROM_ALL src/search/compute/codes/row_codes.cpp src/search/compute/codes/scalar_codes.cpp
            src/search/compute/codes/scalar_kernels.cpp)
target_compile_definitions(fuzzed_codes PRIVATE ${fuzzed_targets})
target_link_libraries(fuzzed_codes PUBLIC fuzzed)
# What reads the bodies and files of collections.
file(GLOB fuzzed_vectors CONFIGURE_DEPENDS src/search/access/*.cpp)
add_library(fuzzed_vectors STATIC EXCLUDE_FROM_ALL ${fuzzed_vectors} src/search/io/block_checks.cpp src/search/io/manifest.cpp
            src/search/io/record_store.cpp src/search/io/segment.cpp src/serve/vectors/fields.cpp
            src/search/point_line.cpp src/search/io/vector_files.cpp src/search/io/hdf5.cpp)
target_link_libraries(fuzzed_vectors PUBLIC fuzzed_codes)
# What opens and searches indexes, and answers requests to collections, for the targets of tests/fuzz/long. Compiled a few
# together: each for itself they would take minutes more.
file(GLOB_RECURSE fuzzed_index CONFIGURE_DEPENDS src/search/compute/*.cpp)
list(FILTER fuzzed_index EXCLUDE REGEX "/(row_codes|scalar_codes|scalar_kernels)[.]cpp$")
file(GLOB fuzzed_math CONFIGURE_DEPENDS src/math/*.cpp)
list(FILTER fuzzed_math EXCLUDE REGEX "/(cholesky|float16|read_rate|targets)[.]cpp$")
list(APPEND fuzzed_index ${fuzzed_math})
add_library(fuzzed_index STATIC EXCLUDE_FROM_ALL ${fuzzed_index})
target_compile_definitions(fuzzed_index PRIVATE ${fuzzed_targets})
target_link_libraries(fuzzed_index PUBLIC fuzzed_codes PkgConfig::DNNL ${CMAKE_DL_LIBS})
file(GLOB fuzzed_service CONFIGURE_DEPENDS src/search/*.cpp src/search/schedule/*.cpp src/serve/vectors/*.cpp)
list(FILTER fuzzed_service EXCLUDE REGEX "/(embedding_index|point_line|point_files|fields)[.]cpp$")
add_library(fuzzed_service STATIC EXCLUDE_FROM_ALL ${fuzzed_service} ${CMAKE_SOURCE_DIR}/src/search/io/memory_table.cpp)
target_link_libraries(fuzzed_service PUBLIC fuzzed_vectors fuzzed_index PkgConfig::SODIUM)
set(COWATCH_TOGETHER ON)
compile_together(fuzzed_index)
compile_together(fuzzed_service)

# fuzz_targets(ALL FOLDER): one program of each source of a folder, made together as target ALL.
function(fuzz_targets all folder)
  add_custom_target(${all})
  file(GLOB targets CONFIGURE_DEPENDS ${folder}/fuzz_*.cpp)
  foreach(source ${targets})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} EXCLUDE_FROM_ALL ${source})
    set(library fuzzed)
    if(name STREQUAL "fuzz_vector_index")
      set(library fuzzed_index)
    elseif(name STREQUAL "fuzz_vector_service")
      set(library fuzzed_service)
    elseif(name MATCHES "vector|collection|points")
      set(library fuzzed_vectors)
    endif()
    target_link_libraries(${name} PRIVATE ${library})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer,address,undefined)
    add_dependencies(${all} ${name})
  endforeach()
endfunction()
fuzz_targets(fuzzers tests/fuzz)
fuzz_targets(long_fuzzers tests/fuzz/long)
