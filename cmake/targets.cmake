# How each library and program of the project is made.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
add_compile_options(-Wall -Wextra -Werror)
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

# cowatch_library(NAME [ROOT dir] PUBLIC … PRIVATE …): all .cpp under src/NAME (programs' folders left out).
function(cowatch_library name)
  cmake_parse_arguments(LIB "" "ROOT" "PUBLIC;PRIVATE" ${ARGN})
  if(NOT LIB_ROOT)
    set(LIB_ROOT src/${name})
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${LIB_ROOT}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/media/worker/|/bench/peers/")
  if(NOT sources)
    add_library(cowatch_${name} INTERFACE)
    target_link_libraries(cowatch_${name} INTERFACE ${LIB_PUBLIC})
    return()
  endif()
  add_library(cowatch_${name} STATIC ${sources})
  target_include_directories(cowatch_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}
                             PRIVATE ${CMAKE_BINARY_DIR}/generated)
  target_link_libraries(cowatch_${name} PUBLIC ${LIB_PUBLIC} PRIVATE ${LIB_PRIVATE})
endfunction()

# cowatch_executable(NAME FOLDER LIBRARIES…)
function(cowatch_executable name folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cpp)
  add_executable(${name} ${sources})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARGN})
endfunction()

# Python peers of the benchmarks stand beside the program: share/peers.
file(GLOB peers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/peers/*.py)
foreach(peer ${peers})
  get_filename_component(name ${peer} NAME)
  configure_file(${peer} ${CMAKE_BINARY_DIR}/share/peers/${name} COPYONLY)
endforeach()
