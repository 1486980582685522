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
# What reads the bodies and files of collections.
file(GLOB fuzzed_vectors CONFIGURE_DEPENDS src/search/access/*.cpp)
add_library(fuzzed_vectors STATIC EXCLUDE_FROM_ALL ${fuzzed_vectors} src/search/io/block_checks.cpp src/search/io/manifest.cpp
            src/search/io/record_store.cpp src/search/io/segment.cpp src/serve/vectors/fields.cpp
            src/search/point_line.cpp src/search/io/vector_files.cpp src/search/io/hdf5.cpp)
target_link_libraries(fuzzed_vectors PUBLIC fuzzed)
add_custom_target(fuzzers)
file(GLOB targets CONFIGURE_DEPENDS tests/fuzz/fuzz_*.cpp)
foreach(source ${targets})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} EXCLUDE_FROM_ALL ${source})
  set(library fuzzed)
  if(name MATCHES "vector|collection|points")
    set(library fuzzed_vectors)
  endif()
  target_link_libraries(${name} PRIVATE ${library})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer,address,undefined)
  add_dependencies(fuzzers ${name})
endforeach()
