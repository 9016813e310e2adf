"""Balances: parent less children, judged only where everything was measured."""

import numpy as np

from analytics.balance import Verdict, balance


def judged(parent, *children, parent_class=1.0, child_class=1.0, complete=True):
    made = balance(
        np.array([parent]),
        np.array([[one] for one in children]),
        parent_class,
        np.full(len(children), child_class),
        np.array([complete]),
    )
    return made.verdict[0], float(made.rest[0]), float(made.tolerance[0])


def test_the_tolerance_is_every_meters_class_of_what_it_counted():
    # 0.5 % of 1000 kWh and 1 % of 600 and 390 kWh: 5 + 6 + 3.9.
    verdict, rest, tolerance = judged(1000.0, 600.0, 390.0, parent_class=0.5)
    assert (rest, round(tolerance, 9)) == (10.0, 14.9)
    assert verdict is Verdict.BALANCED


def test_a_rest_above_it_is_use_that_no_meter_below_sees():
    assert judged(1000.0, 600.0, 370.0)[0] is Verdict.UNMETERED


def test_children_can_not_count_more_than_went_in():
    assert judged(1000.0, 600.0, 430.0)[0] is Verdict.CHILDREN_EXCEED


def test_the_edge_of_the_tolerance_is_inside_it():
    # 100 - 98.0198…: with 1 % each, the rest is exactly the tolerance.
    child = 100 * (1 - 0.01) / (1 + 0.01)
    assert judged(100.0, child)[0] is Verdict.BALANCED


def test_a_silent_child_is_no_loss():
    assert judged(1000.0, 600.0, 0.0, complete=False)[0] is Verdict.NOT_JUDGED
    assert judged(1000.0, np.nan)[0] is Verdict.NOT_JUDGED
