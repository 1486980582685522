#!/usr/bin/env python3
"""Draws cost against size: plot_tree_cost.py OUT.svg REPORT.json…

Each report is what `cowatch bench tree --json` wrote. Both axes are logarithmic; the best run of each engine, linkage and
size is drawn, and a dashed line of cost linear in edges through the smallest size of each.
"""
import json
import math
import sys

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 460, 80, 60, 30, 190
COLOURS = {"cowatch maximum": "#1f77b4", "cowatch average": "#d62728", "scipy maximum": "#7f7f7f"}


def best_runs(paths):
    runs = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for row in json.load(file)["rows"]:
                sizes = runs.setdefault(f"{row['engine']} {row['linkage']}", {})
                sizes[row["edges"]] = min(row["seconds"], sizes.get(row["edges"], math.inf))
    return {name: sorted(sizes.items()) for name, sizes in runs.items()}


def draw(runs):
    points = [point for sizes in runs.values() for point in sizes]
    edges = [math.floor(math.log10(min(e for e, _ in points))), math.ceil(math.log10(max(e for e, _ in points)))]
    seconds = [math.floor(math.log10(min(s for _, s in points))), math.ceil(math.log10(max(s for _, s in points)))]

    def place(e, s):
        x = LEFT + (math.log10(e) - edges[0]) / (edges[1] - edges[0]) * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - (math.log10(s) - seconds[0]) / (seconds[1] - seconds[0]) * (HEIGHT - BOTTOM - TOP)
        return f"{x:.1f},{y:.1f}"

    def line(a, b, style):
        (x1, y1), (x2, y2) = place(*a).split(","), place(*b).split(",")
        return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {style}/>'

    def text(x, y, words, anchor="start", colour="#333"):
        return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{words}</text>'

    grid = 'stroke="#ddd"'
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>']
    for power in range(edges[0], edges[1] + 1):
        out.append(line((10**power, 10**seconds[0]), (10**power, 10**seconds[1]), grid))
        x = float(place(10**power, 1).split(",")[0])
        out.append(text(x, HEIGHT - BOTTOM + 20, f"{10**power / 1e6:g} M", "middle"))
    for power in range(seconds[0], seconds[1] + 1):
        out.append(line((10**edges[0], 10**power), (10**edges[1], 10**power), grid))
        out.append(text(LEFT - 8, float(place(1, 10**power).split(",")[1]) + 4, f"{10.0**power:g} s", "end"))
    for row, (name, sizes) in enumerate(sorted(runs.items())):
        colour = COLOURS.get(name, "#2ca02c")
        (e0, s0), e1 = sizes[0], sizes[-1][0]
        out.append(line((e0, s0), (e1, s0 * e1 / e0), f'stroke="{colour}" stroke-dasharray="3 4" opacity="0.7"'))
        out.append(f'<polyline points="{" ".join(place(*p) for p in sizes)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for point in sizes:
            x, y = place(*point).split(",")
            out.append(f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>')
        out.append(text(WIDTH - RIGHT + 15, TOP + 20 + 22 * row, name, "start", colour))
    out.append(text(WIDTH - RIGHT + 15, TOP + 20 + 22 * len(runs), "dashed: linear"))
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 15, "edges", "middle"))
    out.append(text(12, 18, "seconds for four rounds, 2 cores"))
    return "\n".join(out + ["</svg>"]) + "\n"


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    with open(sys.argv[1], "w", encoding="utf-8") as svg:
        svg.write(draw(best_runs(sys.argv[2:])))
