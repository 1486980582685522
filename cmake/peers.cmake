# Peers of the benchmarks that are libraries of C++: a program beside ours, compiled for this very machine, with those that are
# installed (packages libhnswlib-dev, libfaiss-dev). Nothing of them is linked into cowatch.
find_path(HNSWLIB_INCLUDE hnswlib/hnswlib.h)
find_path(FAISS_INCLUDE faiss/index_factory.h)
find_library(FAISS_LIBRARY faiss)
# Debian's faiss is an archive: it needs BLAS and LAPACK, which OpenBLAS has both.
find_library(FAISS_BLAS NAMES openblas libopenblas.so.0 PATH_SUFFIXES openblas-pthread)
find_package(OpenMP)
if(HNSWLIB_INCLUDE OR (FAISS_INCLUDE AND FAISS_LIBRARY AND FAISS_BLAS AND OpenMP_CXX_FOUND))
  add_executable(cowatch-ann-peer bench/peers/ann_peer.cpp)
  # The libraries' own headers do not compile without warnings.
  target_compile_options(cowatch-ann-peer PRIVATE -w -O3 -march=native)
  target_link_libraries(cowatch-ann-peer PRIVATE Threads::Threads)
  if(HNSWLIB_INCLUDE)
    target_compile_definitions(cowatch-ann-peer PRIVATE COWATCH_HNSWLIB)
  endif()
  if(FAISS_INCLUDE AND FAISS_LIBRARY AND FAISS_BLAS AND OpenMP_CXX_FOUND)
    target_compile_definitions(cowatch-ann-peer PRIVATE COWATCH_FAISS)
    target_link_libraries(cowatch-ann-peer PRIVATE ${FAISS_LIBRARY} ${FAISS_BLAS} OpenMP::OpenMP_CXX)
  endif()
endif()
