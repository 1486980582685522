#!/usr/bin/env python3
"""Draws what `cowatch bench relational --epochs --json` wrote: plot_relational.py retained|map OUT.svg REPORT.json…

retained: the share of drawn negatives that mining kept, epoch by epoch, a line for each mined method, mean over seeds and a
panel for each data set. map: MAP of every method, mean and every seed, relative to the raw features, a panel for each data
set.
"""
import collections
import json
import statistics
import sys

PANEL, HEIGHT, LEFT, TOP, BOTTOM, GAP, LEGEND = 230, 300, 60, 40, 45, 28, 150
COLOURS = {"random_mined": "#7f7f7f", "l0_mined": "#d62728", "l1_mined": "#ff7f0e", "l2_mined": "#2ca02c",
           "curriculum": "#1f77b4"}


def rows_by_data(paths):
    found = collections.OrderedDict()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        found.setdefault(report["settings"]["data"], []).extend(report["rows"])
    return found


def text(x, y, words, anchor="middle", colour="#333"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{words}</text>'


def line(x1, y1, x2, y2, style):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {style}/>'


class Panel:
    """Axes of one data set; places points of the plane in the picture."""

    def __init__(self, number, title, x_range, y_range):
        self.left, self.x, self.y = LEFT + number * (PANEL + GAP), x_range, y_range
        self.out = [text(self.left + PANEL / 2, TOP - 14, title)]

    def place(self, x, y):
        return (self.left + (x - self.x[0]) / (self.x[1] - self.x[0]) * PANEL,
                HEIGHT - BOTTOM - (y - self.y[0]) / (self.y[1] - self.y[0]) * (HEIGHT - BOTTOM - TOP))

    def grid(self, values, label):
        for value in values:
            (x1, y1), (x2, _) = self.place(self.x[0], value), self.place(self.x[1], value)
            self.out += [line(x1, y1, x2, y1, 'stroke="#ddd"'), text(x1 - 5, y1 + 4, label(value), "end")]


def retained_panel(number, data, rows):
    curves = collections.defaultdict(lambda: collections.defaultdict(list))
    for row in rows:
        if "epoch" in row and row["method"] in COLOURS:
            curves[row["method"]][row["epoch"]].append(row["retained"])
    most = max(statistics.mean(v) for curve in curves.values() for v in curve.values())
    panel = Panel(number, data, (1, max(max(curve) for curve in curves.values())), (0, most))
    panel.grid([most * k / 4 for k in range(5)], lambda value: f"{100 * value:.1f} %")
    for method, curve in curves.items():
        points = " ".join("{:.1f},{:.1f}".format(*panel.place(e, statistics.mean(v))) for e, v in sorted(curve.items()))
        panel.out.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[method]}" stroke-width="1.8"/>')
    panel.out.append(text(panel.left + PANEL / 2, HEIGHT - 15, f"epochs 1 to {panel.x[1]}"))
    return panel.out


def map_panel(number, data, rows):
    scores = collections.OrderedDict()
    for row in rows:
        if "epoch" not in row:
            scores.setdefault(row["method"], {})[row["seed"]] = row["map"]
    raw = scores["raw"]
    shares = {m: [s[seed] / raw[seed] for seed in s if seed in raw] for m, s in scores.items() if m != "raw"}
    every = [1.0] + [share for values in shares.values() for share in values]
    panel = Panel(number, data, (0, len(shares) + 1), (min(every) - 0.05, max(every) + 0.05))
    low, high = panel.y
    panel.grid([low + (high - low) * k / 4 for k in range(5)], lambda value: f"{value:.2f}")
    panel.out.append(line(*panel.place(0, 1), *panel.place(panel.x[1], 1), 'stroke="#999" stroke-dasharray="4 3"'))
    for place, (method, values) in enumerate(shares.items(), 1):
        colour = "#d62728" if method == "default" else "#1f77b4"
        for value in values:
            x, y = panel.place(place, value)
            panel.out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}" opacity="0.5"/>')
        x, y = panel.place(place, statistics.mean(values))
        panel.out.append(line(x - 5, y, x + 5, y, f'stroke="{colour}" stroke-width="3"'))
        panel.out.append(f'<text transform="translate({x + 4:.1f},{HEIGHT - BOTTOM + 6}) rotate(90)" font-size="10">{method}</text>')
    return panel.out


def draw(kind, data):
    width = LEFT + len(data) * (PANEL + GAP) + (LEGEND if kind == "retained" else 0)
    height = HEIGHT + (50 if kind == "map" else 0)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for number, (name, rows) in enumerate(data.items()):
        out += (retained_panel if kind == "retained" else map_panel)(number, name, rows)
    if kind == "retained":
        for row, (method, colour) in enumerate(COLOURS.items()):
            out.append(text(width - LEGEND, TOP + 20 + 20 * row, method, "start", colour))
    return "\n".join(out + ["</svg>"]) + "\n"


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in ("retained", "map"):
        sys.exit(__doc__)
    with open(sys.argv[2], "w", encoding="utf-8") as svg:
        svg.write(draw(sys.argv[1], rows_by_data(sys.argv[3:])))
