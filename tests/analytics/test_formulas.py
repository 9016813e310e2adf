"""Formulas of virtual meters: own parser, bounded, with mistakes that say where."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.formulas import MOST_DEPTH, FormulaError, evaluate, meters, parse


def value(formula, **amounts):
    return float(evaluate(parse(formula), {name: np.array([float(one)]) for name, one in amounts.items()})[0])


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("[a] + [b] * 2", 16.0),
        ("([a] + [b]) * 2", 22.0),
        ("[a] - [b] - 1", 0.0),  # from left to right, not 6 - (5 - 1)
        ("[a] / [b] / 2", 0.6),
        ("-[b] + [a]", 1.0),
        ("2 - -[b]", 7.0),
        ("min([a], [b], 7)", 5.0),
        ("max(0, [b] - [a])", 0.0),
        ("1.5e1 * [b]", 75.0),
    ],
)
def test_a_formula_gives_what_a_person_would_compute(formula, expected):
    assert value(formula, a=6, b=5) == expected


def test_ids_may_hold_what_device_ids_hold():
    assert meters(parse("[city-hall.main:1] - [楼 一]")) == {"city-hall.main:1", "楼 一"}


def test_an_unknown_input_makes_the_result_unknown_even_where_it_would_not_matter():
    amounts = {"a": np.array([1.0, np.nan, 3.0]), "b": np.array([4.0, 5.0, np.nan])}
    assert evaluate(parse("max([a], [b])"), amounts).tolist()[0] == 4.0
    assert np.isnan(evaluate(parse("max([a], [b])"), amounts)).tolist() == [False, True, True]
    assert np.isnan(evaluate(parse("0 * [a]"), amounts)).tolist() == [False, True, False]


def test_dividing_by_nothing_is_not_known():
    assert np.isnan(value("[a] / [b]", a=1, b=0))
    assert np.isnan(value("[a] / [b]", a=0, b=0))


@pytest.mark.parametrize(
    ("formula", "position", "said"),
    [
        ("", 1, "the end where"),
        ("[a] +", 6, "the end where"),
        ("[a] [b]", 5, "“[b]” where"),
        ("[a] + main", 7, "“main” is no function"),
        ("[a] ** 2", 6, "“*” where"),
        ("[a] + $", 7, "“$” means nothing"),
        ("([a] + 1", 9, "the end where “)”"),
        ("[a", 1, "“[” means nothing"),
        ("min([a])", 1, "“min” of one term"),
        ("1 + 2", 1, "no meter"),
        ("[a] * 1e999", 7, "without end"),
        ("__import__('os')", 12, "means nothing"),
        ("[a].real", 4, "means nothing"),
        ("x if [a] else y", 1, "“x” is no function"),
    ],
)
def test_a_mistake_says_where_it_is(formula, position, said):
    with pytest.raises(FormulaError, match="character") as mistake:
        parse(formula)
    assert mistake.value.position == position
    assert said in str(mistake.value)
    assert mistake.value.fix


def test_length_and_depth_are_bounded():
    with pytest.raises(FormulaError, match="more than 1000 characters"):
        parse("+".join(["[a]"] * 300))
    for nested in ("(" * 40 + "[a]" + ")" * 40, "-" * 40 + "[a]", "min(1," * 40 + "[a]" + ")" * 40):
        with pytest.raises(FormulaError, match=f"more than {MOST_DEPTH} deep"):
            parse(nested)


@given(st.text(alphabet="[]ab+-*/()., 0123456789e_minmax$\n", max_size=60))
def test_no_text_makes_the_parser_do_anything_but_answer_or_refuse(text):
    with suppress(FormulaError):
        term = parse(text)
        assert evaluate(term, {name: np.ones(1) for name in meters(term)}).shape == (1,)
