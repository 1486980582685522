#!/usr/bin/python3
"""One training step written plainly in PyTorch, as bench/step.cpp defines it. Prints one JSON object.

Rows are 3 * batch random inputs: anchors, positives, negatives. Each anchor takes the nearest of all negatives that is farther
than its positive; triplet loss with margin 0.5 on squared distances; plain SGD.
"""
import argparse
import json
import resource
import statistics
import time

import torch

parser = argparse.ArgumentParser()
for name, value in (("batch", 9600), ("input", 1024), ("hidden", 4000), ("outputs", 256), ("steps", 3), ("threads", 2)):
    parser.add_argument("--" + name, type=int, default=value)
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)
batch = options.batch

inputs = torch.randn(3 * batch, options.input)
network = torch.nn.Sequential(
    torch.nn.Linear(options.input, options.hidden), torch.nn.ReLU(), torch.nn.Linear(options.hidden, options.outputs))
optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
rows = torch.arange(batch)


def step():
    optimiser.zero_grad()
    z = torch.nn.functional.normalize(network(inputs), dim=1)
    anchor, positive, negative = z[:batch], z[batch:2 * batch], z[2 * batch:]
    near = (anchor * positive).sum(1)
    with torch.no_grad():
        similarity = anchor @ negative.T
        best, chosen = similarity.masked_fill(similarity >= near[:, None], -4).max(1)
        chosen = torch.where(best > -4, chosen, rows)
    far = (anchor * negative[chosen]).sum(1)
    loss = torch.relu(2 * far - 2 * near + 0.5).mean()
    loss.backward()
    optimiser.step()
    return loss.item()


step()
seconds, product = [], 0
for _ in range(options.steps):
    a, b = torch.randn(batch, options.input), torch.randn(options.hidden, options.input)
    start = time.perf_counter()
    a @ b.T
    product = max(product, 2e-9 * batch * options.input * options.hidden / (time.perf_counter() - start))
    del a, b
    start = time.perf_counter()
    loss = step()
    seconds.append(time.perf_counter() - start)
layers = options.input * options.hidden + options.hidden * options.outputs
operations = 2 * 3 * batch * (2 * layers + options.hidden * options.outputs) + 2 * batch * batch * options.outputs
print(json.dumps({
    "engine": "torch", "precision": "float32", "seconds": min(seconds), "seconds_median": statistics.median(seconds),
    "gflops": operations * 1e-9 / min(seconds), "sgemm_gflops": product,
    "loss": loss, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
