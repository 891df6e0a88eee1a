"""Terms of a linear model: their grammar, their errors and the columns they give."""

import json
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mxlinreg.rows.terms import Term, names_in, parse_terms, term_columns

NAMES = ["bmi", "sex", "age", "odd name", "log", "2020", "größe", "a`b", "x.1_", "2", "", "city"]
COLUMNS_OF = {
    **{name: [name] for name in NAMES},
    "sex": ["sex=b", "sex=c"],
    "city": ["city=Bonn", "city=Ulm"],
    "two levels": ["two levels=b"],
    "one level": [],
}
NUMBERS = {
    "bmi": [2.0, -3.0, 0.0],
    "age": [4.0, 5.0, math.nan],
    "odd name": [1.0, 2.0, 3.0],
    "sex=b": [1.0, 0.0, 0.0],
    "sex=c": [0.0, 1.0, 0.0],
    "two levels=b": [0.0, 1.0, 1.0],
    "city=Bonn": [1.0, 0.0, 1.0],
    "city=Ulm": [0.0, 1.0, 0.0],
}


def columns(term):
    """The columns of one term, by name."""
    if isinstance(term, str):
        (term,) = parse_terms(term, [*COLUMNS_OF])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names, arrays = term_columns(term, COLUMNS_OF, lambda name: np.array(NUMBERS[name]))
    assert len(names) == len(arrays)
    assert all(array.shape == (3,) and array.dtype == np.float64 for array in arrays)
    return {name: array.tolist() for name, array in zip(names, arrays)}


@pytest.mark.parametrize(
    "given_text, text, factors",
    [
        ("bmi*sex", "bmi*sex", [("bmi", "", 1), ("sex", "", 1)]),
        (" log ( age )\t^ 2", "log(age)^2", [("age", "log", 2)]),
        ("`odd name`^2", "`odd name`^2", [("odd name", "", 2)]),
        ("`age`^9", "age^9", [("age", "", 9)]),
        ("log", "log", [("log", "", 1)]),
        ("`log`", "log", [("log", "", 1)]),
        ("log(log)^-1", "log(log)^-1", [("log", "log", -1)]),
        ("log^2", "log^2", [("log", "", 2)]),
        ("2020^2", "2020^2", [("2020", "", 2)]),
        ("2^2", "2^2", [("2", "", 2)]),
        ("größe^-1.50", "größe^-1.5", [("größe", "", -1.5)]),
        ("`a``b`", "`a``b`", [("a`b", "", 1)]),
        ("``^2.0", "``^2", [("", "", 2)]),
        ("x.1_^.5", "x.1_^0.5", [("x.1_", "", 0.5)]),
        ("age^1.0", "age", [("age", "", 1)]),
        ("age^10.0", "age^10.0", [("age", "", 10)]),
        ("age^-0.0", "age^0.0", [("age", "", 0)]),
        ("age^0.00001", "age^0.00001", [("age", "", 1e-5)]),
        ("age*age", "age*age", [("age", "", 1), ("age", "", 1)]),
    ],
)
def test_one_term(given_text, text, factors):
    (term,) = parse_terms(given_text, NAMES)
    assert term == (text, tuple(factors))
    assert parse_terms(text, NAMES) == [term]
    assert str(term.factors[0][2]) == str(float(factors[0][2]))  # 0.0, not -0.0


def test_terms_keep_their_order_and_survive_json():
    terms = parse_terms("bmi*sex, log(age) ,age^2,\n`odd name`^2*age", NAMES)
    assert [term.text for term in terms] == ["bmi*sex", "log(age)", "age^2", "`odd name`^2*age"]
    assert names_in(terms) == ["bmi", "sex", "age", "odd name"]
    text, factors = json.loads(json.dumps(terms[3]))
    assert columns(Term(text, factors)) == {text: [4.0, 20.0, pytest.approx(math.nan, nan_ok=True)]}


