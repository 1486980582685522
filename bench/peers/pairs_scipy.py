#!/usr/bin/python3
"""Co-watch pairs by scipy's sparse product: pairs_scipy.py FOLDER VIDEOS MIN_PEOPLE.

FOLDER holds `begins` (uint64) and `items` (uint32), rows of a people x videos matrix of ones.
Only the product is timed. Prints one JSON object.
"""
import json
import resource
import sys
import time

import numpy
import scipy.sparse

folder, videos, min_people = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
begins = numpy.fromfile(folder + "/begins", dtype=numpy.uint64).astype(numpy.int64)
items = numpy.fromfile(folder + "/items", dtype=numpy.uint32).astype(numpy.int32)
watched = scipy.sparse.csr_matrix(
    (numpy.ones(len(items), dtype=numpy.int32), items, begins), shape=(len(begins) - 1, videos))
transposed = watched.T.tocsr()

start = time.perf_counter()
product = transposed @ watched
seconds = time.perf_counter() - start

# The upper triangle, row by row: a whole copy would double the memory.
pairs = weight_sum = 0
for row in range(videos):
    begin, end = product.indptr[row], product.indptr[row + 1]
    counts = product.data[begin:end]
    kept = counts[(product.indices[begin:end] > row) & (counts >= min_people)]
    pairs += len(kept)
    weight_sum += int(kept.sum())
print(json.dumps({
    "engine": "scipy", "watches": len(items), "seconds": seconds, "pairs": pairs, "weight_sum": weight_sum,
    "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
