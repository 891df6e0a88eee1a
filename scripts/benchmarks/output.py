"""How results are printed and written."""

import json
import os
import platform
from pathlib import Path


def digits(value):
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def verdict(is_met):
    return "met" if is_met else "**missed**"


def machine():
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def print_table(head, rows):
    """Print a Markdown table of texts and numbers. Columns after the first are right-aligned."""
    print(f"| {' | '.join(head)} |")
    print("|---|" + "---:|" * (len(head) - 1))
    for row in rows:
        cells = (cell if isinstance(cell, str) else digits(cell) for cell in row)
        print(f"| {' | '.join(cells)} |", flush=True)


def write_json(results, path):
    from mxlinreg._files import replacing

    with replacing(path) as temporary:
        Path(temporary).write_text(json.dumps(results, indent=1) + "\n")