@pytest.mark.parametrize(
    "text, message, position",
    [
        ("bmi*agee", "no column 'agee'; the nearest is 'age'", 5),
        ("bmi, `odd nam`", "no column 'odd nam'; the nearest is 'odd name'", 6),
        ("3bmi", "no column '3bmi'; the nearest is 'bmi'", 1),
        ("age*`odd name", "this backtick has no closing one", 5),
        ("`a``", "this backtick has no closing one", 1),
        ("```", "this backtick has no closing one", 1),
        ("log(age", 'log(...) takes one column; ")" is needed, not the end', 8),
        ("log(age*bmi)", "log(...) takes one column; \")\" is needed, not '*'", 8),
        ("age)", '"*" or "," is needed, not \')\'', 4),
        ("`log`(age)", '"*" or "," is needed, not \'(\'', 6),
        ("age bmi", '"*" or "," is needed, not \'bmi\'', 5),
        ("age-bmi", '"*" or "," is needed, not \'-bmi\'', 4),
        ("age^2^2", '"*" or "," is needed, not \'^\'', 6),
        ("", "the name of a column is needed, not the end", 1),
        (" ", "the name of a column is needed, not the end", 2),
        ("age,", "the name of a column is needed, not the end", 5),
        ("age,,bmi", "the name of a column is needed, not ','", 5),
        ("age**2", "the name of a column is needed, not '*'", 5),
        ("log()", "the name of a column is needed, not ')'", 5),
        ("(age)", "the name of a column is needed, not '('", 1),
        ("3*age", "the name of a column is needed, not '3'", 1),
        ("age*-1", "the name of a column is needed, not '-1'", 5),
        ("age*.5", "the name of a column is needed, not '.5'", 5),
        ("bmi*exp(age)", "only log(...) is known, not exp(...)", 5),
        ("age (bmi)", "only log(...) is known, not age(...)", 1),
        ("age*bmi, bmi * age", "bmi*age is the same term as age*bmi", 10),
        ("age, bmi, `age`", "age is the same term as age", 11),
        ("age*age,age^2", "age^2 is the same term as age*age", 9),
        *((f"age^{power}", f"not {power!r} (", 5) for power in ["0", "1", "10", "bmi", "-", "+2"]),
        *((f"age^{power}", f"not {power!r} (", 5) for power in ["2b", "1e5", "-1e5", "٣"]),
        ("age^", "not the end", 5),
        ("age^`2`", "not '`2`'", 5),
        ("age^-1" + "0" * 309, "a power must be an integer from 2 to 9, a negative number", 5),
    ],
)
def test_errors_name_the_part_and_its_position(text, message, position):
    with pytest.raises(ValueError) as error:
        parse_terms(text, NAMES)
    shown = str(error.value)
    assert shown.startswith("add: ") and message in shown, shown
    assert shown.endswith(f"(at character {position})"), shown


def test_terms_that_look_alike_differ():
    text = "age, age^2, log(age), log(age)^2, age*bmi, age*log(bmi), age^2*bmi, age*bmi^2"
    assert [term.text for term in parse_terms(text, NAMES)] == text.split(", ")


def test_other_arguments():
    with pytest.raises(TypeError, match="add: must be text .*, not 3"):
        parse_terms(3, NAMES)
    with pytest.raises(ValueError, match="add: there is no column"):
        parse_terms("age", [])


def test_columns_of_numbers():
    assert columns("bmi") == {"bmi": [2, -3, 0]}
    assert columns("bmi^3") == {"bmi^3": [8, -27, 0]}
    assert columns("`odd name` ^ -1 * bmi") == {"`odd name`^-1*bmi": [2, -1.5, 0]}
    assert columns("bmi*bmi") == {"bmi*bmi": [4, 9, 0]}
    (value,) = columns("log(`odd name`)^2*bmi").values()
    assert value == pytest.approx([0, -3 * 0.6931471805599453**2, 0], rel=1e-15)


def test_columns_of_categories():
    assert columns("bmi*sex") == {"bmi*sex=b": [2, 0, 0], "bmi*sex=c": [0, -3, 0]}
    assert columns("sex*`odd name`^2") == {
        "sex=b*`odd name`^2": [1, 0, 0],
        "sex=c*`odd name`^2": [0, 4, 0],
    }
    both = columns("sex*city")
    assert both == {
        "sex=b*city=Bonn": [1, 0, 0],
        "sex=b*city=Ulm": [0, 0, 0],
        "sex=c*city=Bonn": [0, 0, 0],
        "sex=c*city=Ulm": [0, 1, 0],
    }
    assert list(both) == ["sex=b*city=Bonn", "sex=b*city=Ulm", "sex=c*city=Bonn", "sex=c*city=Ulm"]
    assert columns("sex") == {"sex=b": [1, 0, 0], "sex=c": [0, 1, 0]}
    assert columns("bmi*`two levels`") == {"bmi*two levels=b": [0, -3, 0]}
    assert columns("bmi*`one level`") == {}


