"""Virtual meters: formulas over intervals, with unknowns, coverage and mistakes."""

from dataclasses import replace

import numpy as np
import pytest

from analytics.virtual import MOST_DEPTH, intervals, virtuals
from core.batch import BASE_US
from core.quality import Quality
from core.quantities import Energy
from tests.analytics.meters import catalog, formula, meter, place
from tests.analytics.meters import intervals as rows

HALL = [place("hall")]


def found(*devices, quantities=None):
    usable, broken = virtuals(catalog(HALL, devices, quantities))
    return usable, {name: (str(error), error.fix) for name, error in broken.items()}


def test_a_virtual_meter_counts_its_formula_in_every_interval():
    usable, _ = found(
        meter("main", "hall"), meter("ev", "hall"), formula("rest", "hall", "[main] - 0.5*[ev]")
    )
    made = intervals(usable["rest"], rows(0, {0: [5.0, 6.0], 1: [2.0, 1.0]}), 0, 4 * BASE_US)
    assert made.start_us.tolist() == [0, BASE_US]
    assert made.amount.tolist() == [4.0, 5.5]
    assert made.covered_us.tolist() == [BASE_US] * 2
    assert (made.register == usable["rest"].source).all()


def test_it_is_unknown_where_an_input_is_and_covered_as_little_as_the_least():
    usable, _ = found(meter("a", "hall"), meter("b", "hall"), formula("sum", "hall", "[a] + [b]"))
    inputs = rows(0, {0: [1.0, 1.0, None], 1: [2.0, None, None]})
    inputs.covered_us[:] = [BASE_US, BASE_US, BASE_US // 3]
    made = intervals(usable["sum"], inputs, 0, 3 * BASE_US)
    assert made.start_us.tolist() == [0, BASE_US]
    assert made.amount.tolist()[0] == 3.0
    assert np.isnan(made.amount[1])
    assert made.covered_us.tolist() == [BASE_US // 3, 0]


def test_a_quotient_by_nothing_is_not_known_and_not_covered():
    usable, _ = found(meter("a", "hall"), meter("b", "hall"), formula("ratio", "hall", "[a] / [b]"))
    made = intervals(usable["ratio"], rows(0, {0: [1.0, 1.0], 1: [0.0, 4.0]}), 0, 2 * BASE_US)
    assert np.isnan(made.amount).tolist() == [True, False]
    assert made.covered_us.tolist() == [0, BASE_US]


def test_flags_and_revisions_of_inputs_are_its_own():
    usable, _ = found(meter("a", "hall"), meter("b", "hall"), formula("sum", "hall", "[a] + [b]"))
    inputs = rows(0, {0: [1.0], 1: [2.0]})
    inputs.quality[:] = [Quality.LATE, Quality.GAP_SPREAD]
    inputs.revision[:] = [2, 1]
    made = intervals(usable["sum"], inputs, 0, BASE_US)
    assert Quality(int(made.quality[0])) == Quality.LATE | Quality.GAP_SPREAD
    assert made.revision.tolist() == [3]


def test_a_recomputed_input_changes_it_for_nothing_of_it_is_stored():
    usable, _ = found(meter("a", "hall"), formula("half", "hall", "[a] / 2"))
    before = rows(0, {0: [4.0]})
    after = replace(before, amount=np.array([6.0]))
    assert intervals(usable["half"], before, 0, BASE_US).amount.tolist() == [2.0]
    assert intervals(usable["half"], after, 0, BASE_US).amount.tolist() == [3.0]


def test_virtual_meters_may_be_made_of_virtual_meters():
    usable, _ = found(
        meter("a", "hall"),
        formula("twice", "hall", "[a] * 2"),
        formula("both", "hall", "[twice] + [a] + [twice]"),
    )
    assert usable["both"].devices == {"a"}
    assert intervals(usable["both"], rows(0, {0: [3.0]}), 0, BASE_US).amount.tolist() == [15.0]


def test_a_formula_that_leads_back_to_itself_is_a_mistake_at_its_place():
    _, broken = found(
        meter("m", "hall"),
        formula("a", "hall", "[m] + [b]"),
        formula("b", "hall", "[a] * 2"),
        formula("c", "hall", "[c]"),
    )
    assert "a → b → a" in broken["a"][0]
    assert "b → a → b" in broken["b"][0]
    assert broken["c"] == ("it is made of itself (c → c) at character 1", "take [c] out")


def test_a_meter_that_is_not_there_is_named():
    _, broken = found(meter("m", "hall"), formula("v", "hall", "[m] - [gone]"))
    assert broken["v"] == ("there is no meter “gone” at character 7", "name a registered meter by its id")


def test_meters_of_different_energies_make_no_sum():
    _, broken = found(
        meter("e", "hall"),
        meter("w", "hall"),
        formula("v", "hall", "[e] + [w]"),
        quantities={"w": ["water_volume_total"]},
    )
    assert "[e] counts electricity in kWh; [w] counts water in m3" in broken["v"][0]


def test_it_has_the_energy_and_unit_of_its_inputs():
    usable, _ = found(
        meter("g", "hall"), formula("v", "hall", "[g] * 0.9"), quantities={"g": ["gas_volume_total"]}
    )
    assert (usable["v"].energy, usable["v"].unit) == (Energy.GAS, "m3")


def test_how_deep_virtual_meters_may_be_nested_is_bounded():
    chain = [formula(f"v{n}", "hall", f"[v{n + 1}] + [m]") for n in range(MOST_DEPTH + 5)]
    _, broken = found(meter("m", "hall"), *chain, formula(f"v{MOST_DEPTH + 5}", "hall", "[m]"))
    assert "virtual meters one in another" in broken["v0"][0]


@pytest.mark.parametrize("text", ["", None])
def test_a_virtual_meter_without_formula_is_a_mistake(text):
    _, broken = found(formula("v", "hall", text))
    assert broken["v"][0] == "a virtual meter needs a formula at character 1"
