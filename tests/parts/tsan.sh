#!/usr/bin/env bash
# tests of what runs on several threads, under the thread sanitizer
# needs: src bench tests cmake CMakeLists.txt CMakePresets.json
# only with --all
set -euo pipefail
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
# Left out: arithmetic on one thread, which takes many minutes here, and the same threads again for other metrics.
export GTEST_FILTER='-*ItsBytesAreForeseen*:*FindsNearlyAll*:RowCodesTest.*:VectorFiles.a_damaged_hdf5*:TrainJoint.LeavesOut*:TrainJoint.TrainsHeavy*:TrainJoint.KeepsToItsBudget:metrics/CollectionGraphTest.*/inner_product:metrics/CollectionGraphTest.*/cosine:*are_built_again_when_damaged*'
# And rpc: gRPC is not compiled with the sanitizer and hands requests from thread to thread by atomics that it does not see. What
# gRPC calls is tried by serve.
bash tests/parts/programs.sh tsan base graph learn serve
# Tests of collections open one after another in the same place of the stack. The sanitizer is not told that a mutex ends, and
# takes another that comes to lie there for the same: cycles that are none. Those of real threads are seen in serve.
TSAN_OPTIONS=$TSAN_OPTIONS:detect_deadlocks=0 bash tests/parts/programs.sh tsan search