@pytest.mark.parametrize("text", ["log(sex)", "bmi*sex^2", "sex^-1", "sex*bmi*sex"])
def test_categories_have_no_logarithm_and_no_power(text):
    with pytest.raises(ValueError, match="^add: 'sex' in .*sex.* is a category"):
        columns(text)
    for name in ("two levels", "one level"):
        with pytest.raises(ValueError, match=f"^add: '{name}' in .* is a category"):
            columns(text.replace("sex", f"`{name}`"))


@pytest.mark.parametrize(
    "text, row",
    [
        ("log(bmi)", 1),
        ("log(bmi)", 2),
        ("log(bmi)^-1", 2),
        ("bmi^-1", 2),
        ("bmi^0.5", 1),
        ("bmi*bmi^-1", 2),
        ("`odd name`^1024.0", 1),
        ("age", 2),
        ("age^0.0", 2),
        ("age*sex", 2),
        ("log(age)^2", 2),
    ],
)
def test_values_that_do_not_exist_are_not_finite(text, row):
    found = columns(text)
    assert found and not any(math.isfinite(values[row]) for values in found.values())
    assert all(math.isfinite(values[0]) for values in found.values())


def test_a_column_is_not_changed_by_its_terms():
    values = np.array([1.0, np.nan, -1.0])
    for text in ("age", "log(age)", "age^2", "age*age"):
        (term,) = parse_terms(text, ["age"])
        _, (array,) = term_columns(term, {"age": ["age"]}, lambda name: values)
        array[:] = 7
    np.testing.assert_array_equal(values, [1, np.nan, -1])


def test_numbers_of_other_types_become_float64():
    (term,) = parse_terms("age^-1*age^9", ["age"])
    for dtype in ("int8", "float32"):
        values = np.array([3, 5, 100], dtype)
        _, (array,) = term_columns(term, {"age": ["age"]}, lambda name, values=values: values)
        assert array.dtype == np.float64
        assert array.tolist() == pytest.approx([3**8, 5**8, 100**8], rel=1e-15)


pieces = st.sampled_from([*NAMES, *"`,*^()+-. 29", "log(", "`odd name`", "`a``b`", "-1.5", "0.5"])


@given(st.one_of(st.text(), st.lists(pieces, max_size=12).map("".join)))
@settings(deadline=None, max_examples=300)
def test_any_text_gives_terms_or_an_error(text):
    try:
        terms = parse_terms(text, NAMES)
    except ValueError as error:
        assert str(error).startswith("add: ")
    else:
        assert parse_terms(",".join(term.text for term in terms), NAMES) == terms


powers = st.one_of(
    st.integers(2, 9).map(str),
    st.decimals(-99, 99, places=3).map(lambda power: f"{power:f}"),
)
factors = st.tuples(st.integers(0, 5), st.sampled_from(["", "log"]), st.none() | powers)


@given(
    st.lists(st.text(max_size=4), min_size=6, max_size=6, unique=True),
    st.lists(factors, min_size=1, max_size=4),
    st.sampled_from(["", " ", "\n\t"]),
)
@settings(deadline=None, max_examples=200)
def test_a_term_of_any_names_is_read_as_written(names, factors, space):
    written, expected = [], []
    for index, function, power in factors:
        name = names[index]
        parts = ["`" + name.replace("`", "``") + "`"]
        parts = [function, "(", *parts, ")"] if function else parts
        written.append(space.join([*parts, "^", power] if power else parts))
        expected.append((name, function, float(power or 1)))
    (term,) = parse_terms(f"{space}*{space}".join(written), names)
    assert term.factors == tuple(expected)
    assert parse_terms(term.text, names) == [term]
