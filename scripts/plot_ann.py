#!/usr/bin/env python3
"""Draws queries a second against recall: plot_ann.py OUT.svg [TITLE=]REPORT.json…

Each report is what `cowatch bench ann --json` wrote and gets a panel of its own. Of each engine and index the settings that no
other of its own beats in both are drawn: solid lines for queries asked one at a time by one thread, dashed lines for batches of
all queries by two threads. Both axes are logarithmic, the lower one in the share of the true ten that is missed.
"""
import json
import math
import sys

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT, PANELS = 460, 330, 62, 48, 34, 14, 2
COLOURS = {"cowatch graph scalar4x8": "#1f77b4", "cowatch graph scalar8": "#17becf", "cowatch graph scalar4": "#9467bd",
           "hnswlib hnsw": "#d62728"}
RECALLS, LOWEST, HIGHEST = (0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999), 0.7, 0.9993


def fronts(path):
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    lines = {}
    for row in report["rows"]:
        rate = row["qps_1"] if row["mode"] == "single" else row["qps_2"]
        lines.setdefault((f"{row['engine']} {row['index']}", row["mode"]), []).append((row["recall@10"], rate))
    for name, points in lines.items():
        best, kept = 0, []
        for recall, rate in sorted(points, reverse=True):
            if rate > best and recall >= LOWEST:
                if recall >= HIGHEST:
                    kept.clear()
                kept.append((min(recall, HIGHEST), rate))
            best = max(best, rate)
        lines[name] = kept
    return {name: points for name, points in lines.items() if points}


def colour_of(name):
    return COLOURS.get(name, "#7f7f7f")


def text(x, y, words, anchor="start", colour="#333"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{words}</text>'


def panel(title, lines, left, top):
    rates = [rate for points in lines.values() for _, rate in points]
    low, high = math.floor(2 * math.log10(min(rates))) / 2, math.ceil(2 * math.log10(max(rates))) / 2
    right, bottom = left + WIDTH - RIGHT, top + HEIGHT - BOTTOM

    def x_of(recall):
        whole = math.log10((1 - LOWEST) / (1 - HIGHEST))
        return left + LEFT + math.log10((1 - LOWEST) / (1 - recall)) / whole * (right - left - LEFT)

    def y_of(rate):
        return bottom - (math.log10(rate) - low) / (high - low) * (bottom - top - TOP)

    grid = 'stroke="#ddd"'
    out = [text(left + LEFT, top + 20, title, colour="#000")]
    for recall in RECALLS:
        out.append(f'<line x1="{x_of(recall):.1f}" y1="{top + TOP}" x2="{x_of(recall):.1f}" y2="{bottom}" {grid}/>')
        out.append(text(x_of(recall), bottom + 18, f"{recall:g}".lstrip("0"), "middle"))
    for power in range(math.floor(low), math.ceil(high) + 1):
        for rate in (10**power, 2 * 10**power, 5 * 10**power):
            if not low <= math.log10(rate) <= high:
                continue
            out.append(f'<line x1="{left + LEFT}" y1="{y_of(rate):.1f}" x2="{right}" y2="{y_of(rate):.1f}" {grid}/>')
            out.append(text(left + LEFT - 6, y_of(rate) + 4, f"{rate / 1000:g} k", "end"))
    for (name, mode), points in sorted(lines.items()):
        dashes = "" if mode == "single" else ' stroke-dasharray="5 4"'
        places = " ".join(f"{x_of(recall):.1f},{y_of(rate):.1f}" for recall, rate in points)
        out.append(f'<polyline points="{places}" fill="none" stroke="{colour_of(name)}" stroke-width="2"{dashes}/>')
    out.append(text((left + LEFT + right) / 2, bottom + 38, "recall@10", "middle"))
    return out


def draw(panels):
    names = sorted({name for _, lines in panels for name, _ in lines})
    rows = math.ceil(len(panels) / PANELS)
    width, height = WIDTH * min(PANELS, len(panels)), rows * HEIGHT + 26 * (1 + len(names) // 5)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for i, (title, lines) in enumerate(panels):
        out += panel(title, lines, i % PANELS * WIDTH, i // PANELS * HEIGHT)
    x, y = LEFT, rows * HEIGHT + 16
    for name in names:
        out.append(f'<line x1="{x}" y1="{y - 4}" x2="{x + 22}" y2="{y - 4}" stroke="{colour_of(name)}" stroke-width="2"/>')
        out.append(text(x + 28, y, name))
        x += 44 + 7 * len(name)
    out.append(text(x, y, "queries/s: solid one thread, one at a time; dashed two threads, batches"))
    return "\n".join(out + ["</svg>"]) + "\n"


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    reports = [argument.rpartition("=")[::2] for argument in sys.argv[2:]]
    with open(sys.argv[1], "w", encoding="utf-8") as svg:
        svg.write(draw([(title or path, fronts(path)) for title, path in reports]))
