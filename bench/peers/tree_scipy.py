#!/usr/bin/python3
"""Clusters by scipy's minimum spanning tree and cuts into components: tree_scipy.py FOLDER ROUNDS.

FOLDER holds `edges`: records of two uint32 and a float32 weight. The matrix of lengths 1 / weight is ready before the clock
starts; then one spanning tree and, for each round, the components of a cut of it. Prints one JSON object.
"""
import json
import resource
import sys
import time

import numpy
import scipy.sparse
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

folder, rounds = sys.argv[1], int(sys.argv[2])
edges = numpy.fromfile(folder + "/edges", dtype=[("u", "<u4"), ("v", "<u4"), ("weight", "<f4")])
videos = int(max(edges["u"].max(), edges["v"].max())) + 1
matrix = scipy.sparse.coo_matrix(
    (1 / edges["weight"].astype(numpy.float64), (edges["u"].astype(numpy.int32), edges["v"].astype(numpy.int32))),
    shape=(videos, videos)).tocsr()
count = len(edges)
del edges

start = time.perf_counter()
tree = minimum_spanning_tree(matrix)
lengths = numpy.quantile(tree.data, numpy.arange(1, rounds + 1) / rounds)
clusters = []
for length in lengths:
    cut = tree.copy()
    cut.data[cut.data > length] = 0
    cut.eliminate_zeros()
    clusters.append(connected_components(cut, directed=False)[0])
seconds = time.perf_counter() - start
print(json.dumps({
    "engine": "scipy", "linkage": "maximum", "edges": count, "seconds": seconds, "videos": videos,
    "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
