"""Terms added to a linear model: products, logarithms and powers of a table's columns."""

import re
from collections import Counter
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from .columns import check_names

_NAME = re.compile(r"[\w.]+")
# A name within backticks, a bare word or number, a number with a sign, or any other character.
_TOKEN = re.compile(r"`(?:[^`]|``)*`(?!`)|[\w.]+|[-+][\w.]*|\S")
_NUMBER = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)")


class Term(NamedTuple):
    text: str
    """The term without spaces, and with backticks only around names that need them."""
    factors: Tuple[Tuple[str, str, float], ...]
    """For each factor: the name of its column, the function ("" or "log") and the power."""


def parse_terms(text: str, names: Sequence[str]) -> List[Term]:
    """Parse a list of terms, such as ``bmi*sex, log(age), age^2, `odd name`^2``.

    Parameters
    ----------
    text : str
        Terms separated by commas. A term is a product of factors. A factor is a column or its
        natural logarithm, possibly with a power: an integer from 2 to 9, a negative number or a
        decimal number. A name that holds more than letters, digits, "_" and "." stands within
        backticks, in which a doubled backtick is one of the name's own.
    names : sequence of str
        The columns that exist.

    Returns
    -------
    list of Term
        At least one. Parsing a term's own text gives the same term.

    Raises
    ------
    ValueError
        If `text` is not such a list, names a column that does not exist, or gives a term twice.
        The error names the bad part and its position.
    TypeError
        If `text` is not a str.
    """
    if not isinstance(text, str):
        raise TypeError(f'add: must be text such as "a*b, log(a), a^2", not {text!r}')
    if not names:
        raise ValueError("add: there is no column that a term could use")
    tokens = _tokens(text)
    terms: Dict[frozenset, Term] = {}
    while True:
        start = tokens[-1][0]
        factors = [_factor(tokens, names)]
        while _take(tokens, "*"):
            factors.append(_factor(tokens, names))
        end, token = tokens[-1]
        if token not in (",", ""):
            raise _error(
                f'"*" or "," is needed, not {token!r}; within backticks, a name may hold any '
                "character",
                end,
            )
        term = Term("*".join(_text(*factor) for factor in factors), tuple(factors))
        same = terms.setdefault(_total_powers(factors), term)
        if same is not term:
            raise _error(f"{term.text} is the same term as {same.text}; leave one out", start)
        if not _take(tokens, ","):
            return list(terms.values())


def names_in(terms: Sequence[Term]) -> List[str]:
    """The columns that the terms use, in the order of their first use."""
    return list(dict.fromkeys(name for term in terms for name, _, _ in term.factors))


def term_columns(
    term: Term, columns_of: Dict[str, List[str]], numbers: Callable[[str], np.ndarray]
) -> Tuple[List[str], List[np.ndarray]]:
    """Compute the columns of X that a term gives.

    A product with categories gives a column for each combination of their columns, in which the
    first factor's column changes last.

    Parameters
    ----------
    term : Term
    columns_of : dict of str to list of str
        The base columns of each column of the table. A column of numbers has one, with its own
        name. A category has one of 0 and 1 for each level but the first, such as "sex=b".
    numbers : callable
        Takes the name of a base column and returns its values, an array of shape (n,).

    Returns
    -------
    names : list of str
        The term's text, with the base columns' names in place of the categories' names.
    arrays : list of arrays of shape (n,), float64
        A value that does not exist or overflows is NaN or infinite, as is one computed from NaN.

    Raises
    ------
    ValueError
        If the term takes the logarithm or a power of a category, or multiplies it by itself.
    """
    columns = [("", np.array(1.0))]
    categories = set()
    for name, function, power in term.factors:
        bases = columns_of[name]
        if bases == [name]:
            texts = [_text(name, function, power)]
        else:
            if function or power != 1 or name in categories:
                raise ValueError(
                    f"add: {name!r} in {term.text} is a category; it can only be multiplied by "
                    "other columns"
                )
            categories.add(name)
            texts = bases
        arrays = [_values(numbers(base), function, power) for base in bases]
        with np.errstate(all="ignore"):
            columns = [
                (f"{before}*{text}" if before else text, product * array)
                for before, product in columns
                for text, array in zip(texts, arrays)
            ]
    return [text for text, _ in columns], [array for _, array in columns]


def _tokens(text):
    """The tokens as (position, token), the first one last. The token of the end is empty."""
    tokens = [(match.start(), match[0]) for match in _TOKEN.finditer(text)]
    for start, token in tokens:
        if token == "`":
            raise _error("this backtick has no closing one", start)
    return [*tokens, (len(text), "")][::-1]


def _take(tokens, mark):
    """Remove the next token if it is this mark. Returns whether it was."""
    found = tokens[-1][1] == mark
    if found:
        tokens.pop()
    return found


def _factor(tokens, names):
    function = ""
    if _NAME.fullmatch(tokens[-1][1]) and tokens[-2][1] == "(":
        start, function = tokens.pop()
        if function != "log":
            raise _error(f"only log(...) is known, not {function}(...)", start)
        tokens.pop()
    name = _name(tokens, names)
    if function and not _take(tokens, ")"):
        start, token = tokens[-1]
        raise _error(f'log(...) takes one column; ")" is needed, not {_shown(token)}', start)
    return name, function, _power(tokens) if _take(tokens, "^") else 1.0


def _name(tokens, names):
    start, token = tokens.pop()
    name = token[1:-1].replace("``", "`") if token.startswith("`") else token
    is_name = token.startswith("`") or _NAME.fullmatch(token)
    if not is_name or (_NUMBER.fullmatch(token) and token not in names):
        raise _error(f"the name of a column is needed, not {_shown(token)}", start)
    try:
        check_names("add", [name], names)
    except ValueError as error:
        raise ValueError(f"{error} (at character {start + 1})") from None
    return name


def _power(tokens):
    start, token = tokens.pop()
    is_power = _NUMBER.fullmatch(token) and (token in list("23456789") or set(token) & set("-."))
    if not is_power or not np.isfinite(float(token)):
        raise _error(
            "a power must be an integer from 2 to 9, a negative number or a decimal number, "
            f"not {_shown(token)}",
            start,
        )
    return float(token) + 0.0  # turns -0.0 into 0.0


def _text(name, function, power):
    text = name if _NAME.fullmatch(name) else "`" + name.replace("`", "``") + "`"
    if function:
        text = f"{function}({text})"
    if power == 1:
        return text
    # Only these integers are powers without a decimal point.
    trim = "-" if power < 0 or 2 <= power <= 9 else "0"
    return f"{text}^{np.format_float_positional(power, trim=trim)}"


def _total_powers(factors):
    """A key that is equal for products of the same factors: a*b and b*a, a*a and a^2."""
    totals = Counter()
    for name, function, power in factors:
        totals[name, function] += power
    return frozenset(totals.items())


def _values(values, function, power):
    values = np.asarray(values, dtype=np.float64)
    with np.errstate(all="ignore"):
        if function:
            values = np.log(values)
        if power == 1:
            return values
        # Otherwise NaN^0 would be 1, and log(0)^-1 would be 0.
        return np.where(np.isfinite(values), values**power, np.nan)


def _shown(token):
    return repr(token) if token else "the end"


def _error(message, position):
    return ValueError(f"add: {message} (at character {position + 1})")
