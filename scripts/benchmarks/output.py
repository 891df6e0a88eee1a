"""How results become text: numbers with their spread, Markdown tables, and JSON."""

import json
import os
import platform
from pathlib import Path


def digits(value):
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def quartiles(values):
    """The first quartile, the median and the third quartile."""
    import numpy as np

    return np.percentile(values, [25, 50, 75]).tolist()


def spread(values, factor=1.0):
    """Two cells of a table: the median, and the first and third quartile."""
    low, middle, high = (digits(factor * value) for value in quartiles(values))
    return [middle, f"{low} – {high}"]


def ratios(numerators, denominators):
    """The ratio in each turn."""
    return [a / b for a, b in zip(numerators, denominators)]


def verdict(is_met):
    return "met" if is_met else "**missed**"


def machine():
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def table(head, rows):
    """A Markdown table of texts and numbers. Columns after the first are right-aligned."""
    lines = [f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(head) - 1)]
    for row in rows:
        cells = (cell if isinstance(cell, str) else digits(cell) for cell in row)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def print_table(head, rows):
    print(table(head, rows), flush=True)


def write_json(results, path):
    from mxlinreg._files import replacing

    with replacing(path) as temporary:
        Path(temporary).write_text(json.dumps(results, indent=1) + "\n")
