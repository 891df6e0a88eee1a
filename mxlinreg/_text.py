"""Numbers and tables as text: as many digits as a reader can use, in lines of 80 characters."""

import math
from typing import Any, List, Mapping, Sequence

import numpy as np

# With so many significant digits, a text determines a float64.
ALL_DIGITS = 17
# Coefficients are rounded to this share of the residual standard deviation.
SHARE = 1 / 1000
ABSENT = "–"
WIDTH = 80
# p values below this may be 0 because float64 has no smaller numbers.
LEAST_P_VALUE = 1e-300


def coefficient_texts(values: Any, largest: Any, precision: float) -> List[str]:
    """Coefficients as text, with the digits that are needed to predict from them.

    The rounding of each coefficient changes a prediction by less than a thousandth of the
    precision. The texts have 6 to 17 significant digits.

    Parameters
    ----------
    values : array of shape (m,)
        The coefficients. NaN marks a column that has no coefficient, and is written as a dash.
    largest : array of shape (m,)
        The largest absolute value of each coefficient's column; 1 for an intercept.
    precision : float
        The residual standard deviation. If it is 0 or NaN, the texts have all digits.
    """
    with np.errstate(divide="ignore", over="ignore"):
        units = np.float64(precision) * SHARE / np.asarray(largest, dtype=np.float64)
    return [
        ABSENT if math.isnan(value) else rounded(value, unit, least=6)
        for value, unit in zip(np.asarray(values).tolist(), units.tolist())
    ]


def rounded(value: float, unit: float, least: int) -> str:
    """`value` down to the digit of `unit`, but with at least so many significant digits.

    If the unit is 0 or NaN, the text has all digits.
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = ALL_DIGITS
    if unit > 0:
        places = math.floor(math.log10(abs(value))) - math.log10(unit)
        digits = math.ceil(min(max(places + 1, least), ALL_DIGITS))
    if digits < ALL_DIGITS:
        return f"{value:.{digits}g}"
    text = repr(float(value))  # the shortest text that determines the number
    return text[:-2] if text.endswith(".0") else text


def counted(number: int, noun: str) -> str:
    """A number of things: "1 row", "2 rows"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(texts: Sequence[str], noun: str = "") -> str:
    """The first ten texts, and how many more there are of `noun`, a plural."""
    shown = ", ".join(texts[:10])
    more = f" and {len(texts) - 10} more {noun}".rstrip()
    return shown if len(texts) <= 10 else shown + more


def with_counts(counts: Mapping[str, int]) -> str:
    """The first ten columns, each with its number: "'a' 3, 'b' 1"."""
    return listed([f"{name!r} {count}" for name, count in counts.items()], "columns")


def p_value_text(p_value: float, digits: int) -> str:
    return "<1e-300" if p_value < LEAST_P_VALUE else f"{p_value:.{digits}g}"


def widths_of(heads, columns):
    return [max(map(len, [head, *texts])) for head, texts in zip(heads, columns)]


def table_lines(
    names: List[str], heads: List[str], columns: List[List[str]], gap: int
) -> List[str]:
    """The lines of a table of names and right-aligned texts.

    Names for which there is no room beside their numbers have lines of their own above them.
    """
    widths = widths_of(heads, columns)
    room = max(0, WIDTH - sum(widths) - gap * len(widths))
    names = ["column", *names]
    width = max([len(name) for name in names if len(name) <= room], default=0)
    lines = []
    for name, *texts in zip(names, *([head, *column] for head, column in zip(heads, columns))):
        if len(name) > width:
            lines += [name[start : start + WIDTH] for start in range(0, len(name), WIDTH)]
            name = ""
        numbers = (" " * gap).join(f"{text:>{own}}" for text, own in zip(texts, widths))
        lines.append(f"{name:{width}}{' ' * gap if width else ''}{numbers}")
    return lines
