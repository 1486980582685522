# One test program for each folder under tests/ that holds *_test.cpp, named test_FOLDER.
enable_testing()
find_package(GTest REQUIRED)
include(GoogleTest)
# Folders whose tests start neither cowatch nor cowatch-media: these need not be built for them.
set(tests_without_programs base math store graph learn search serve rpc)
file(GLOB test_folders LIST_DIRECTORIES true CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/*)
foreach(folder ${test_folders})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*_test.cpp)
  if(NOT sources)
    continue()
  endif()
  get_filename_component(name ${folder} NAME)
  file(GLOB helpers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/support/*.cpp)
  add_executable(test_${name} ${sources} ${helpers})
  target_include_directories(test_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  # A layer's tests need that layer and those below it; other folders, such as e2e, may use everything.
  set(layers cowatch_serve cowatch_bench)
  if(TARGET cowatch_${name})
    set(layers cowatch_${name})
  endif()
  target_link_libraries(test_${name} PRIVATE ${layers} SQLite::SQLite3 ZLIB::ZLIB PkgConfig::HDF5 GTest::gmock GTest::gtest_main)
  # What a result depends on, for tests/parts/programs.sh: the program and those it starts.
  set(inputs ${CMAKE_BINARY_DIR}/bin/test_${name})
  if(NOT name IN_LIST tests_without_programs)
    add_dependencies(test_${name} cowatch cowatch-media)
    list(APPEND inputs ${CMAKE_BINARY_DIR}/bin/cowatch ${CMAKE_BINARY_DIR}/bin/cowatch-media)
  endif()
  list(JOIN inputs "\n" inputs)
  file(WRITE ${CMAKE_BINARY_DIR}/${name}.inputs "${inputs}\n")
  gtest_discover_tests(test_${name} TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 300)
endforeach()
# Only here: paths in the command lines of all would keep build trees from sharing compiled files.
set_source_files_properties(${CMAKE_SOURCE_DIR}/tests/search/golden_test.cpp
                            ${CMAKE_SOURCE_DIR}/tests/search/compute/index_golden_test.cpp PROPERTIES COMPILE_DEFINITIONS
                            COWATCH_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data")
