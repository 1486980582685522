# The module that trains on libtorch, where libtorch is found: a shared library beside the program that is loaded when
# train.device asks for it (src/learn/torch). Found by its files and not by its CMake package, which stops where the toolkit
# of CUDA is not installed; nothing here needs that. Another libtorch than the system's: -DCMAKE_PREFIX_PATH=LIBTORCH.
# None in instrumented builds, of which libtorch is no part.
set(COWATCH_TORCH_MODULE ${CMAKE_BINARY_DIR}/lib/cowatch-torch.so)
if(COWATCH_SANITIZER OR COWATCH_FUZZ)
  return()
endif()
find_path(TORCH_INCLUDE ATen/ATen.h)
find_path(TORCH_API_INCLUDE torch/cuda.h PATH_SUFFIXES torch/csrc/api/include)
find_library(TORCH_CPU_LIBRARY torch_cpu)
find_library(TORCH_C10_LIBRARY c10)
find_library(TORCH_CUDA_LIBRARY torch_cuda)
find_library(TORCH_C10_CUDA_LIBRARY c10_cuda)
if(NOT (TORCH_INCLUDE AND TORCH_API_INCLUDE AND TORCH_CPU_LIBRARY AND TORCH_C10_LIBRARY))
  message(STATUS "libtorch: not found, no module to train on a card (Debian, without CUDA: libtorch-dev)")
  return()
endif()
set(torch_libraries ${TORCH_CPU_LIBRARY} ${TORCH_C10_LIBRARY})
if(TORCH_CUDA_LIBRARY AND TORCH_C10_CUDA_LIBRARY)
  # They enter themselves in libtorch when they are loaded; no symbol of theirs is named.
  list(APPEND torch_libraries ${TORCH_CUDA_LIBRARY} ${TORCH_C10_CUDA_LIBRARY})
  message(STATUS "libtorch: ${TORCH_CPU_LIBRARY}, with CUDA")
else()
  message(STATUS "libtorch: ${TORCH_CPU_LIBRARY}, without CUDA")
endif()
add_library(cowatch-torch MODULE src/learn/torch/module/network.cpp)
target_include_directories(cowatch-torch PRIVATE src)
target_include_directories(cowatch-torch SYSTEM PRIVATE ${TORCH_INCLUDE} ${TORCH_API_INCLUDE})
target_link_libraries(cowatch-torch PRIVATE -Wl,--no-as-needed ${torch_libraries})
set_target_properties(cowatch-torch PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib
                      CXX_VISIBILITY_PRESET hidden INSTALL_RPATH_USE_LINK_PATH ON)
add_dependencies(cowatch cowatch-torch)
install(TARGETS cowatch-torch LIBRARY DESTINATION lib)
