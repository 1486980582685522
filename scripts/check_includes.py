#!/usr/bin/env python3
"""Holds the sources to the layers of docs/architecture.md: includes go one way, and each third-party library stays in
its folder. Prints each line that breaks a rule; exits 1 when there is one."""

import pathlib
import re
import sys

# What each folder of src/ may include besides itself.
LAYERS = {
    "base": [],
    "math": ["base"],
    "store": ["base", "math"],
    "media": ["base", "math"],
    "graph": ["base", "math"],
    "learn": ["base", "math", "store", "media", "graph"],
    "search": ["base", "math", "store", "media", "graph"],
    "pipeline": ["base", "math", "store", "media", "graph", "learn", "search"],
    "serve": ["base", "math", "store", "media", "graph", "learn", "search", "pipeline"],
    "bench": ["base", "math", "store", "media", "graph", "learn", "search", "pipeline", "serve"],
}
LAYERS["rpc"] = [*LAYERS["serve"], "serve"]
LAYERS["cli"] = [*LAYERS["rpc"], "rpc", "bench"]

# Third-party headers and the folders that may name them.
LIBRARIES = {
    r"(libav|libsw)": ["media/worker"],
    r"opencv2/": ["media/worker"],
    r"cairo": ["media/worker"],
    r"seccomp\.h": ["media"],
    r"sqlite3\.h": ["store"],
    r"(zlib|zstd)\.h": ["store"],
    r"boost/": ["serve"],
    r"sodium": ["serve"],
    r"(grpcpp|google/protobuf)/": ["rpc"],
    r"hdf5": ["search/io"],
    r"(cblas|dnnl|oneapi|omp)": ["math", "bench/peers"],
    r"(ATen|c10|torch)/": ["learn/torch/module"],
    r"(hnswlib|faiss)/": ["bench/peers"],
    r"hwy/": ["math", "search"],
    r"CLI/": ["base", "cli"],
    r"nlohmann/": ["base"],
    r"simdjson": ["base"],
    r"spdlog/": ["base"],
    r"tbb/": ["base"],
    r"Random123/": ["base"],
    r"toml\+\+/": ["base"],
    r"xxhash\.h": ["base"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')


def check(path: pathlib.Path, inside: str) -> list[str]:
    """Problems of one file; `inside` is its path below src/ (or bench/…)."""
    folder = inside.split("/")[0]
    problems = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        name = found[2]
        top = name.split("/")[0]
        if found[1] == '"' and "/" in name and top in LAYERS:
            if top != folder and top not in LAYERS[folder]:
                problems.append(f"{path}:{number}: {folder}/ may not include {name}")
            continue
        for pattern, homes in LIBRARIES.items():
            if re.match(pattern, name) and not any(inside.startswith(home + "/") for home in homes):
                problems.append(f"{path}:{number}: {name} belongs in {' or '.join(homes)} only")
    return problems


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    problems = []
    for base, prefix in ((root / "src", ""), (root / "bench", "bench/")):
        for path in sorted([*base.rglob("*.h"), *base.rglob("*.cpp")]):
            problems += check(path, prefix + path.relative_to(base).as_posix())
    print("\n".join(problems) if problems else "includes: every layer holds")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
