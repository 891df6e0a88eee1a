"""The tables of the stored results, and their places in a Markdown page."""

import re

from .reference import busy_line
from .targets import targets_tables


def tables_of(stored, parts):
    """The Markdown of each measured part, of the targets, and of what the parts ran on.

    `stored` is what benchmark.json holds, and `parts` gives each part's function for tables.
    """
    measured = {name: stored[name] for name in parts if name in stored}
    results = {name: part["results"] for name, part in measured.items()}
    return {
        "environment": environments(measured),
        **{name: tables_of_part(part, parts[name].tables) for name, part in measured.items()},
        "targets": "\n\n".join([*doubts(measured), targets_tables(results)]),
    }


def doubts(measured):
    """A line on the parts whose figures the targets should not be judged by, if there are any."""
    names = [name for name, part in measured.items() if part["quick"] or part["busy"]]
    if names:
        yield f"**Measured by a quick run or on a busy machine:** {', '.join(names)}."


def tables_of_part(part, tables):
    warnings = []
    if part["quick"]:
        warnings.append("**A quick run on a hundredth of the rows: the figures say nothing.**")
    if part["busy"]:
        warnings.append(busy_line(part["reference"]))
    return "\n\n".join([*warnings, tables(part["results"])])


def environments(measured):
    """What the parts ran on: a line for each set of parts that differs."""
    names_of = {}
    for name, part in measured.items():
        versions = ", ".join(f"{module} {number}" for module, number in part["versions"].items())
        runs = f"{part['runs']} run{'s' * (part['runs'] > 1)}"
        names_of.setdefault(f"{part['machine']}; {versions}; {runs}.", []).append(name)
    if len(names_of) == 1:
        return "".join(names_of)
    return "\n\n".join(f"{', '.join(names)}: {text}" for text, names in names_of.items())


def update(text, tables):
    """A page's text with each table between ``<!-- NAME -->`` and ``<!-- end of NAME -->``."""
    for name, table in tables.items():
        start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        pattern = re.escape(start) + ".*?" + re.escape(end)
        text = re.sub(pattern, lambda _, new=f"{start}\n{table}\n\n{end}": new, text, flags=re.S)
    return text
